#!/usr/bin/env python3
"""Trains SimCLR on scikit-learn's handwritten digits (CPU, minutes) and writes a run folder that Layerscope can watch.

    RUN/config.json                       every option, and the versions used
    RUN/log.txt                           one JSON object an epoch: epoch, step, train_loss, lr, losses on the fixed probe
    RUN/checkpoints/epoch=0012.pt         {"model": state_dict, "epoch": int, "step": int}
    RUN/probes/epoch=0012.safetensors     features of the fixed probe in every layer

An epoch is numbered by how many passes over the training images are finished: epoch 0 is the untrained network.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any, Dict, List

import numpy
import sklearn
import torch

from digits_augmentation import STRENGTHS, augment, fixed_views
from digits_data import CLASS_COUNT, load_digits_split
from probe_recorder import HELD_OUT, TRAIN, ProbeRecorder, features_without_side_effects
from simclr_model import SimclrModel, nt_xent_loss, settle_batch_statistics

RECORD_EPOCHS = "0,2,8,32,64,100,150,200,300,400,500,600"


def parse_integers(text: str) -> List[int]:
    return [int(part) for part in text.split(",")]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)

    def option(name: str, default: Any, text: str, **more: Any) -> None:
        parser.add_argument(name, default=default, type=more.pop("type", type(default)), help=f"{text} (default: {default})", **more)

    parser.add_argument("run", type=Path, help="folder to create for this run")
    option("--train-images", 80, f"training images, a multiple of {CLASS_COUNT}: every class equally often")
    option("--probe-samples", 80, f"training images, and as many held-out ones, in the probe; a multiple of {CLASS_COUNT}")
    option("--probe-views", 16, "augmented views of every probe sample")
    option("--augmentation", "weak", "strength of the augmentation, in training and in the probe", choices=sorted(STRENGTHS))
    option("--image-size", 16, "side in pixels to which the 8x8 images are enlarged")
    option("--block-widths", "6,6,6,8,8,10", "channels of the convolution blocks, shallow to deep")
    option("--projector-hidden", 128, "width of the projector's hidden layer")
    option("--projector-width", 12, "width of the projector's output")
    option("--epochs", 600, "passes over the training images")
    option("--batch-size", 80, "images a step (two views of each); a last smaller batch is left out")
    option("--learning-rate", 1e-4, "learning rate of AdamW")
    option("--warmup-epochs", 10, "epochs of linear warm-up, after which the learning rate stays the same")
    option("--weight-decay", 1e-4, "weight decay of AdamW")
    option("--temperature", 0.2, "temperature of the NT-Xent loss")
    option("--record-epochs", RECORD_EPOCHS, "epochs to record, dense at the start; the last epoch is always recorded")
    option("--seed", 0, "seed of the split, the weights, the batches and all augmentations")
    option("--threads", 1, "threads of PyTorch; results can differ in the last digits between values")
    arguments = parser.parse_args()
    if arguments.batch_size > arguments.train_images:
        parser.error("--batch-size is larger than --train-images")
    if arguments.probe_samples > arguments.train_images:
        parser.error("--probe-samples is larger than --train-images")
    if arguments.probe_views < 2:
        parser.error("--probe-views must be at least 2")
    return arguments


def learning_rate_at(progress_epochs: float, options: argparse.Namespace) -> float:
    """Linear warm-up, then constant: what grows late is not an effect of a schedule. `progress_epochs` may be fractional."""
    return options.learning_rate * min(1.0, progress_epochs / max(options.warmup_epochs, 1e-9))


def write_config(run: Path, options: argparse.Namespace, layers: List[str]) -> None:
    values = {name: value for name, value in vars(options).items() if name != "run"}
    config: Dict[str, Any] = {
        "method": "SimCLR",
        "dataset": "scikit-learn digits",
        **values,
        "augmentation_strength": vars(STRENGTHS[options.augmentation]),
        "layers": layers,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "scikit-learn": sklearn.__version__,
            "numpy": numpy.__version__,
        },
    }
    (run / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def save_checkpoint(folder: Path, model: SimclrModel, epoch: int, step: int) -> None:
    path = folder / f"epoch={epoch:04d}.pt"
    temporary = path.with_name(path.name + ".tmp")
    torch.save({"model": model.state_dict(), "epoch": epoch, "step": step}, temporary)
    os.replace(temporary, path)


def main() -> None:
    options = parse_arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    try:
        data = load_digits_split(options.train_images, options.probe_samples, options.seed)
    except ValueError as reason:
        raise SystemExit(str(reason)) from reason
    strength = STRENGTHS[options.augmentation]
    model = SimclrModel(parse_integers(options.block_widths), options.projector_hidden, options.projector_width)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)

    if (options.run / "log.txt").exists():
        raise SystemExit(f"{options.run} already holds a run; name another folder")
    checkpoint_folder = options.run / "checkpoints"
    checkpoint_folder.mkdir(parents=True, exist_ok=True)
    write_config(options.run, options, model.layer_names())

    probe_ids = torch.cat([data.train_ids[: options.probe_samples], data.held_out_ids])
    probe_splits = torch.tensor([TRAIN] * options.probe_samples + [HELD_OUT] * options.probe_samples)
    probe_views = fixed_views(data.images[probe_ids], options.probe_views, options.image_size, strength, options.seed + 1)
    recorder = ProbeRecorder(
        options.run / "probes", probe_views, probe_ids, probe_splits, data.labels[probe_ids],
        {"method": "SimCLR", "dataset": "scikit-learn digits", "augmentation": options.augmentation,
         "train_images": str(options.train_images), "probe_seed": str(options.seed + 1)},
    )

    def probe_loss(split: int) -> float:
        """NT-Xent (nats) of the first two views of one half of the probe, as one batch, in evaluation mode."""
        pairs = probe_views[probe_splits == split]
        first, second = (features_without_side_effects(model, pairs[:, view])["projector"] for view in (0, 1))
        return float(nt_xent_loss(first, second, options.temperature))

    # Batches and augmentations draw from a generator of their own: nothing else can shift their sequence.
    generator = torch.Generator().manual_seed(options.seed + 2)
    train_images = data.images[data.train_ids]
    settle_batch_statistics(model, augment(train_images, options.image_size, strength, generator))
    steps_per_epoch = options.train_images // options.batch_size
    record_epochs = set(parse_integers(options.record_epochs)) | {options.epochs}
    step = 0
    started = time.monotonic()
    with open(options.run / "log.txt", "w", buffering=1) as log:
        for epoch in range(options.epochs + 1):
            line: Dict[str, Any] = {"epoch": epoch, "step": step}
            if epoch > 0:
                loss_sum = 0.0
                order = torch.randperm(options.train_images, generator=generator)
                model.train()
                for batch_index in range(steps_per_epoch):
                    learning_rate = learning_rate_at(epoch - 1 + (batch_index + 1) / steps_per_epoch, options)
                    for group in optimizer.param_groups:
                        group["lr"] = learning_rate
                    images = train_images[order[batch_index * options.batch_size : (batch_index + 1) * options.batch_size]]
                    views = torch.cat([augment(images, options.image_size, strength, generator) for _ in range(2)])
                    first, second = model(views).chunk(2)
                    loss = nt_xent_loss(first, second, options.temperature)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    loss_sum += float(loss.detach())
                    step += 1
                line.update(step=step, train_loss=round(loss_sum / steps_per_epoch, 5), lr=round(learning_rate, 9))
            line.update(probe_train_loss=round(probe_loss(TRAIN), 5), probe_held_out_loss=round(probe_loss(HELD_OUT), 5))
            log.write(json.dumps(line) + "\n")
            if epoch in record_epochs:
                save_checkpoint(checkpoint_folder, model, epoch, step)
                recorder.record(model, epoch, step)
                print(f"{time.monotonic() - started:6.1f} s  {json.dumps(line)}", flush=True)


if __name__ == "__main__":
    main()
