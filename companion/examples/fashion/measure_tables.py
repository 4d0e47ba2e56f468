"""Tables of measures: their values, and how they go with the accuracy of the linear probe."""

from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence

from formatting import mean, number, significant, table
from ranks import spearman
from run_tables import groups
from runs import Run

EARLY_STEPS = 60
"""Correlations are also given without the steps before it: early training is not linear (Xu et al., arXiv 2409.06612)."""


class Measure(NamedTuple):
    metric: str
    split: str
    """held_out, or gap."""
    page: str

    @property
    def title(self) -> str:
        return f"[`{self.metric}`](metrics/{self.page}){' gap' if self.split == 'gap' else ''}"


def measures_of(runs: Sequence[Run], catalog: Sequence[dict]) -> List[Measure]:
    """What was measured of these runs, in the order of the catalog."""
    found = {(metric, split) for run in runs for metric, split, _, _ in run.records}
    return [Measure(entry["id"], split, entry["page"]) for entry in catalog for split in ("held_out", "gap") if (entry["id"], split) in found]


def values_table(runs: Sequence[Run], measures: Sequence[Measure], setting: str) -> str:
    """At the representation of the last checkpoint, mean over seeds, one column a method."""
    own = [(method, members) for method, of_setting, members in groups(runs) if of_setting == setting]
    rows = [["linear probe, held out", *(significant(mean(run.accuracy[run.last, run.representation] for run in members)) for _, members in own)]]
    for measure in measures:
        rows.append([measure.title, *(significant(mean(final(run, measure, run.representation) for run in members)) for _, members in own)])
    return table(["measure", *(method for method, _ in own)], rows)


def final(run: Run, measure: Measure, layer: str) -> Optional[float]:
    return run.value(measure.metric, measure.split, run.last, layer)


def known(rows: Iterable[Sequence[str]]) -> List[Sequence[str]]:
    """Without measures that never have a correlation, as they are the same everywhere."""
    return [row for row in rows if any(cell.strip("- /") and " of " not in cell for cell in row[1:])]


def over_steps(run: Run, measure: Measure, start: int) -> Optional[float]:
    """Rank correlation over the checkpoints of one run, at its representation, with the accuracy there."""
    layer = run.representation
    return spearman([(run.value(measure.metric, measure.split, step, layer), run.accuracy[step, layer]) for step in run.steps if step >= start])


def over_layers(run: Run, measure: Measure) -> Optional[float]:
    return spearman([(final(run, measure, layer), run.accuracy[run.last, layer]) for layer in run.layers])


def over_runs(runs: Sequence[Run], measure: Measure) -> Optional[float]:
    return spearman([(final(run, measure, run.representation), run.accuracy[run.last, run.representation]) for run in runs])


def correlations_by_method(runs: Sequence[Run], measures: Sequence[Measure]) -> str:
    """Mean over the runs of a method: all checkpoints / those from EARLY_STEPS on."""
    by_method: Dict[str, List[Run]] = {}
    for run in runs:
        by_method.setdefault(run.config["method"], []).append(run)
    rows = []
    for measure in measures:
        cells = []
        for own in [*by_method.values(), runs]:
            cells.append(" / ".join(number(mean(over_steps(run, measure, start) for run in own), 2) for start in (0, EARLY_STEPS)))
        rows.append([measure.title, *cells])
    return table(["measure", *by_method, "all"], known(rows))


def correlations_by_setting(runs: Sequence[Run], measures: Sequence[Measure]) -> str:
    """Mean over the runs of a setting, without the first steps; in how many runs it has the sign of the mean."""
    rows = []
    settings = list(dict.fromkeys(run.config["setting"] for run in runs))
    for measure in measures:
        cells = []
        for setting in settings:
            values = [value for value in (over_steps(run, measure, EARLY_STEPS) for run in runs if run.config["setting"] == setting) if value is not None]
            middle = mean(values)
            same = 0 if middle is None else sum(value * middle > 0 for value in values)
            cells += [number(middle, 2), f"{same} of {len(values)}"]
        rows.append([measure.title, *cells])
    return table(["measure", *(title for setting in settings for title in (setting, "same sign"))], known(rows))


def correlations_at_the_end(runs: Sequence[Run], measures: Sequence[Measure]) -> str:
    """Over the runs of one architecture and setting, and over the layers within a run (mean over runs)."""
    kinds = {
        f"{kind}, {setting}": [run for run in runs if (run.deepest == "projector") == (kind == "convolution") and run.config["setting"] == setting]
        for kind in ("convolution", "transformer") for setting in dict.fromkeys(run.config["setting"] for run in runs)
    }
    rows = [[measure.title, *(number(over_runs(own, measure), 2) for own in kinds.values()), number(mean(over_layers(run, measure) for run in runs), 2)] for measure in measures]
    return table(["measure", *(f"{len(own)} runs: {name}" for name, own in kinds.items()), "layers of one run"], known(rows))
