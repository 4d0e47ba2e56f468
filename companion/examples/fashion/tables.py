"""Turns measured runs into docs/validation.md and the compact records beside this file."""

import gzip
import json
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from ranks import mean, spearman

EARLY_STEPS = 60
"""Correlations are also given without the steps before it: early training is not linear (Xu et al.)."""


class Run(NamedTuple):
    name: str
    config: dict
    layers: List[str]
    steps: List[int]
    accuracy: Dict[Tuple[int, str], float]
    """By step and layer: held-out accuracy of the linear probe with 2,000 labels."""
    records: Dict[Tuple[str, str, int, str], dict]
    """By metric, split, step and layer."""
    findings: List[dict]

    @property
    def representation(self) -> str:
        """The layer whose output is used afterwards: the last one before the projector."""
        return self.layers[-2] if self.layers[-1] == "projector" else self.layers[-1]

    def value(self, metric: str, split: str, step: int, layer: str) -> Optional[float]:
        record = self.records.get((metric, split, step, layer))
        return None if record is None else record["value"]


def load_run(folder: Path) -> Run:
    config = json.loads((folder / "config.json").read_text())
    accuracy = {}
    for line in (folder / "log.txt").read_text().splitlines():
        entry = json.loads(line)
        for key, value in entry.items():
            if key.startswith("linear_probe/"):
                accuracy[entry["step"], key[len("linear_probe/"):]] = value
    measured = json.loads((folder / "measure.json").read_text())["records"]
    layers = [layer for _, layer in sorted({(record["layerIndex"], record["layer"]) for record in measured})]
    records = {(record["metric"], record["split"], record["step"], record["layer"]): record for record in measured}
    findings = json.loads((folder / "diagnose.json").read_text())["findings"]
    return Run(folder.name, config, layers, sorted({step for step, _ in accuracy}), accuracy, records, findings)


def write_tables(runs_folder: Path, names: Sequence[str], document: Path, results: Path) -> None:
    runs = {name: load_run(runs_folder / name) for name in names}
    plain = [run for run in runs.values() if run.name == f"{run.config.get('method')}-{run.config['setting']}-{run.config['seed']}"]
    results.mkdir(exist_ok=True)
    write_records(runs.values(), results / "records.csv.gz")
    sections = [
        ("runs", table_of_runs(plain)), ("layers", table_of_layers(plain)), ("correlations", table_of_correlations(plain)),
        ("across", table_across_runs(plain)), ("treatments", table_of_treatments(runs)),
    ]
    text = document.read_text() if document.exists() else ""
    for name, table in sections:
        text = replaced(text, name, table)
    document.write_text(text)


