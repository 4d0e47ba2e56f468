#!/usr/bin/env python3
"""Goes on from the last checkpoint of a run: by UMM, or (for contrast) by equally many plain steps with the same loss, images and batches.

Both see two batches a step, as UMM has two problems a step: the plain continuation takes two optimizer steps.
"""

import argparse
import json
import platform
from pathlib import Path

import torch

from experiment import Batches, Experiment
from fashion_data import DEBIAN_FOLDER
from layerscope import umm
from methods import METHODS

STEPS = 100
RECORD_STEPS = (0, 25, 50, 100)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder to create for this run")
    parser.add_argument("--source", type=Path, required=True, help="run to go on from")
    parser.add_argument("--treatment", required=True, choices=["umm", "continue"])
    parser.add_argument("--split", default="blocks.2", help="last frozen layer, in both treatments (default: blocks.2)")
    parser.add_argument("--beta", type=float, default=1.0, help="weight of the divergence (default: 1)")
    parser.add_argument("--gamma", type=float, default=0.05, help="weight of the coding rate reduction (default: 0.05)")
    parser.add_argument("--learning-rate", type=float, default=3e-4, help="of Adam, constant (default: 3e-4)")
    parser.add_argument("--data", type=Path, default=DEBIAN_FOLDER)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    torch.set_num_threads(options.threads)
    source = json.loads((options.source / "config.json").read_text())
    config = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items() if name not in ("run", "data", "source")}
    config.update(source=options.source.name, method=source["method"], versions={"python": platform.python_version(), "torch": torch.__version__})
    experiment = Experiment(options.run, options.data, source["setting"], source["seed"], config)
    torch.manual_seed(source["seed"])
    method = METHODS[source["method"]]()
    if len(method.modules()) > 1 or hasattr(method, "queue"):
        raise SystemExit(f"{source['method']} has more than its network to go on from (a predictor, head or queue), and checkpoints do not hold it")
    last = sorted((options.source / "checkpoints").glob("*.pt"))[-1]
    content = torch.load(last, map_location="cpu")
    method.network.load_state_dict(content["model"])
    if "teacher" in content:
        method.teacher.load_state_dict(content["teacher"])
    experiment.watch(method.network, method.layers, {"method": source["method"], "setting": source["setting"], "treatment": options.treatment})
    generator = torch.Generator().manual_seed(source["seed"] + 2)
    batches = Batches(experiment.images, generator)
    experiment.record(0, {}, method.state())

    def loss_of(_network: torch.nn.Module, batch) -> torch.Tensor:
        return method.loss(lambda: experiment.view(batch, generator), batch.images, batch.labels, generator)

    def after(step: int) -> None:
        method.after_step(1.0)
        if step in RECORD_STEPS:
            print(json.dumps(experiment.record(step, {}, method.state())), flush=True)

    if options.treatment == "umm":
        settings = umm.UmmSettings(
            split=options.split, last=method.layers[-1], beta=options.beta, gamma=options.gamma, steps=STEPS, learning_rate=options.learning_rate,
        )
        history = umm.finetune(
            method.network, (batches.next() for _ in iter(int, 1)), loss_of, settings, after_step=lambda _network, step: after(step),
        )
        for step, values in enumerate(zip(history.ssl_loss, history.divergence, history.reduction), start=1):
            experiment.write(step, dict(zip(("train_loss", "umm_divergence", "umm_reduction"), (round(value, 6) for value in values))))
        return
    frozen = method.layers[: method.layers.index(options.split) + 1]
    for name, parameter in method.network.named_parameters():
        parameter.requires_grad_(not any(name.startswith(f"{layer}.") for layer in frozen))
    optimizer = torch.optim.Adam([parameter for parameter in method.network.parameters() if parameter.requires_grad], lr=options.learning_rate)
    modules = dict(method.network.named_modules())
    for step in range(1, STEPS + 1):
        for _ in range(2):
            method.network.train()
            for layer in frozen:
                modules[layer].eval()
            loss = loss_of(method.network, batches.next())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        experiment.write(step, {"train_loss": round(float(loss.detach()), 5)})
        after(step)


if __name__ == "__main__":
    main()
