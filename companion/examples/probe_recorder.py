"""Writes what a model makes of a fixed set of views: one Layerscope probe file a checkpoint."""

import json
import os
from pathlib import Path
from typing import Dict

import torch
from safetensors.torch import save_file

from simclr_model import SimclrModel

TRAIN, HELD_OUT = 0, 1


class ProbeRecorder:
    """Holds the probe: the same samples and the same augmented views at every checkpoint.

    views: float32 [samples, views, 1, size, size].
    sample_ids, splits (0 = seen in training, 1 = held out), labels: int [samples].
    """

    def __init__(
        self,
        folder: Path,
        views: torch.Tensor,
        sample_ids: torch.Tensor,
        splits: torch.Tensor,
        labels: torch.Tensor,
        metadata: Dict[str, str],
    ):
        self.folder = folder
        self.rows = views.flatten(0, 1)
        views_per_sample = views.shape[1]
        self.row_tensors = {
            "sample_id": sample_ids.to(torch.int32).repeat_interleave(views_per_sample),
            "split": splits.to(torch.int32).repeat_interleave(views_per_sample),
            "label": labels.to(torch.int32).repeat_interleave(views_per_sample),
        }
        self.metadata = metadata
        folder.mkdir(parents=True, exist_ok=True)

    def record(self, model: SimclrModel, epoch: int, step: int) -> Path:
        """Writes `epoch=NNNN.safetensors`: features as float16 [rows, width], all views of a sample next to each other."""
        by_layer = features_without_side_effects(model, self.rows)
        tensors = {name: values.to(torch.float16).contiguous() for name, values in by_layer.items()}
        metadata = {
            **self.metadata,
            "layerscope": "1",
            "epoch": str(epoch),
            "step": str(step),
            "layers": json.dumps(model.layer_names()),
        }
        path = self.folder / f"epoch={epoch:04d}.safetensors"
        # Whoever watches the folder must never see half a file: write beside it, then rename.
        temporary = path.with_name(path.name + ".tmp")
        save_file({**tensors, **self.row_tensors}, str(temporary), metadata=metadata)
        os.replace(temporary, path)
        return path


def features_without_side_effects(model: SimclrModel, rows: torch.Tensor) -> Dict[str, torch.Tensor]:
    """Every layer's features of `rows` in evaluation mode; modes, batch statistics and random state stay as they were."""
    training_by_module = [(module, module.training) for module in model.modules()]
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        model.eval()
        try:
            return model.features(rows)
        finally:
            for module, training in training_by_module:
                module.training = training
