#!/usr/bin/env python3
"""Trains every run of docs/validation.md, measures them with Layerscope's command line and writes the tables. What is there already is kept.

    python run_all.py RUNS                 everything: one to two hours on two cores
    python run_all.py RUNS --jobs 8        as many runs side by side
    python run_all.py RUNS --only tables   the tables again, from measured runs

Layerscope's command line is taken from this repository (`npm ci && npm run build` first).
"""

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, List

from methods import METHODS
from settings import SETTINGS
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
UNDONE = ("simclr", "byol", "vicreg")


def training_commands(runs: Path) -> Dict[str, List[str]]:
    commands = {}
    for seed in SEEDS:
        for method in METHODS:
            for setting in SETTINGS:
                commands[f"{method}-{setting}-{seed}"] = ["train.py", "--method", method, "--setting", setting, "--seed", str(seed)]
        for method, names in REGULARISED.items():
            for name in names:
                base = ["train.py", "--method", method, "--setting", "memorizing", "--seed", str(seed)]
                commands[f"{method}-memorizing-{seed}-{name}"] = base + REGULARISERS[name]
    return commands


def fine_tuning_commands(runs: Path) -> Dict[str, List[str]]:
    return {
        f"{method}-memorizing-{seed}-{treatment}": ["fine_tune.py", "--source", str(runs / f"{method}-memorizing-{seed}"), "--treatment", treatment]
        for seed in SEEDS for method in UNDONE for treatment in ("umm", "continue")
    }


def run_missing(runs: Path, commands: Dict[str, List[str]], jobs: int) -> None:
    def run(name: str) -> None:
        if (runs / name / "done").exists():
            return
        if (runs / name).exists():
            raise SystemExit(f"{runs / name} holds an unfinished run; remove it")
        script, *options = commands[name]
        with open(runs / f"{name}.out", "w") as output:
            subprocess.run([sys.executable, str(HERE / script), str(runs / name), *options], check=True, stdout=output, stderr=subprocess.STDOUT)
        (runs / name / "done").touch()
        print(name, flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run, commands))


def measure(runs: Path, names: List[str]) -> None:
    for name in names:
        for command in ("measure", "diagnose"):
            result = runs / name / f"{command}.json"
            if result.exists():
                continue
            more = ["--metric", feature_metrics()] if command == "measure" else []
            answer = subprocess.run(["node", str(ROOT / "dist/cli.js"), command, str(runs / name), "--json", *more], check=True, stdout=subprocess.PIPE)
            json.loads(answer.stdout)
            result.write_bytes(answer.stdout)
        print(f"measured {name}", flush=True)


def feature_metrics() -> str:
    """Everything that is measured on probes; the weights have no part in these tables."""
    catalog = subprocess.run(["node", str(ROOT / "dist/cli.js"), "metrics", "--json"], check=True, stdout=subprocess.PIPE).stdout
    return ",".join(metric["id"] for metric in json.loads(catalog)["metrics"] if metric["subject"] == "features")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--jobs", type=int, default=2, help="runs at once, one thread each (default: 2)")
    parser.add_argument("--only", choices=["train", "measure", "tables"], help="only this step")
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    training, fine_tuning = training_commands(options.runs), fine_tuning_commands(options.runs)
    if options.only in (None, "train"):
        run_missing(options.runs, training, options.jobs)
        run_missing(options.runs, fine_tuning, options.jobs)
    names = [*training, *fine_tuning]
    if options.only in (None, "measure"):
        measure(options.runs, names)
    if options.only in (None, "tables"):
        write_tables(options.runs, names, ROOT / "docs/validation.md", HERE / "results")


if __name__ == "__main__":
    main()
