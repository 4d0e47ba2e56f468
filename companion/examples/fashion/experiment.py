"""What all runs share: which images are trained on, which are probed and tested, and what is written where."""

import json
import os
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional

import torch
from torch import nn

from augmentation import STRENGTHS, augment, normalized
from fashion_data import Images, balanced, load
from layerscope.recorder import Recorder
from linear_probe import held_out_accuracies, rounded
from settings import BATCH_SIZE, PROBE_SAMPLES, PROBE_VIEWS, SETTINGS


class Chosen(NamedTuple):
    train: Images
    labelled: Images
    """What the linear probe is fitted on."""
    test: Images


def choose_images(data: Path, setting: str, seed: int) -> Chosen:
    """Of one seed the few images of the memorizing setting are among the many of the healthy one; the other parts are the same."""
    chooser = torch.Generator().manual_seed(seed)
    pool, held_out = load(data, "train"), load(data, "t10k")
    test = held_out.take(balanced(held_out, 2000, chooser))
    chosen = pool.take(balanced(pool, 12_000, chooser))
    labelled, rest = chosen.take(torch.arange(2000)), chosen.take(torch.arange(2000, len(chosen)))
    return Chosen(rest.take(balanced(rest, SETTINGS[setting].images, chooser)), labelled, test)


class Experiment:
    """One run folder, its images and its log. The probe's held-out samples and the linear probe's images are never trained on."""

    def __init__(self, run: Path, data: Path, setting: str, seed: int, config: Dict[str, Any]):
        if (run / "log.txt").exists():
            raise SystemExit(f"{run} already holds a run; name another folder")
        self.run, self.seed = run, seed
        self.setting = SETTINGS[setting]
        self.strength = STRENGTHS[self.setting.augmentation]
        self.images, labelled, test = choose_images(data, setting, seed)
        self._probed = (self.images.take(torch.arange(PROBE_SAMPLES)), test.take(torch.arange(PROBE_SAMPLES)))
        self._fit, self._test = ((normalized(part.images), part.labels) for part in (labelled, test))
        (run / "checkpoints").mkdir(parents=True, exist_ok=True)
        content = {**config, "setting": setting, "seed": seed, "dataset": "Fashion-MNIST", "images": self.setting.images, "augmentation": self.setting.augmentation}
        (run / "config.json").write_text(json.dumps(content, indent=2) + "\n")
        self.log = open(run / "log.txt", "w", buffering=1)

    def watch(self, network: nn.Module, layers: list, metadata: Dict[str, str]) -> None:
        """Names what is recorded from now on."""
        train, held_out = self._probed
        self.network, self.layers = network, layers
        self.recorder = Recorder(
            network, train=(train.images, train.labels), held_out=(held_out.images, held_out.labels), folder=self.run,
            samples=PROBE_SAMPLES, views=PROBE_VIEWS, layers=layers, unit="step", seed=self.seed,
            augmentation=lambda image: normalized(augment(image[None], self.strength))[0], metadata={"dataset": "Fashion-MNIST", **metadata},
        )

    def epoch_of(self, step: int) -> int:
        return step * BATCH_SIZE // len(self.images)

    def view(self, batch: Images, generator: torch.Generator) -> torch.Tensor:
        """A random view of each image, normalised."""
        return normalized(augment(batch.images, self.strength, generator))

    def write(self, step: int, entries: Dict[str, Any]) -> Dict[str, Any]:
        line = {"epoch": self.epoch_of(step), "step": step, **entries}
        self.log.write(json.dumps(line) + "\n")
        return line

    def record(self, step: int, entries: Dict[str, Any], state: Dict[str, torch.Tensor], teacher: Optional[nn.Module] = None) -> Dict[str, Any]:
        """Linear probes into the log, then a checkpoint and a probe."""
        accuracies = rounded(held_out_accuracies(self.network, tuple(self.layers), self._fit, self._test))
        line = self.write(step, {**entries, **accuracies})
        content: Dict[str, Any] = {"model": state, "epoch": self.epoch_of(step), "step": step}
        if teacher is not None:
            content["teacher"] = teacher.state_dict()
        path = self.run / "checkpoints" / f"step={step:08d}.pt"
        temporary = path.with_name(path.name + ".tmp")
        torch.save(content, temporary)
        os.replace(temporary, path)
        self.recorder.record(self.epoch_of(step), step)
        return line


class Batches:
    """Batches in one random order of the images after the other; a batch may span two."""

    def __init__(self, images: Images, generator: torch.Generator, size: int = BATCH_SIZE):
        self.images, self.generator, self.size = images, generator, size
        self.order: list = []

    def next(self) -> Images:
        while len(self.order) < self.size:
            self.order += torch.randperm(len(self.images), generator=self.generator).tolist()
        rows, self.order = torch.tensor(self.order[: self.size]), self.order[self.size :]
        return self.images.take(rows)
