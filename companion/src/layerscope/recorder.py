"""Writes what a model makes of a fixed set of views: one probe file a checkpoint."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Union

import torch
from torch import nn

from .features import Forward, extract_features
from .files import PathLike
from .probe import Augmentation, Probe, Samples
from .schedule import ScheduleLike, schedule_of
from .selection import LayersLike
from .tensor_files import write_safetensors

ROW_TENSORS = ("sample_id", "split", "label")

SMALLEST_ROOT_MEAN_SQUARE = 2.0**-10
"""Below, much of a layer would fall under 2^-14, where half precision loses digits."""


class Recorder:
    """Records the features of a fixed probe in every layer, without disturbing training.

        recorder = Recorder(model, train=train_set, held_out=test_set, folder="runs/mine")
        for epoch in range(epochs):
            ...
            recorder.record_when_due(epoch + 1)

    model: any module; DistributedDataParallel, DataParallel and `torch.compile` are looked through. With torch.distributed, only rank 0 records.
    train, held_out, views, samples, augmentation, seed, keep_views: see `Probe`; `train` may be a finished `Probe`.
    folder: of the run; probes go to `<folder>/probes/epoch=0012.safetensors`, or `step=00001200.safetensors` when `unit` is "step".
    layers: "auto", patterns or names (`select_layers`).
    schedule: None, a number, positions or a function (`schedule_of`), in epochs or steps as `unit` says; `total` is the last position.
    forward: how the model is run on a batch of views; default `model(views)` (`extract_features`).
    tokens: what stands for the tokens of a transformer: "patch_mean", "cls" or "mean".
    batch_size: views in one forward pass.
    most_overhead: leaves out recordings that are due while `overhead` is above it, 0.02 for example, except those at position 0 and at `total`.
    metadata: free keys, kept in every file and shown by the extension.
    """

    def __init__(
        self,
        model: nn.Module,
        train: Union[Samples, Probe],
        held_out: Optional[Samples] = None,
        *,
        folder: PathLike,
        views: int = 8,
        samples: int = 256,
        augmentation: Optional[Augmentation] = None,
        layers: LayersLike = "auto",
        schedule: ScheduleLike = None,
        total: Optional[int] = None,
        unit: str = "epoch",
        forward: Optional[Forward] = None,
        tokens: str = "patch_mean",
        batch_size: int = 256,
        seed: int = 0,
        keep_views: Optional[bool] = None,
        most_overhead: Optional[float] = None,
        metadata: Optional[Mapping[str, object]] = None,
    ):
        if unit not in ("epoch", "step"):
            raise ValueError(f'the unit of a schedule is "epoch" or "step", not {unit!r}')
        self.model = model
        self.folder = Path(folder) / "probes"
        self.layers = layers
        self.schedule = schedule_of(schedule, total)
        self.total = total
        self.unit = unit
        self.most_overhead = most_overhead
        self.forward = forward
        self.tokens = tokens
        self.batch_size = batch_size
        self.seed = seed
        self.metadata = {str(key): str(value) for key, value in (metadata or {}).items()}
        began = time.monotonic()
        self.probe: Optional[Probe] = None
        if is_first_rank():
            self.probe = train if isinstance(train, Probe) else Probe(train, held_out, views, samples, augmentation, seed, keep_views)
        self._began = began
        self.seconds = time.monotonic() - began
        """Spent in making the probe and in recording so far."""

    @property
    def overhead(self) -> float:
        """Seconds spent in making the probe and in recording for each second spent in everything else since then."""
        other = time.monotonic() - self._began - self.seconds
        return self.seconds / other if other > 0 else 0.0

    def record_when_due(self, epoch: Optional[int] = None, step: Optional[int] = None) -> Optional[Path]:
        """Records if the schedule says so. `epoch` counts finished passes over the training data, 0 is the untrained model.

        Raises ValueError when the position that the schedule counts is not given.
        """
        position = epoch if self.unit == "epoch" else step
        if position is None:
            raise ValueError(f"the schedule counts {self.unit}s, but no {self.unit} is given")
        if not self.schedule(int(position)):
            return None
        if self.most_overhead is not None and int(position) not in (0, self.total) and self.overhead > self.most_overhead:
            return None
        return self.record(epoch, step)

    def record(self, epoch: Optional[int] = None, step: Optional[int] = None) -> Optional[Path]:
        """Writes a probe file now and gives its path; on ranks other than 0 it does nothing. A file of the same position is replaced."""
        if epoch is None and step is None:
            raise ValueError("a recording needs an epoch or a step")
        if self.probe is None or not is_first_rank():
            return None
        began = time.monotonic()
        features = extract_features(self.model, self.probe.batches(self.batch_size), self.layers, self.forward, self.tokens, self.seed)
        tensors: Dict[str, torch.Tensor] = {}
        in_float32: List[str] = []
        for name, values in features.by_layer.items():
            if name in ROW_TENSORS:
                raise ValueError(f"a layer cannot be called {name}: probe files keep that name for the samples")
            if len(values) != self.probe.rows:
                raise ValueError(f"layer {name} gives {len(values)} rows for {self.probe.rows} views")
            tensors[name] = in_half_precision(values)
            if tensors[name].dtype == torch.float32:
                in_float32.append(name)
        for name, values in zip(ROW_TENSORS, (self.probe.sample_ids, self.probe.splits, self.probe.labels)):
            tensors[name] = values.repeat_interleave(self.probe.view_count)
        path = self._path(epoch, step)
        write_safetensors(path, tensors, {
            **self.metadata,
            **({} if epoch is None else {"epoch": str(int(epoch))}),
            **({} if step is None else {"step": str(int(step))}),
            "layerscope": "1",
            "layers": json.dumps(list(features.by_layer)),
            "pooling": json.dumps(features.pooling),
            "views": str(self.probe.view_count),
            "probe_seed": str(self.probe.seed),
            **({"float32_layers": json.dumps(in_float32)} if in_float32 else {}),
            **({"left_out": json.dumps(features.left_out)} if features.left_out else {}),
        })
        self.seconds += time.monotonic() - began
        return path

    def _path(self, epoch: Optional[int], step: Optional[int]) -> Path:
        by_step = epoch is None or (self.unit == "step" and step is not None)
        return self.folder / (f"step={int(step or 0):08d}.safetensors" if by_step else f"epoch={int(epoch or 0):04d}.safetensors")


def in_half_precision(values: torch.Tensor) -> torch.Tensor:
    """Half precision, or float32 where its range (6e-5 to 65504) would lose what the layer says."""
    half = values.to(torch.float16).contiguous()
    overflows = bool((torch.isinf(half) & torch.isfinite(values)).any())
    finite = values[torch.isfinite(values)].double()
    root_mean_square = float(finite.square().mean().sqrt()) if finite.numel() > 0 else 0.0
    if overflows or 0.0 < root_mean_square < SMALLEST_ROOT_MEAN_SQUARE:
        return values.to(torch.float32).contiguous()
    return half


def is_first_rank() -> bool:
    """Whether this process is the one that writes files."""
    distributed = torch.distributed
    return not (distributed.is_available() and distributed.is_initialized()) or distributed.get_rank() == 0
