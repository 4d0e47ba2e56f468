"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, MIT licence): 28 x 28 photographs of clothes, 10 classes.

Debian and Ubuntu ship it as the package `dataset-fashion-mnist`; any folder with the four original files will do.
"""

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path

import torch

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASS_COUNT = 10


@dataclass(frozen=True)
class Images:
    """images: [count, 1, 28, 28] in 0..1; labels: [count]; ids: [count], place in the original file (test images: 60000 and on)."""

    images: torch.Tensor
    labels: torch.Tensor
    ids: torch.Tensor

    def take(self, rows: torch.Tensor) -> "Images":
        return Images(self.images[rows], self.labels[rows], self.ids[rows])

    def __len__(self) -> int:
        return len(self.images)


def load(folder: Path, part: str) -> Images:
    """part: `train` (60,000 images) or `t10k` (10,000)."""
    images = _read_idx(folder / f"{part}-images-idx3-ubyte.gz", dimensions=3)
    labels = _read_idx(folder / f"{part}-labels-idx1-ubyte.gz", dimensions=1)
    first = 0 if part == "train" else 60_000
    return Images(images.unsqueeze(1).float() / 255, labels.long(), torch.arange(first, first + len(images)))


def balanced(images: Images, count: int, generator: torch.Generator) -> torch.Tensor:
    """Rows of `count` images, every class equally often, in random order."""
    per_class, rest = divmod(count, CLASS_COUNT)
    if rest:
        raise ValueError(f"{count} images cannot be spread evenly over {CLASS_COUNT} classes")
    rows = []
    for label in range(CLASS_COUNT):
        own = torch.nonzero(images.labels == label).flatten()
        if len(own) < per_class:
            raise ValueError(f"{per_class} images of class {label} are wanted, there are {len(own)}")
        rows.append(own[torch.randperm(len(own), generator=generator)[:per_class]])
    together = torch.cat(rows)
    return together[torch.randperm(len(together), generator=generator)]


def _read_idx(path: Path, dimensions: int) -> torch.Tensor:
    if not path.exists():
        raise SystemExit(f"{path} is not there; install the Debian package dataset-fashion-mnist or name a folder that has it with --data")
    with gzip.open(path) as file:
        content = file.read()
    zero, kind, axes = struct.unpack(">HBB", content[:4])
    if zero != 0 or kind != 8 or axes != dimensions:
        raise SystemExit(f"{path}: not an idx file of bytes with {dimensions} axes (starts with {content[:4].hex()})")
    shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    values = torch.frombuffer(bytearray(content[4 + 4 * axes :]), dtype=torch.uint8)
    return values.reshape(shape)
