"""Tables of runs: what they were given, how accurate they are, which layers memorize."""

from statistics import median
from typing import Iterable, List, Optional, Sequence, Tuple

from formatting import mean, number, percent, table, with_error
from onset import ERRORS, Point, onset
from runs import Run

GAP = "coding_rate_reduction"


def groups(runs: Sequence[Run]) -> List[Tuple[str, str, List[Run]]]:
    """(method, setting, its runs of all seeds), in the order of the runs."""
    pairs = dict.fromkeys((run.config["method"], run.config["setting"]) for run in runs)
    return [(*pair, [run for run in runs if (run.config["method"], run.config["setting"]) == pair]) for pair in pairs]


def key_of(run: Run) -> List[str]:
    return [run.config["method"], run.config["setting"], str(run.config["seed"])]


def finding_of(run: Run) -> Optional[dict]:
    return next((finding for finding in run.findings if finding["rule"] == "late_layer_overfitting"), None)


def training_table(runs: Iterable[Run]) -> str:
    """How long training took, and with which versions."""
    rows = []
    runs = list(runs)
    for name in dict.fromkeys(run.config["method"] for run in runs):
        of_method = [run for run in runs if run.config["method"] == name]
        for version in dict.fromkeys(str(run.config["versions"]["torch"]) for run in of_method):
            own = [run for run in of_method if str(run.config["versions"]["torch"]) == version]
            seconds = [run.seconds for run in own if run.seconds is not None]
            named = ", ".join(f"{run.config['setting']} {run.config['seed']}" for run in own)
            rows.append([name, version, named, number(median(seconds), 0) if seconds else "-"])
    return table(["method", "PyTorch", "runs (setting, seed)", "seconds a run, median"], rows)


def final_table(runs: Sequence[Run]) -> str:
    """The last checkpoint of every run."""
    rows = []
    for run in runs:
        best = max(run.layers, key=lambda layer: run.accuracy[run.last, layer])
        best_step = max(run.steps, key=lambda step: run.accuracy[step, run.representation])

        def gap(metric: str, digits: int) -> str:
            return with_error(run.records.get((metric, "gap", run.last, run.deepest)), digits)

        rows.append([
            *key_of(run), percent(run.accuracy[run.steps[0], run.representation]), percent(run.accuracy[run.last, run.representation]),
            f"{percent(run.accuracy[best_step, run.representation])} ({best_step})", f"{percent(run.accuracy[run.last, best])} ({best})",
            gap(GAP, 2), gap("alignment", 3), gap("random_label_transfer", 2),
        ])
    header = ["method", "setting", "seed", "untrained", "last step", "best step", "best layer", "dR gap", "alignment gap", "transfer gap"]
    return table(header, rows)


def findings_table(runs: Sequence[Run]) -> str:
    """What `layerscope diagnose` says of every run."""
    rows = []
    for run in runs:
        found = finding_of(run)
        if found is None:
            rows.append([*key_of(run), "-", "", "", ""])
            continue
        at = found["onset"]
        since = f"{at['axis']} {number(at['at'], 0)} ({number(at['low'], 0)} to {number(at['high'], 0)})"
        rows.append([*key_of(run), found["severity"], ", ".join(found["layers"]), since, ", ".join(found["metrics"])])
    return table(["method", "setting", "seed", "severity", "layers", "since", "carried by"], rows)


def findings_count(runs: Sequence[Run]) -> str:
    lines = []
    for setting in dict.fromkeys(run.config["setting"] for run in runs):
        own = [run for run in runs if run.config["setting"] == setting]
        found = [run for run in own if finding_of(run)]
        acts = sum((finding_of(run) or {}).get("severity") == "act" for run in found)
        lines.append(f"- {setting}: a finding in {len(found)} of {len(own)} runs, {acts} of them `act`.")
    return "\n".join(lines) + "\n"


def gap_points(run: Run, layer: str, metric: str = GAP) -> List[Point]:
    points = []
    for step in run.steps:
        record = run.records.get((metric, "gap", step, layer))
        if record and record["value"] is not None and record.get("uncertainty"):
            points.append(Point(step, record["value"], record["uncertainty"]["standardError"]))
    return points


def onset_table(runs: Sequence[Run]) -> str:
    """By layer: dR gap of the last checkpoint in units of its standard error, and since when it has grown."""
    rows = []
    for run in runs:
        cells = []
        for layer in run.layers:
            points = gap_points(run, layer)
            ratio = points[-1].value / points[-1].error if points and points[-1].error > 0 else None
            since = onset(points)
            cells.append(number(ratio, 1) + ("" if since is None else f" since {since}"))
        rows.append([*key_of(run), *cells])
    width = max(len(run.layers) for run in runs)
    return table(["method", "setting", "seed", *(f"layer {index}" for index in range(width))], rows)


def accuracy_by_layer(runs: Sequence[Run]) -> str:
    """Last checkpoint, mean over seeds; the best layer in bold."""
    rows = []
    for method, setting, own in groups(runs):
        values = [mean(run.accuracy[run.last, layer] for run in own) or 0 for layer in own[0].layers]
        rows.append([method, setting, *(f"**{percent(value)}**" if value == max(values) else percent(value) for value in values)])
    width = max(len(run.layers) for run in runs)
    return table(["method", "setting", *(f"layer {index}" for index in range(width))], rows)


def accuracy_by_step(runs: Sequence[Run]) -> str:
    """At the representation, mean over seeds."""
    steps = runs[0].steps
    rows = [[method, setting, *(percent(mean(run.accuracy.get((step, run.representation)) for run in own)) for step in steps)] for method, setting, own in groups(runs)]
    return table(["method", "setting", *(f"step {step}" for step in steps)], rows)


def accuracy_of_everything(runs: Sequence[Run]) -> str:
    """Every run, layer and checkpoint; folded away."""
    steps = runs[0].steps
    rows = [[*key_of(run), layer, *(percent(run.accuracy.get((step, layer))) for step in steps)] for run in runs for layer in run.layers]
    text = table(["method", "setting", "seed", "layer", *(str(step) for step in steps)], rows)
    return f"<details>\n<summary>Every run, layer and checkpoint</summary>\n\n{text}\n</details>\n"


def explanation_of_onset() -> str:
    return (
        f"Gap of the coding rate reduction at the last checkpoint in units of its standard error (bootstrap over samples); *since*: the first recorded step from which on it stays "
        f"more than {ERRORS} standard errors above that of the untrained network. One layer is looked at alone and no look is corrected for, so that some of 7 layers x many runs will "
        "pass by chance; the finding above is the careful answer.\n"
    )
