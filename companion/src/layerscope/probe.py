"""The probe: a fixed set of training and held-out samples with a fixed set of views, the same at every checkpoint."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple, Union

import torch

from .randomness import CHOICE_PURPOSE, VIEW_PURPOSE, seed_of, seeded

TRAIN, HELD_OUT = 0, 1

HELD_OUT_IDS_FROM = 1 << 32
"""A training sample is known by its index in the data set, a held-out one by its index in the other plus this."""

KEPT_BYTES = 2 * 1024**3
"""Views up to here are made once and kept; beyond, they are made anew for every recording from the same seeds."""

Augmentation = Callable[[Any], torch.Tensor]
Samples = Any
"""A map-style data set, a DataLoader over one, a sequence, or tensors: inputs, or (inputs, labels)."""

_INPUT_KEYS = ("pixel_values", "image", "images", "img", "input", "inputs", "x")
_LABEL_KEYS = ("label", "labels", "y", "target")


@dataclass(frozen=True)
class _Sample:
    part: int
    index: int
    id: int


class Probe:
    """Samples and their views.

    train, held_out: see `Samples`; the second may be None. Items are an input, (input, label, ...) or a mapping such as {"pixel_values", "label"};
        of several crops of one image the first is taken. Without `augmentation`, what the data set gives is a view, so that a data set
        with a random transform gives a new view each time; a bare tensor then holds the views themselves, [samples, views, ...].
    views: views of each sample.
    samples: samples of each part, chosen at random by `seed`; fewer when a part has fewer, because unequal parts differ by size alone.
    augmentation: makes one view [...] of one input.
    seed: of the choice and the views. Each view has a seed of its own, for the random numbers of Python, NumPy and PyTorch.
    keep: whether the views are made once and kept; default when they take up to `KEPT_BYTES`.

    Raises ValueError for parts without samples, items without a tensor, views of differing shape, and augmentations that are to be made anew
    but do not follow the seeds.
    """

    def __init__(
        self,
        train: Samples,
        held_out: Optional[Samples] = None,
        views: int = 8,
        samples: int = 256,
        augmentation: Optional[Augmentation] = None,
        seed: int = 0,
        keep: Optional[bool] = None,
    ):
        if views < 1 or samples < 1:
            raise ValueError(f"a probe has at least 1 sample and 1 view, not {samples} x {views}")
        self.view_count = views
        self.seed = seed
        self.augmentation = augmentation
        self.view_shape: Optional[torch.Size] = None
        self._parts = [_source_of(part, views, augmentation is None) for part in (train, held_out) if part is not None]
        count = min([samples, *(len(source) for source in self._parts)])
        if count < 1:
            raise ValueError("a part of the probe has no samples")
        self._samples: List[_Sample] = []
        for part, source in enumerate(self._parts):
            chosen = random.Random(seed_of(CHOICE_PURPOSE, seed, part)).sample(range(len(source)), count)
            self._samples += [_Sample(part, index, index + part * HELD_OUT_IDS_FROM) for index in sorted(chosen)]
        labels: List[int] = []
        kept: List[torch.Tensor] = []
        for position in range(len(self._samples)):
            made, label = self._make(position)
            if position == 0:
                self.view_shape = made.shape[1:]
                size = made.numel() * made.element_size() * len(self._samples)
                self.keeps_views = size <= KEPT_BYTES if keep is None else keep
                if not self.keeps_views and not torch.equal(made, self._make(position)[0]):
                    raise ValueError("the augmentation gives another view for the same seed; with keep=True its views are made only once")
            labels.append(label)
            if self.keeps_views:
                kept.append(made)
        self._kept = torch.stack(kept) if kept else None
        self.sample_ids = torch.tensor([sample.id for sample in self._samples], dtype=torch.int64)
        self.splits = torch.tensor([sample.part for sample in self._samples], dtype=torch.int32)
        self.labels = torch.tensor(labels, dtype=torch.int32)

    def __len__(self) -> int:
        """Number of samples, both parts together."""
        return len(self._samples)

    @property
    def rows(self) -> int:
        """Number of views of all samples."""
        return len(self._samples) * self.view_count

    def views_of(self, position: int) -> torch.Tensor:
        """[views, ...] of the sample at a position, training samples first."""
        return self._kept[position] if self._kept is not None else self._make(position)[0]

    def batches(self, rows: int) -> Iterator[torch.Tensor]:
        """All views [rows, ...] in order, all views of a sample next to each other, in batches of about `rows`."""
        samples = max(1, rows // self.view_count)
        for start in range(0, len(self._samples), samples):
            if self._kept is not None:
                yield self._kept[start : start + samples].flatten(0, 1)
            else:
                yield torch.cat([self._make(position)[0] for position in range(start, min(start + samples, len(self._samples)))])

    def _make(self, position: int) -> Tuple[torch.Tensor, int]:
        sample = self._samples[position]
        source = self._parts[sample.part]
        if isinstance(source, _ReadyViews):
            return source.views[sample.index], source.label(sample.index)
        views, label = [], -1
        for view in range(self.view_count):
            with seeded(VIEW_PURPOSE, self.seed, sample.id, view):
                inputs, label = _split_item(source[sample.index])
                values = self.augmentation(inputs) if self.augmentation is not None else inputs
            if not isinstance(values, torch.Tensor):
                raise ValueError(f"a view is a tensor, but sample {sample.index} gives {type(values).__name__}; pass an augmentation that ends in a tensor")
            views.append(values.detach().to("cpu"))
        shape = views[0].shape if self.view_shape is None else self.view_shape
        for values in views:
            if values.shape != shape:
                raise ValueError(f"views have different shapes: {list(shape)} and, of sample {sample.index}, {list(values.shape)}")
        return torch.stack(views), label


class _ReadyViews:
    """Views that are there already, [samples, views, ...]."""

    def __init__(self, views: torch.Tensor, labels: Optional[torch.Tensor]):
        self.views = views.detach().to("cpu")
        self.labels = labels

    def __len__(self) -> int:
        return len(self.views)

    def label(self, index: int) -> int:
        return -1 if self.labels is None else int(self.labels[index])


class _TensorRows:
    """Inputs and labels in tensors, one sample a row."""

    def __init__(self, inputs: torch.Tensor, labels: Optional[torch.Tensor]):
        self.inputs = inputs
        self.labels = labels

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> Tuple[torch.Tensor, int]:
        return self.inputs[index], -1 if self.labels is None else int(self.labels[index])


def _source_of(part: Samples, views: int, ready: bool) -> Union[_ReadyViews, _TensorRows, Sequence[Any]]:
    if isinstance(part, torch.utils.data.DataLoader):
        part = part.dataset
    labels = None
    if isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], torch.Tensor):
        part, labels = part
        if labels is not None and len(labels) != len(part):
            raise ValueError(f"there are {len(part)} inputs, but {len(labels)} labels")
    if isinstance(part, torch.Tensor):
        if not ready:
            return _TensorRows(part, labels)
        if part.dim() < 3 or part.shape[1] != views:
            raise ValueError(f"without an augmentation a tensor holds the views, [samples, {views}, ...], but its shape is {list(part.shape)}")
        return _ReadyViews(part, labels)
    if not hasattr(part, "__len__") or not hasattr(part, "__getitem__"):
        raise ValueError(f"samples are taken by index, which {type(part).__name__} does not offer; pass a list of its first samples")
    return part


def _split_item(item: Any) -> Tuple[Any, int]:
    """Input and label (-1 for none) of an item of a data set."""
    label: Any = -1
    if isinstance(item, Mapping):
        inputs = next((item[key] for key in _INPUT_KEYS if key in item), None)
        if inputs is None:
            raise ValueError(f"an item has the keys {', '.join(map(str, item))}, none of which is an input ({', '.join(_INPUT_KEYS)})")
        label = next((item[key] for key in _LABEL_KEYS if key in item), -1)
    elif isinstance(item, (tuple, list)) and len(item) > 0:
        inputs = item[0]
        # The second may be another crop of the same image.
        label = item[1] if len(item) > 1 else -1
    else:
        inputs = item
    while isinstance(inputs, (tuple, list)) and len(inputs) > 0:
        inputs = inputs[0]
    return inputs, _label_of(label)


def _label_of(label: Any) -> int:
    if isinstance(label, torch.Tensor):
        return int(label) if label.dim() == 0 and not label.is_floating_point() else -1
    if isinstance(label, bool) or not hasattr(label, "__index__"):
        return -1
    return max(-1, int(label))
