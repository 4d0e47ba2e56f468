"""Files that nobody sees half written, and the fingerprint by which the extension knows a file's content."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import uuid
from pathlib import Path
from typing import BinaryIO, Iterator, Union

PathLike = Union[str, "os.PathLike[str]"]

WHOLE_UP_TO = 32 * 1024 * 1024
SAMPLED_BLOCKS = 64
BLOCK_BYTES = 256 * 1024


@contextlib.contextmanager
def written_atomically(path: PathLike) -> Iterator[BinaryIO]:
    """Opens a temporary file beside `path`; when the block ends well it is flushed to the disk and takes the name, else it is removed.

    The temporary name ends in `.tmp`, so that nothing takes it for a finished file. Missing folders are made.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def append_lines(path: PathLike, text: str) -> None:
    """Appends whole lines to a JSON Lines file with one write, and waits until they are on the disk.

    A line that a killed writer left without its end is first overwritten with blanks, as the extension does: unlike
    truncating, that takes away nothing that another process appends meanwhile.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        _blank_torn_line(target)
    data = text.encode("utf-8")
    descriptor = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    try:
        written = os.write(descriptor, data)
        if written < len(data):
            raise OSError(f"{target}: only {written} of {len(data)} bytes could be written")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _blank_torn_line(path: Path) -> None:
    with open(path, "r+b") as file:
        end = file.seek(0, os.SEEK_END)
        start = end
        while start > 0:
            begin = max(0, start - BLOCK_BYTES)
            file.seek(begin)
            newline = file.read(start - begin).rfind(b"\n")
            if newline >= 0:
                start = begin + newline + 1
                break
            start = begin
        if start < end:
            file.seek(start)
            file.write(b" " * (end - start - 1) + b"\n")


def fingerprint(path: PathLike) -> str:
    """The content of a file as the extension knows it (src/runs/fingerprint.ts).

    "sha1:<hex>" over everything, or "sha1-sampled:<hex>" over the size and 64 evenly spread blocks of a file above 32 MiB.
    """
    digest = hashlib.sha1()
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size <= WHOLE_UP_TO:
            file.seek(0)
            for block in iter(lambda: file.read(BLOCK_BYTES * 16), b""):
                digest.update(block)
            return f"sha1:{digest.hexdigest()}"
        digest.update(f"{size}\n".encode())
        last = size - BLOCK_BYTES
        for block_number in range(SAMPLED_BLOCKS):
            # JavaScript rounds halves up, Python to even.
            file.seek(math.floor(last * block_number / (SAMPLED_BLOCKS - 1) + 0.5))
            digest.update(file.read(BLOCK_BYTES))
    return f"sha1-sampled:{digest.hexdigest()}"
