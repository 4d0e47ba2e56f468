"""Writers of the two tensor files that the extension reads, without NumPy and without the safetensors package.

They are always used, also where those are installed: a recorder has to work wherever PyTorch does, and what it
writes should not depend on what else is installed.
"""

from __future__ import annotations

import ctypes
import json
import struct
import sys
import zipfile
from typing import Dict, Mapping, Tuple, Union

import torch

from .files import PathLike, written_atomically

_SAFETENSORS_TYPES: Dict[torch.dtype, str] = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}
_NPY_TYPES: Dict[torch.dtype, str] = {
    torch.float64: "<f8", torch.float32: "<f4", torch.float16: "<f2",
    torch.int64: "<i8", torch.int32: "<i4", torch.int16: "<i2", torch.int8: "|i1", torch.uint8: "|u1", torch.bool: "|b1",
}


def tensor_bytes(tensor: torch.Tensor) -> bytes:
    """The values in row-major order, little-endian."""
    if sys.byteorder != "little":
        raise NotImplementedError("tensor files are written on little-endian machines only")
    values = tensor.detach().cpu().contiguous()
    size = values.numel() * values.element_size()
    return ctypes.string_at(values.data_ptr(), size) if size > 0 else b""


def write_safetensors(path: PathLike, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> None:
    """Writes https://huggingface.co/docs/safetensors under a temporary name and renames it.

    Raises ValueError naming a tensor whose type the format does not have, TypeError for metadata that is no text.
    """
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"metadata is text, but {key!r} is {value!r}")
    for name, tensor in tensors.items():
        if tensor.dtype not in _SAFETENSORS_TYPES:
            raise ValueError(f"tensor {name} has the type {tensor.dtype}, which a safetensors file cannot hold")
    # Wide elements first: every tensor then begins at a multiple of its element size, as the reference writer has it.
    order = sorted(tensors, key=lambda name: -tensors[name].element_size())
    header: Dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for name in order:
        tensor = tensors[name]
        size = tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _SAFETENSORS_TYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with written_atomically(path) as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            file.write(tensor_bytes(tensors[name]))


def write_npz(path: PathLike, arrays: Mapping[str, Union[torch.Tensor, str]]) -> None:
    """Writes an uncompressed NumPy archive under a temporary name and renames it; a text becomes a 0-dimensional array of text."""
    with written_atomically(path) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, value in arrays.items():
                # A fixed date, so that equal content is an equal file.
                archive.writestr(zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0)), _npy(name, value))


def _npy(name: str, value: Union[torch.Tensor, str]) -> bytes:
    """One array in NumPy's format, version 1.0 (numpy.lib.format)."""
    if isinstance(value, str):
        text = value or " "
        return _npy_header(f"<U{len(text)}", ()) + text.encode("utf-32-le")
    if value.dtype not in _NPY_TYPES:
        raise ValueError(f"array {name} has the type {value.dtype}, which NumPy does not have")
    return _npy_header(_NPY_TYPES[value.dtype], tuple(value.shape)) + tensor_bytes(value)


def _npy_header(descr: str, shape: Tuple[int, ...]) -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape!r}, }}".encode("latin1")
    magic = b"\x93NUMPY\x01\x00"
    header += b" " * (-(len(magic) + 2 + len(header) + 1) % 64) + b"\n"
    return magic + struct.pack("<H", len(header)) + header
