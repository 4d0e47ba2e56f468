"""Measurements as JSON Lines in `<run>/.layerscope`, one record a line, in the form that the extension keeps them.

The extension knows a record by the content of the file it was measured on (`sourceVersion`), the layer, metric, split, seed, method and options.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List, Mapping, Optional

from .coding_rate import CodingRates
from .files import PathLike, append_lines, fingerprint

METHOD = 1
"""Of the coding-rate family (src/metrics/codingRate.ts); another definition has another number."""

FILE_NAME = "records-training.jsonl"
USEFUL_SAMPLES, USEFUL_VIEWS = 64, 8

_METRICS = ("coding_rate", "coding_rate_within", "coding_rate_reduction", "crr_normalized")
_SPLITS = ("train", "held_out")

Record = Dict[str, object]


def coding_rate_records(
    run: PathLike,
    rates: Mapping[str, Mapping[str, CodingRates]],
    epoch: Optional[int] = None,
    step: Optional[int] = None,
    source: Optional[PathLike] = None,
) -> List[Record]:
    """Records of coding rates: for each layer and metric one a split, and the gap (train minus held-out) where there are both.

    run: folder of the run.
    rates: {"train": {layer: rates}, "held_out": {layer: rates}}, layers shallow to deep; a split may be missing.
    source: file whose rows were measured, a probe of the run. Without one, the rows were seen in training only: the source is then "training" and has no version.
    """
    unknown = set(rates) - set(_SPLITS)
    if unknown:
        raise ValueError(f'splits are "train" and "held_out", not {", ".join(map(repr, sorted(unknown)))}')
    folder = Path(run).resolve()
    base: Record = {
        "run": folder.name,
        "source": "training" if source is None else Path(source).resolve().relative_to(folder).as_posix(),
        "sourceVersion": "" if source is None else fingerprint(source),
        "epoch": epoch,
        "step": step,
    }
    layers = list(dict.fromkeys(layer for split in _SPLITS for layer in rates.get(split, {})))
    records: List[Record] = []
    for index, layer in enumerate(layers):
        parts = {split: rates[split][layer] for split in _SPLITS if layer in rates.get(split, {})}
        for metric in _METRICS:
            about = {**base, "layer": layer, "layerIndex": index, "metric": metric}
            for split, part in parts.items():
                records.append({**about, "split": split, **_measured(part, _value(metric, part), _warnings(metric, part))})
            if len(parts) == 2:
                records.append({**about, "split": "gap", **_gap(metric, parts["train"], parts["held_out"])})
    return records


def append_records(run: PathLike, records: List[Record]) -> Path:
    """Appends records to the run's file of training records and gives its path. Only one process should call it."""
    path = Path(run) / ".layerscope" / FILE_NAME
    append_lines(path, "".join(json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n" for record in records))
    return path


def _value(metric: str, rates: CodingRates) -> Optional[float]:
    return {
        "coding_rate": rates.rate, "coding_rate_within": rates.rate_within,
        "coding_rate_reduction": rates.reduction, "crr_normalized": rates.normalized,
    }[metric]


def _measured(rates: CodingRates, value: Optional[float], warnings: List[str]) -> Record:
    return {
        "value": value, "n": rates.rows, "d": rates.width, "views": rates.views, "seed": None,
        "options": {"eps2": rates.eps2, "normalisation": "l2", "partition": "views"}, "warnings": warnings, "method": METHOD,
    }


def _gap(metric: str, train: CodingRates, held_out: CodingRates) -> Record:
    values = _value(metric, train), _value(metric, held_out)
    record = _measured(train, None, [])
    record["n"] = train.rows + held_out.rows
    record["views"] = min(train.views, held_out.views)
    if values[0] is None or values[1] is None:
        parts = (("train", train), ("held-out", held_out))
        record["warnings"] = [f"No gap without a value on the {name} part: {part.reason}" for name, part in parts if part.reason is not None]
        return record
    record["value"] = values[0] - values[1]
    size = [] if (train.samples, train.views) == (held_out.samples, held_out.views) else [
        f"The parts differ in size (train {train.samples} samples x {train.views} views, held-out {held_out.samples} x {held_out.views}), "
        "so part of the gap is size.",
    ]
    record["warnings"] = list(dict.fromkeys([*size, *_warnings(metric, train), *_warnings(metric, held_out)]))
    return record


def _warnings(metric: str, rates: CodingRates) -> List[str]:
    if rates.reason is not None:
        return [rates.reason]
    warnings = []
    if metric in ("coding_rate_reduction", "crr_normalized"):
        if rates.samples == 1:
            warnings.append("A single sample is a single class, so the reduction is 0 whatever the features are.")
        elif rates.views == 1:
            warnings.append("A sample with one view says nothing about agreement between views: its share of the rate within is a constant.")
        elif rates.views < USEFUL_VIEWS:
            warnings.append(f"The reduction barely sees alignment below {USEFUL_VIEWS} views; there are {rates.views}.")
    if rates.samples < USEFUL_SAMPLES:
        warnings.append(f"Only {rates.samples} sample{'' if rates.samples == 1 else 's'}; a part should have {USEFUL_SAMPLES} at least.")
    if metric != "coding_rate_within" and rates.rows < rates.width:
        warnings.append(f"Fewer rows ({rates.rows}) than dimensions ({rates.width}): the value is bounded by the number of rows.")
    return warnings
