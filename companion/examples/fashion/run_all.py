#!/usr/bin/env python3
"""Trains every run of docs/validation.md, measures them with Layerscope's command line and writes the tables. What is there already is kept.

    python run_all.py RUNS                 everything: some four hours on two cores
    python run_all.py RUNS --jobs 8        as many runs side by side
    python run_all.py RUNS --only tables   the tables again, from measured runs and stored landscapes

It may be stopped at any time and goes on where it was; the tables say which runs they lack.
Layerscope's command line is taken from this repository (`npm ci && npm run build` first).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, List, Sequence

from landscape_images import write_landscape_images
from landscapes import IMAGES, compute_landscapes
from methods import METHODS
from settings import SETTINGS
from runs import representation
from tables import write_tables

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SEEDS = (0, 1)
REGULARISERS: Dict[str, List[str]] = {
    "weight-decay": ["--weight-decay", "0.3"],
    "random-labels": ["--random-label-weight", "1"],
    "dropout": ["--dropout", "0.2"],
    "label-smoothing": ["--label-smoothing", "0.1"],
}
REGULARISED = {"simclr": ("weight-decay", "random-labels"), "supervised-vit": tuple(REGULARISERS)}
REGULARISED_UNTIL = {"supervised-vit": 150}
"""Slow, and with hardly any training loss left by then; compared with the same step of the run without a regulariser."""
UNDONE = ("simclr", "vicreg")
"""All that their losses need is in a checkpoint; BYOL and SimSiam have a predictor besides, MoCo a queue."""
SLOW = ("mae", "rc-mae", "supervised-vit")

NOT_MEASURED = ("linear_probe_accuracy", "label_budget")
"""Dear, and what the companion's linear probe says with many more labels."""
EVERYWHERE = (
    "coding_rate", "coding_rate_within", "coding_rate_reduction", "crr_normalized", "alignment", "uniformity",
    "random_label_transfer", "random_label_fit", "random_label_control", "feature_std",
    "rankme", "alpha_req", "stable_rank", "nesum", "self_cluster", "coherence", "pseudo_condition",
)
"""Measured in every layer of every checkpoint. What else there is takes longer, and is measured at the representation and at the last checkpoint."""


def training_commands() -> Dict[str, List[str]]:
    """By name of the run, quick methods first."""
    commands = {}
    for seed in SEEDS:
        for method in sorted(METHODS, key=lambda name: name in SLOW):
            for setting in SETTINGS:
                commands[f"{method}-{setting}-{seed}"] = ["train.py", "--method", method, "--setting", setting, "--seed", str(seed)]
        for method, names in REGULARISED.items():
            for name in names:
                base = ["train.py", "--method", method, "--setting", "memorizing", "--seed", str(seed)]
                base += ["--until", str(REGULARISED_UNTIL[method])] if method in REGULARISED_UNTIL else []
                commands[f"{method}-memorizing-{seed}-{name}"] = base + REGULARISERS[name]
    return commands


def fine_tuning_commands(runs: Path) -> Dict[str, List[str]]:
    return {
        f"{method}-memorizing-{seed}-{treatment}": ["fine_tune.py", "--source", str(runs / f"{method}-memorizing-{seed}"), "--treatment", treatment]
        for seed in SEEDS for method in UNDONE for treatment in ("umm", "continue")
    }


def run_missing(runs: Path, commands: Dict[str, List[str]], jobs: int) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "companion/src")}

    def run(name: str) -> None:
        if (runs / name / "done").exists():
            return
        # What an interrupted training left is no run.
        shutil.rmtree(runs / name, ignore_errors=True)
        script, *options = commands[name]
        with open(runs / f"{name}.out", "w") as output:
            command = [sys.executable, str(HERE / script), str(runs / name), *options]
            subprocess.run(command, check=True, stdout=output, stderr=subprocess.STDOUT, env=environment)
        (runs / name / "done").touch()
        print(name, flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run, commands))


def layerscope(*arguments: str) -> bytes:
    answer = subprocess.run(["node", str(ROOT / "dist/cli.js"), *arguments, "--json"], check=True, stdout=subprocess.PIPE).stdout
    json.loads(answer)
    return answer


def catalog() -> List[dict]:
    """What is measured on probes; the weights have no part in these tables."""
    return [metric for metric in json.loads(layerscope("metrics"))["metrics"] if metric["subject"] == "features" and metric["id"] not in NOT_MEASURED]


def measure(runs: Path, plain: Sequence[str], treated: Sequence[str]) -> None:
    """Measures every finished run that is not measured yet; of runs with an intervention only what is measured everywhere."""
    others = ",".join(metric["id"] for metric in catalog() if metric["id"] not in EVERYWHERE)
    for name in [*plain, *treated]:
        folder = runs / name
        if not (folder / "done").exists() or (folder / "diagnose.json").exists():
            continue
        tasks = [(str(folder), "--metric", ",".join(EVERYWHERE))]
        if name in plain:
            last = max((folder / "probes").glob("*.safetensors"))
            layers = METHODS[json.loads((folder / "config.json").read_text())["method"]].layers
            tasks += [(str(folder), "--metric", others, "--layer", representation(layers)), (str(last), "--metric", others)]
        records = {}
        for task in tasks:
            for record in json.loads(layerscope("measure", *task))["records"]:
                records[json.dumps([record[key] for key in ("source", "metric", "split", "layer")])] = record
        (folder / "measure.json").write_text(json.dumps({"records": list(records.values())}))
        (folder / "diagnose.json").write_bytes(layerscope("diagnose", str(folder)))
        print(f"measured {name}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--jobs", type=int, default=2, help="runs at once, one thread each (default: 2)")
    parser.add_argument("--only", choices=["train", "measure", "landscapes", "tables"], help="only this step")
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    training, fine_tuning = training_commands(), fine_tuning_commands(options.runs)
    plain = [f"{method}-{setting}-{seed}" for method in METHODS for setting in SETTINGS for seed in SEEDS]
    treated = [name for name in [*training, *fine_tuning] if name not in plain]
    if options.only in (None, "train"):
        run_missing(options.runs, training, options.jobs)
        run_missing(options.runs, fine_tuning, options.jobs)
    if options.only in (None, "measure"):
        measure(options.runs, plain, treated)
    if options.only in (None, "landscapes"):
        compute_landscapes(options.runs, SEEDS, write_landscape_images(options.runs, SEEDS, IMAGES), layerscope, HERE / "results")
    if options.only in (None, "tables"):
        write_tables(options.runs, plain, treated, catalog(), ROOT / "docs/validation.md", HERE / "results")


if __name__ == "__main__":
    main()
