"""Random views of small grey images: geometric changes, brightness, noise and a masked square."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as functional


@dataclass(frozen=True)
class AugmentationStrength:
    """Largest changes of a view; each one is drawn uniformly between none and this."""

    rotation_degrees: float
    shift_fraction: float  # of the image's width
    scale_fraction: float  # 0.2 = from 80 % to 120 %
    shear: float  # horizontal shift per vertical distance
    brightness_fraction: float  # 0.3 = from 70 % to 130 %
    noise_deviation: float  # of grey values from 0 to 1, the same for every view
    masked_fraction: float  # side of the masked square, as a fraction of the image's width


STRENGTHS = {
    "weak": AugmentationStrength(5.0, 0.03, 0.05, 0.05, 0.1, 0.02, 0.0),
    "strong": AugmentationStrength(20.0, 0.1, 0.2, 0.2, 0.4, 0.05, 0.3),
}


def augment(images: torch.Tensor, size: int, strength: AugmentationStrength, generator: torch.Generator) -> torch.Tensor:
    """One random view of each image.

    images: float32 [count, 1, height, width], grey values from 0 to 1.
    Returns float32 [count, 1, size, size] (bilinear resampling), shifted and scaled to about zero mean, unit deviation.
    All randomness comes from `generator`; the global state is left alone.
    """
    count = len(images)

    def uniform(largest: float) -> torch.Tensor:
        """[count], from -largest to largest."""
        return (torch.rand(count, generator=generator) * 2.0 - 1.0) * largest

    angle = uniform(math.radians(strength.rotation_degrees))
    scale = 1.0 + uniform(strength.scale_fraction)
    shear = uniform(strength.shear)
    cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
    # Grid coordinates span 2 from edge to edge, so a fraction of the width counts double.
    shift_x, shift_y = uniform(2.0 * strength.shift_fraction), uniform(2.0 * strength.shift_fraction)
    affine = torch.stack(
        [
            torch.stack([cosine, cosine * shear - sine, shift_x], dim=1),
            torch.stack([sine, sine * shear + cosine, shift_y], dim=1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(affine, [count, 1, size, size], align_corners=False)
    views = functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    views = views * (1.0 + uniform(strength.brightness_fraction)).view(count, 1, 1, 1)
    views = views * _square_mask(count, size, strength.masked_fraction, generator)
    views = views + torch.randn(views.shape, generator=generator) * strength.noise_deviation
    return (views - 0.3) / 0.35  # about the mean and deviation of the data set's grey values


def _square_mask(count: int, size: int, masked_fraction: float, generator: torch.Generator) -> torch.Tensor:
    """Float32 [count, 1, size, size]: 0 inside one randomly placed square per image, 1 elsewhere."""
    centre = torch.rand(count, 2, generator=generator) * size
    half = masked_fraction * size / 2.0
    pixel = torch.arange(size, dtype=torch.float32) + 0.5
    inside_rows = (pixel.view(1, size) - centre[:, :1]).abs() < half
    inside_columns = (pixel.view(1, size) - centre[:, 1:]).abs() < half
    return 1.0 - (inside_rows.unsqueeze(2) & inside_columns.unsqueeze(1)).float().unsqueeze(1)


def fixed_views(
    images: torch.Tensor, views: int, size: int, strength: AugmentationStrength, seed: int
) -> torch.Tensor:
    """The same `views` views of every image at each call: float32 [count, views, 1, size, size]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([augment(images, size, strength, generator) for _ in range(views)], dim=1)
