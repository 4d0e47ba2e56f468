"""The recorder as a callback of the Hugging Face Trainer."""

from __future__ import annotations

from typing import Any, Dict, Optional, Union

from ..files import PathLike
from ..probe import Probe, Samples
from ..recorder import Recorder

try:
    from transformers import TrainerCallback
except ImportError as error:
    raise ImportError("layerscope.callbacks.huggingface needs Transformers: pip install transformers") from error


class LayerscopeCallback(TrainerCallback):
    """Records probes while a Trainer trains.

        trainer = Trainer(model, arguments, train_dataset=train_set, callbacks=[LayerscopeCallback(train=train_set, held_out=test_set)])

    train, held_out: the probe's samples, see `layerscope.Probe`; items may be mappings with "pixel_values" and "label".
    folder: of the run; default the trainer's output folder.
    options: of `layerscope.Recorder`. `total` is taken from the trainer.

    The untrained model is recorded as epoch 0 when training begins there.
    """

    def __init__(self, train: Union[Samples, Probe], held_out: Optional[Samples] = None, *, folder: Optional[PathLike] = None, **options: Any):
        self.train = train
        self.held_out = held_out
        self.folder = folder
        self.options: Dict[str, Any] = options
        self.recorder: Optional[Recorder] = None

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **named: Any) -> None:
        if not state.is_world_process_zero:
            return
        unit = self.options.get("unit", "epoch")
        total = round(state.num_train_epochs) if unit == "epoch" else state.max_steps
        self.recorder = Recorder(model, self.train, self.held_out, folder=self.folder or args.output_dir, **{"total": total or None, **self.options})
        if state.global_step == 0:
            self.recorder.record_when_due(epoch=0, step=0)

    def on_step_end(self, args: Any, state: Any, control: Any, **named: Any) -> None:
        if self.recorder is not None and self.recorder.unit == "step":
            self.recorder.record_when_due(epoch=int(state.epoch or 0), step=state.global_step)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **named: Any) -> None:
        if self.recorder is not None and self.recorder.unit == "epoch":
            self.recorder.record_when_due(epoch=round(state.epoch), step=state.global_step)
