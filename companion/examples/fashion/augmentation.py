"""Random views of grey images: crop, flip, brightness and contrast, erased patch. All randomness comes from the generator that is passed, or from the global one."""

from dataclasses import dataclass
from typing import Optional

import torch
import torch.nn.functional as functional

from settings import PIXEL_DEVIATION, PIXEL_MEAN


@dataclass(frozen=True)
class Strength:
    smallest_scale: float
    """Side of the smallest crop as a share of the image's."""
    flip: bool
    jitter: float
    """Largest relative change of contrast, and of brightness in units of the full range."""
    erased: float
    """Side of the square that is erased, as a share of the image's; 0 erases nothing."""


STRENGTHS = {
    "weak": Strength(smallest_scale=0.95, flip=False, jitter=0.05, erased=0.0),
    "strong": Strength(smallest_scale=0.6, flip=True, jitter=0.4, erased=0.25),
}


def augment(images: torch.Tensor, strength: Strength, generator: Optional[torch.Generator] = None) -> torch.Tensor:
    """One random view of each image: [count, 1, side, side] -> the same shape, values in 0..1."""
    count, _, side, _ = images.shape

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    scale = uniform(strength.smallest_scale, 1.0)
    room = 1 - scale
    theta = torch.zeros(count, 2, 3)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0) if strength.flip else torch.ones(count)
    theta[:, 0, 0] = scale * mirror
    theta[:, 1, 1] = scale
    theta[:, 0, 2] = uniform(-1, 1) * room
    theta[:, 1, 2] = uniform(-1, 1) * room
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    views = functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)

    contrast = uniform(1 - strength.jitter, 1 + strength.jitter)[:, None, None, None]
    brightness = uniform(-strength.jitter, strength.jitter)[:, None, None, None] / 2
    views = ((views - 0.5) * contrast + 0.5 + brightness).clamp(0, 1)
    if strength.erased > 0:
        width = round(side * strength.erased)
        left, top = ((uniform(0, 1) * (side - width + 1)).long().clamp(max=side - width) for _ in range(2))
        place = torch.arange(side)
        columns = (place >= left[:, None]) & (place < left[:, None] + width)
        rows = (place >= top[:, None]) & (place < top[:, None] + width)
        views = views.masked_fill((rows[:, None, :, None] & columns[:, None, None, :]), 0.0)
    return views


def normalized(images: torch.Tensor) -> torch.Tensor:
    """Zero mean and unit deviation over Fashion-MNIST's training images."""
    return (images - PIXEL_MEAN) / PIXEL_DEVIATION