def replaced(text: str, name: str, table: str) -> str:
    """The text with what stands between the marks of a table replaced; the words around it are written by hand."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    block = f"{begin}\n\n{table}\n{end}"
    if begin not in text:
        return f"{text.rstrip()}\n\n{block}\n"
    before, rest = text.split(begin, 1)
    return before + block + rest.split(end, 1)[1]


def write_records(runs: Iterable[Run], path: Path) -> None:
    """One line a value: run, metric, split, step, layer, value, standard error; and the linear probe's accuracies as metric `linear_probe`."""
    with gzip.GzipFile(path, "wb", mtime=0) as packed:
        lines = ["run,metric,split,step,layer,value,standard_error"]
        for run in runs:
            lines += [f"{run.name},linear_probe,held_out,{step},{layer},{value}," for (step, layer), value in run.accuracy.items()]
            for (metric, split, step, layer), record in run.records.items():
                if record["value"] is not None:
                    error = record.get("uncertainty", {}).get("standardError")
                    lines.append(f"{run.name},{metric},{split},{step},{layer},{record['value']:.6g},{'' if error is None else f'{error:.3g}'}")
        packed.write(("\n".join(lines) + "\n").encode())


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def number(value: Optional[float], digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def with_error(record: Optional[dict], digits: int = 3) -> str:
    if record is None or record["value"] is None:
        return "-"
    error = record.get("uncertainty", {}).get("standardError")
    return number(record["value"], digits) + ("" if error is None else f" ± {number(error, digits)}")


def percent(value: Optional[float]) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def table_of_runs(runs: Sequence[Run]) -> str:
    """The last checkpoint of every run."""
    rows = []
    for run in runs:
        last, deepest, representation = run.steps[-1], run.layers[-1], run.representation
        best = max(run.layers, key=lambda layer: run.accuracy[last, layer])
        best_step = max(run.steps, key=lambda step: run.accuracy[step, representation])
        found = next((finding for finding in run.findings if finding["rule"] == "late_layer_overfitting"), None)
        words = "-" if found is None else f"{found['severity']}, {', '.join(found['layers'])}, {found['onset']['axis']} {found['onset']['low']} to {found['onset']['high']}"
        rows.append([
            run.config["method"], run.config["setting"], str(run.config["seed"]),
            percent(run.accuracy[last, representation]), f"{percent(run.accuracy[best_step, representation])} at {best_step}", f"{percent(run.accuracy[last, best])} ({best})",
            with_error(run.records.get(("coding_rate_reduction", "gap", last, deepest)), 2), with_error(run.records.get(("alignment", "gap", last, deepest))),
            with_error(run.records.get(("random_label_transfer", "gap", last, deepest)), 2), words,
        ])
    header = ["method", "setting", "seed", "probe %", "best step %", "best layer %", "dR gap", "alignment gap", "transfer gap", "finding"]
    return markdown(header, rows)


def table_of_layers(runs: Sequence[Run]) -> str:
    """dR gap in units of its standard error, last checkpoint, by layer; means over seeds."""
    rows = []
    for method, setting in dict.fromkeys((run.config["method"], run.config["setting"]) for run in runs):
        own = [run for run in runs if (run.config["method"], run.config["setting"]) == (method, setting)]
        cells = []
        for layer in own[0].layers:
            ratios = []
            for run in own:
                record = run.records.get(("coding_rate_reduction", "gap", run.steps[-1], layer))
                if record and record["value"] is not None and record.get("uncertainty"):
                    ratios.append(record["value"] / record["uncertainty"]["standardError"])
            accuracy = mean([run.accuracy[run.steps[-1], layer] for run in own])
            cells.append(f"{number(mean(ratios), 1) if ratios else '-'} / {percent(accuracy)}")
        rows.append([method, setting, *cells])
    return markdown(["method", "setting", *(f"layer {index}" for index in range(7))], rows)


def metrics_of(runs: Sequence[Run]) -> List[Tuple[str, str]]:
    found = dict.fromkeys((metric, split) for run in runs for metric, split, _, _ in run.records)
    return sorted((metric, split) for metric, split in found if split in ("held_out", "gap"))


def table_of_correlations(runs: Sequence[Run]) -> str:
    """Rank correlation over the checkpoints of a run between a measure of the representation and its linear-probe accuracy, mean over runs of a method."""
    methods = list(dict.fromkeys(run.config["method"] for run in runs))
    rows = []
    for metric, split in metrics_of(runs):
        cells = []
        for method in methods:
            own = [run for run in runs if run.config["method"] == method]
            pair = [mean_or_none([over_steps(run, metric, split, start) for run in own]) for start in (0, EARLY_STEPS)]
            cells.append(" / ".join(number(value, 2) for value in pair))
        rows.append([f"`{metric}`{' (gap)' if split == 'gap' else ''}", *cells])
    return markdown(["measure", *methods], rows)


def over_steps(run: Run, metric: str, split: str, start: int) -> Optional[float]:
    layer = run.representation
    pairs = [(run.value(metric, split, step, layer), run.accuracy[step, layer]) for step in run.steps if step >= start]
    return spearman([(value, accuracy) for value, accuracy in pairs if value is not None])


def mean_or_none(values: Sequence[Optional[float]]) -> Optional[float]:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def table_across_runs(runs: Sequence[Run]) -> str:
    """Rank correlation at the last checkpoint: over the runs of convolution networks, over those of transformers, and over the layers within a run (mean)."""
    groups = {kind: [run for run in runs if (run.layers[-1] == "projector") == (kind == "convolution")] for kind in ("convolution", "transformer")}
    rows = []
    for metric, split in metrics_of(runs):
        cells = []
        for own in groups.values():
            pairs = [(run.value(metric, split, run.steps[-1], run.representation), run.accuracy[run.steps[-1], run.representation]) for run in own]
            cells.append(number(spearman([(value, accuracy) for value, accuracy in pairs if value is not None]), 2))
        within = []
        for run in runs:
            last = run.steps[-1]
            pairs = [(run.value(metric, split, last, layer), run.accuracy[last, layer]) for layer in run.layers]
            within.append(spearman([(value, accuracy) for value, accuracy in pairs if value is not None]))
        cells.append(number(mean_or_none(within), 2))
        rows.append([f"`{metric}`{' (gap)' if split == 'gap' else ''}", *cells])
    header = ["measure", *(f"{len(own)} {kind} runs" for kind, own in groups.items()), "layers of one run"]
    return markdown(header, rows)


def table_of_treatments(runs: Dict[str, Run]) -> str:
    """What an intervention changes in the memorizing setting, at the last checkpoint, beside the run without it."""
    rows = []
    for run in runs.values():
        method, setting, seed = run.config["method"], run.config["setting"], run.config["seed"]
        base = f"{method}-{setting}-{seed}"
        if run.name == base:
            continue
        treatment = run.name[len(base) + 1:]
        for label, one in ((treatment, run), ("none", runs[base])) if treatment not in ("continue",) else ((treatment, run),):
            last, deepest = one.steps[-1], one.layers[-1]
            rows.append((method, str(seed), label, (
                percent(one.accuracy[last, one.representation]), with_error(one.records.get(("coding_rate_reduction", "gap", last, deepest)), 2),
                with_error(one.records.get(("alignment", "gap", last, deepest))), number(one.value("random_label_transfer", "train", last, deepest), 2),
                number(one.value("random_label_transfer", "held_out", last, deepest), 2),
            )))
    unique = sorted(dict.fromkeys(rows), key=lambda row: (row[0], row[1], row[2] != "none", row[2]))
    header = ["method", "seed", "treatment", "probe %", "dR gap", "alignment gap", "transfer, train", "transfer, held-out"]
    return markdown(header, [[*row[:3], *row[3]] for row in unique])
