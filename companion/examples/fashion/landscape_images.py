"""The images of the landscapes: some that the memorizing run of a seed was trained on, and as many that no run saw."""

from pathlib import Path
from typing import Dict, Sequence, Tuple

import numpy
import torch

from experiment import choose_images
from fashion_data import DEBIAN_FOLDER, Images, balanced


def write_landscape_images(runs: Path, seeds: Sequence[int], count: int, data: Path = DEBIAN_FOLDER) -> Dict[Tuple[str, int], Path]:
    """By part (`train`, `held_out`) and seed: an npz with images [count, 1, 28, 28] in 0..1 and labels, every class equally often."""
    paths = {}
    for seed in seeds:
        chosen = choose_images(data, "memorizing", seed)
        for part, images in (("train", chosen.train), ("held_out", chosen.test)):
            paths[part, seed] = save(images.take(balanced(images, count, torch.Generator().manual_seed(seed))), runs / f"landscape-{part}-{seed}.npz")
    return paths


def save(images: Images, path: Path) -> Path:
    numpy.savez(path, images=images.images.numpy(), labels=images.labels.numpy())
    return path
