"""The two settings in which every method is trained, for equally many steps: many images strongly augmented, and few hardly augmented."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    images: int
    augmentation: str


SETTINGS = {
    "healthy": Setting(images=8000, augmentation="strong"),
    "memorizing": Setting(images=130, augmentation="weak"),
}
RECORD_STEPS = (0, 4, 16, 60, 150, 300, 450, 600, 800, 1000)
STEPS = RECORD_STEPS[-1]
BATCH_SIZE = 128
PROBE_SAMPLES = 120
PROBE_VIEWS = 8
LEARNING_RATE = 1e-3
PIXEL_MEAN, PIXEL_DEVIATION = 0.2860, 0.3530
"""Of Fashion-MNIST's training images, in 0..1."""
