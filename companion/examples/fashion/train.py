#!/usr/bin/env python3
"""Trains one of eight methods on Fashion-MNIST (CPU, a few minutes) and writes a run folder that Layerscope can watch.

    RUN/config.json                          every option, and the versions used
    RUN/log.txt                              one JSON object a line: epoch, step, train_loss, lr; at recorded steps linear_probe/<layer>
    RUN/checkpoints/step=00000600.pt         {"model": state_dict, "teacher": state_dict or absent, "epoch": int, "step": int}
    RUN/probes/step=00000600.safetensors     features of the fixed probe in every layer
"""

import argparse
import json
import math
import platform
import time
from pathlib import Path
from typing import List

import torch

from experiment import Batches, Experiment
from fashion_data import DEBIAN_FOLDER
from layerscope.random_labels import RandomLabelHeads
from methods import METHODS, Method
from settings import LEARNING_RATE, RECORD_STEPS, SETTINGS, STEPS


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder to create for this run")
    parser.add_argument("--method", required=True, choices=sorted(METHODS))
    parser.add_argument("--setting", default="healthy", choices=sorted(SETTINGS), help="many images or few (default: healthy)")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"optimizer steps (default: {STEPS})")
    parser.add_argument("--until", type=int, help="stop after this step, with the learning rates of --steps (default: go on to the end)")
    parser.add_argument("--weight-decay", type=float, default=1e-4, help="of AdamW (default: 1e-4)")
    parser.add_argument("--dropout", type=float, default=0.0, help="of the supervised transformer (default: 0)")
    parser.add_argument("--label-smoothing", type=float, default=0.0, help="of the supervised transformer (default: 0)")
    parser.add_argument("--random-label-weight", type=float, default=0.0, help="lambda of the random-label regulariser (default: 0, none)")
    parser.add_argument("--data", type=Path, default=DEBIAN_FOLDER, help=f"folder with Fashion-MNIST's files (default: {DEBIAN_FOLDER})")
    parser.add_argument("--seed", type=int, default=0, help="of images, weights, batches and augmentations (default: 0)")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch (default: 1)")
    return parser.parse_args()


def make_method(options: argparse.Namespace) -> Method:
    if options.method == "supervised-vit":
        return METHODS[options.method](dropout=options.dropout, label_smoothing=options.label_smoothing)
    if options.dropout or options.label_smoothing:
        raise SystemExit(f"--dropout and --label-smoothing are those of the supervised transformer, not of {options.method}")
    return METHODS[options.method]()


def main() -> None:
    options = parse_arguments()
    torch.set_num_threads(options.threads)
    config = {name: value for name, value in vars(options).items() if name not in ("run", "data", "setting", "seed")}
    config["versions"] = {"python": platform.python_version(), "torch": torch.__version__}
    experiment = Experiment(options.run, options.data, options.setting, options.seed, config)
    torch.manual_seed(options.seed)
    method = make_method(options)
    experiment.watch(method.network, method.layers, {"method": options.method, "setting": options.setting})
    heads = None
    if options.random_label_weight > 0:
        heads = RandomLabelHeads(method.network, layers=method.layers[-3:], weight=options.random_label_weight, seed=options.seed)
    parameters = [parameter for module in method.modules() for parameter in module.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=options.weight_decay)
    generator = torch.Generator().manual_seed(options.seed + 1)
    batches = Batches(experiment.images, generator)
    until = options.steps if options.until is None else min(options.until, options.steps)
    record_steps = {step for step in RECORD_STEPS if step <= until} | {until}
    losses: List[float] = []
    started = time.monotonic()
    for step in range(until + 1):
        # Linear warm-up, then half a cosine.
        rate = LEARNING_RATE * min(1.0, step / 50) * 0.5 * (1 + math.cos(math.pi * step / (options.steps + 1)))
        if step > 0:
            batch = batches.next()
            for group in optimizer.param_groups:
                group["lr"] = rate
            for module in method.modules():
                module.train()
            loss = method.loss(lambda: experiment.view(batch, generator), batch.images, batch.labels, generator)
            total = loss if heads is None else loss + heads(batch.ids)
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            method.after_step(step / options.steps)
            losses.append(float(loss.detach()))
        entries = {"train_loss": round(sum(losses) / len(losses), 5), "lr": rate} if losses else {}
        if step in record_steps:
            line = experiment.record(step, entries, method.state(), getattr(method, "teacher", None))
            print(f"{time.monotonic() - started:6.1f} s  {json.dumps(line)}", flush=True)
            losses = []
        elif step % 10 == 0:
            experiment.write(step, entries)
            losses = []


if __name__ == "__main__":
    main()
