"""What an intervention changes in the memorizing setting, beside the run without it."""

from typing import Dict, List, Optional, Sequence, Tuple

from formatting import mean, number, percent, table, with_error
from runs import Run

FINE_TUNING = ("umm", "continue")


def treatment_table(runs: Dict[str, Run], fine_tuning: bool) -> str:
    """Last checkpoint. Gaps at the deepest layer, memorization (random labels) at the deepest layer, accuracy at the representation."""
    rows = []
    for method, seed, treatment, run, step in compared(runs, fine_tuning):
        rows.append([
            method, seed, treatment, str(step), percent(run.accuracy[step, run.representation]), percent(max(run.accuracy[step, layer] for layer in run.layers)),
            *(with_error(run.records.get((metric, "gap", step, run.deepest)), digits) for metric, digits in (("coding_rate_reduction", 2), ("alignment", 3))),
            *(number(run.value(metric, "train", step, run.deepest), 2) for metric in ("coding_rate_reduction", "random_label_fit", "random_label_transfer")),
            number(run.value("random_label_transfer", "gap", step, run.deepest), 2),
        ])
    header = ["method", "seed", "treatment", "step", "probe %", "best layer %", "dR gap", "alignment gap", "dR, train", "fit, train", "transfer, train", "transfer gap"]
    return table(header, rows)


def compared(runs: Dict[str, Run], fine_tuning: bool) -> List[Tuple[str, str, str, Run, int]]:
    """Treated runs and the step looked at, each group of one method and seed led by the run without an intervention."""
    treated = [run for run in runs.values() if run.treatment is not None and (run.treatment in FINE_TUNING) == fine_tuning]
    rows: List[Tuple[str, str, str, Run, int]] = []
    for base in dict.fromkeys(run.base for run in treated):
        own = [run for run in treated if run.base == base]
        leader = [("none", runs[base], step_of_other(own[0], runs[base]))] if base in runs else []
        both = [*leader, *((run.treatment or "", run, run.last) for run in own)]
        rows += [(run.config["method"], str(run.config["seed"]), label, run, step) for label, run, step in both]
    return rows


def step_of_other(run: Run, other: Run) -> int:
    """What a treated run is compared with: the end of the other one, or the same step when both were trained from the start and it stopped earlier."""
    return other.last if run.treatment in FINE_TUNING else min(run.last, other.last)


def change_table(runs: Dict[str, Run]) -> str:
    """Mean change over methods and seeds against the run without an intervention (for UMM also against continued training)."""
    rows = []
    for treatment in dict.fromkeys(run.treatment for run in runs.values() if run.treatment):
        for against in ("none", *(("continue",) if treatment == "umm" else ())):
            pairs = pairs_of(runs, treatment, against)
            if pairs:
                rows.append([treatment, against, str(len(pairs)), *(summary(pairs, *column) for column in COLUMNS)])
    return table(["treatment", "against", "pairs", "probe, points", "dR gap", "alignment gap", "fit, train", "transfer, train"], rows)


COLUMNS: Sequence[Tuple[str, str, int]] = (
    ("accuracy", "", 1), ("coding_rate_reduction", "gap", 2), ("alignment", "gap", 3), ("random_label_fit", "train", 3), ("random_label_transfer", "train", 3),
)


def pairs_of(runs: Dict[str, Run], treatment: str, against: str) -> List[Tuple[Run, Run]]:
    pairs = []
    for run in runs.values():
        other = run.base if against == "none" else f"{run.base}-{against}"
        if run.treatment == treatment and other in runs:
            pairs.append((run, runs[other]))
    return pairs


def summary(pairs: Sequence[Tuple[Run, Run]], metric: str, split: str, digits: int) -> str:
    """Mean change, and in how many pairs it fell."""
    changes = [change for change in (change_of(run, other, metric, split) for run, other in pairs) if change is not None]
    if not changes:
        return "-"
    fell = sum(change < 0 for change in changes)
    return f"{'+' if (mean(changes) or 0) > 0 else ''}{number(mean(changes), digits)} (fell in {fell})"


def change_of(run: Run, other: Run, metric: str, split: str) -> Optional[float]:
    step = step_of_other(run, other)
    if metric == "accuracy":
        return 100 * (run.accuracy[run.last, run.representation] - other.accuracy[step, other.representation])
    now, before = run.value(metric, split, run.last, run.deepest), other.value(metric, split, step, other.deepest)
    return None if now is None or before is None else now - before


def settings_of_treatments(runs: Dict[str, Run]) -> str:
    """By method and treatment: the options that are not those of the run without it."""
    lines: Dict[str, str] = {}
    for run in runs.values():
        if run.treatment and run.base in runs:
            plain = runs[run.base].config
            without = (*NO_OPTIONS, *(("beta", "gamma") if run.treatment == "continue" else ()))
            own = {key: value for key, value in run.config.items() if key not in without and plain.get(key) != value and value is not None}
            options = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in own.items())
            lines[f"- {run.config['method']}, {run.treatment}: {options or 'as the run itself'}; {run.last} steps."] = ""
    return "\n".join(sorted(lines)) + "\n"


NO_OPTIONS = ("versions", "threads", "source", "treatment", "layers", "setting", "seed", "dataset", "images", "augmentation", "method", "steps", "until")
