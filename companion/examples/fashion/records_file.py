"""The compact records: everything that the tables are made of, in one file."""

import gzip
import json
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Tuple

from runs import Run


def write_records(runs: Iterable[Run], path: Path) -> None:
    """gzip of JSON lines. First a line for each run (config, findings), then one for each series over its checkpoints:

    {"run", "metric", "split", "layer", "steps": [...], "values": [...], "errors": [...] or absent}; the companion's linear probe is metric `linear_probe`.
    """
    with gzip.GzipFile(path, "wb", mtime=0) as packed:
        for run in runs:
            for line in lines_of(run):
                packed.write((json.dumps(line, separators=(",", ":")) + "\n").encode())


def lines_of(run: Run) -> Iterator[dict]:
    kept = ("rule", "severity", "title", "layers", "metrics", "onset")
    yield {"run": run.name, "config": run.config, "seconds": run.seconds, "findings": [{key: finding[key] for key in kept} for finding in run.findings]}
    for layer in run.layers:
        steps = [step for step in run.steps if (step, layer) in run.accuracy]
        yield {"run": run.name, "metric": "linear_probe", "split": "held_out", "layer": layer, "steps": steps, "values": [run.accuracy[step, layer] for step in steps]}
    series: Dict[Tuple[str, str, str], List[dict]] = {}
    for (metric, split, _, layer), record in sorted(run.records.items()):
        series.setdefault((metric, split, layer), []).append(record)
    for (metric, split, layer), records in series.items():
        line = {"run": run.name, "metric": metric, "split": split, "layer": layer, "steps": [record["step"] for record in records]}
        line["values"] = [shortened(record["value"], 6) for record in records]
        errors = [(record.get("uncertainty") or {}).get("standardError") for record in records]
        if any(error is not None for error in errors):
            line["errors"] = [shortened(error, 3) for error in errors]
        yield line


def shortened(value, digits: int):
    return None if value is None else float(f"{value:.{digits}g}")
