import hashlib
import json
import struct

import numpy
import pytest
import torch

from layerscope.files import append_lines, fingerprint, written_atomically
from layerscope.tensor_files import write_npz, write_safetensors


def read_safetensors(path):
    """The format by its description, apart from the writer: metadata and NumPy arrays."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    types = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}
    body, arrays, end = data[8 + length :], {}, 0
    metadata = header.pop("__metadata__", {})
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, stop = entry["data_offsets"]
        assert begin == end, "the format allows no gaps"
        end = stop
        arrays[name] = numpy.frombuffer(body[begin:stop], types[entry["dtype"]]).reshape(entry["shape"])
    assert end == len(body) and length % 8 == 0
    return metadata, arrays


def tensors():
    return {
        "half": torch.randn(3, 5).half(), "wide": torch.randn(2, 2, dtype=torch.float64), "id": torch.tensor([1, -(2**40)]),
        "not contiguous": torch.arange(6.0).reshape(2, 3).t(), "empty": torch.zeros(0, 4), "scalar": torch.tensor(7, dtype=torch.int32),
    }


def test_safetensors_hold_the_values_and_the_metadata(tmp_path):
    path = tmp_path / "a.safetensors"
    expected = tensors()
    write_safetensors(path, expected, {"epoch": "3", "note": "ä"})
    metadata, arrays = read_safetensors(path)
    assert metadata == {"epoch": "3", "note": "ä"}
    assert {name: values.tolist() for name, values in arrays.items()} == {name: values.tolist() for name, values in expected.items()}


def test_safetensors_are_read_by_the_reference_package(tmp_path):
    reference = pytest.importorskip("safetensors.torch")
    expected = tensors()
    write_safetensors(tmp_path / "a.safetensors", expected, {"epoch": "3"})
    found = reference.load_file(tmp_path / "a.safetensors")
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name].dtype == values.dtype and torch.equal(found[name], values)


def test_types_without_a_name_in_the_format_and_metadata_that_is_no_text_are_refused(tmp_path):
    with pytest.raises(ValueError, match="tensor spectrum has the type torch.complex64"):
        write_safetensors(tmp_path / "a.safetensors", {"spectrum": torch.zeros(2, dtype=torch.complex64)}, {})
    with pytest.raises(TypeError, match="'epoch' is 3"):
        write_safetensors(tmp_path / "a.safetensors", {}, {"epoch": 3})
    assert list(tmp_path.iterdir()) == []


def test_npz_is_read_by_numpy_and_equal_content_is_an_equal_file(tmp_path):
    arrays = {"loss": torch.randn(3, 4, dtype=torch.float64), "seed": torch.tensor(5), "options": '{"grid": 3}'}
    write_npz(tmp_path / "a.npz", arrays)
    write_npz(tmp_path / "b.npz", arrays)
    with numpy.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert numpy.array_equal(found["loss"], arrays["loss"].numpy())
        assert found["seed"] == 5 and str(found["options"]) == '{"grid": 3}'
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_file_whose_writing_fails_leaves_the_old_one_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(RuntimeError):
        with written_atomically(path) as file:
            file.write(b"half")
            assert path.read_text() == "old"
            raise RuntimeError
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"] and path.read_text() == "old"


def test_lines_are_appended_whole_and_a_torn_one_becomes_blanks(tmp_path):
    path = tmp_path / "folder" / "records.jsonl"
    append_lines(path, '{"a":1}\n')
    with open(path, "ab") as file:
        file.write(b'{"torn":')
    append_lines(path, '{"b":2}\n{"c":3}\n')
    lines = path.read_text().split("\n")
    assert lines == ['{"a":1}', " " * 7, '{"b":2}', '{"c":3}', ""]


def test_a_torn_line_alone_in_its_file_becomes_blanks(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"torn"')
    append_lines(path, "{}\n")
    assert path.read_text() == " " * 6 + "\n{}\n"


def test_the_fingerprint_of_a_small_file_is_its_hash_and_of_a_large_one_that_of_64_blocks(tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"abc")
    assert fingerprint(small) == "sha1:" + hashlib.sha1(b"abc").hexdigest()
    size, block = 32 * 1024**2 + 4097, 256 * 1024
    with open(large, "wb") as file:
        file.truncate(size)
        file.seek(20_000_000)
        file.write(bytes(range(256)) * 4096)
    data = large.read_bytes()
    expected = hashlib.sha1(f"{size}\n".encode())
    for number in range(64):
        at = int((size - block) * number / 63 + 0.5)
        expected.update(data[at : at + block])
    assert fingerprint(large) == "sha1-sampled:" + expected.hexdigest()
