"""Scikit-learn's handwritten digits, divided into training and held-out images class by class."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_digits

CLASS_COUNT = 10
LARGEST_PIXEL_VALUE = 16.0


@dataclass
class DigitsSplit:
    """All images and the positions of the chosen ones.

    images: float32 [1797, 1, 8, 8], grey values from 0 to 1.
    labels: int64 [1797], the digit that was written.
    train_ids, held_out_ids: int64 positions in `images`; their classes take turns (0, 1, ..., 9, 0, 1, ...),
        so that any prefix whose length is a multiple of 10 has every class equally often.
    """

    images: torch.Tensor
    labels: torch.Tensor
    train_ids: torch.Tensor
    held_out_ids: torch.Tensor


def load_digits_split(train_count: int, held_out_count: int, seed: int) -> DigitsSplit:
    """Chooses `train_count` and `held_out_count` different images, both balanced over the classes.

    For one seed the held-out images are the same whatever `train_count` is, and a larger training set contains
    the smaller one: runs of different size can be probed with the very same images.
    """
    for name, count in (("train", train_count), ("held-out", held_out_count)):
        if count <= 0 or count % CLASS_COUNT:
            raise ValueError(f"the number of {name} images must be a positive multiple of {CLASS_COUNT}, not {count}")
    digits = load_digits()
    generator = np.random.RandomState(seed)
    positions_by_class = [generator.permutation(np.flatnonzero(digits.target == digit)) for digit in range(CLASS_COUNT)]
    smallest_class = min(len(positions) for positions in positions_by_class)
    train_per_class, held_out_per_class = train_count // CLASS_COUNT, held_out_count // CLASS_COUNT
    if train_per_class + held_out_per_class > smallest_class:
        raise ValueError(f"at most {smallest_class * CLASS_COUNT} images in all, asked for {train_count + held_out_count}")
    # Training images are taken from the front and held-out images from the back, hence they never overlap.
    train_ids = np.stack([positions[:train_per_class] for positions in positions_by_class], axis=1).reshape(-1)
    held_out_ids = np.stack([positions[::-1][:held_out_per_class] for positions in positions_by_class], axis=1).reshape(-1)
    return DigitsSplit(
        images=torch.from_numpy((digits.images / LARGEST_PIXEL_VALUE).astype(np.float32)).unsqueeze(1),
        labels=torch.from_numpy(digits.target.astype(np.int64)),
        train_ids=torch.from_numpy(train_ids.astype(np.int64)),
        held_out_ids=torch.from_numpy(held_out_ids.astype(np.int64)),
    )
