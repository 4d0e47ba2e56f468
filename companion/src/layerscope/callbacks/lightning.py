"""The recorder as a callback of Lightning (`lightning` or `pytorch_lightning`, whichever is installed; both at once work too)."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

from ..files import PathLike
from ..probe import Probe, Samples
from ..recorder import Recorder


def _callback_classes() -> Tuple[type, ...]:
    found: List[type] = []
    for name in ("lightning.pytorch", "pytorch_lightning"):
        try:
            callback = importlib.import_module(name).Callback
        except ImportError:
            continue
        if callback not in found:
            found.append(callback)
    if not found:
        raise ImportError("layerscope.callbacks.lightning needs Lightning: pip install lightning (or pytorch-lightning)")
    return tuple(found)


class LayerscopeCallback(*_callback_classes()):  # type: ignore[misc]
    """Records probes while a Trainer fits.

        trainer = Trainer(callbacks=[LayerscopeCallback(train=train_set, held_out=test_set)])

    train, held_out: the probe's samples, see `layerscope.Probe`.
    folder: of the run; default the folder of the trainer's logger, else its root folder.
    network: name of the part of the LightningModule that is recorded, such as "backbone"; default the whole.
    options: of `layerscope.Recorder`. `total` is taken from the trainer where it is known.

    The untrained model is recorded as epoch 0 when training begins there.
    """

    def __init__(
        self, train: Union[Samples, Probe], held_out: Optional[Samples] = None, *,
        folder: Optional[PathLike] = None, network: Optional[str] = None, **options: Any,
    ):
        super().__init__()
        self.train = train
        self.held_out = held_out
        self.folder = folder
        self.network = network
        self.options: Dict[str, Any] = options
        self.recorder: Optional[Recorder] = None
        self._step = 0

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        model = pl_module if self.network is None else pl_module.get_submodule(self.network)
        unit = self.options.get("unit", "epoch")
        total = trainer.max_epochs if unit == "epoch" else trainer.max_steps
        # Asked for on every rank: a logger tells its folder to all of them together.
        folder = self.folder or _folder_of(trainer)
        self.recorder = Recorder(model, self.train, self.held_out, folder=folder,
                                 **{"total": total if isinstance(total, int) and total > 0 else None, **self.options})
        if trainer.current_epoch == 0 and trainer.global_step == 0:
            self.recorder.record_when_due(epoch=0, step=0)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *arguments: Any, **named: Any) -> None:
        # With accumulated gradients, several batches make one step.
        if self.recorder is not None and self.recorder.unit == "step" and trainer.global_step != self._step:
            self._step = trainer.global_step
            self.recorder.record_when_due(epoch=trainer.current_epoch, step=trainer.global_step)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        if self.recorder is not None and self.recorder.unit == "epoch":
            self.recorder.record_when_due(epoch=trainer.current_epoch + 1, step=trainer.global_step)


def _folder_of(trainer: Any) -> Path:
    return Path(trainer.log_dir or trainer.default_root_dir)
