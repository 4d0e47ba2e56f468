"""What the papers say beside what came out here."""

from typing import Callable, Dict, List, Optional, Sequence, Tuple

from formatting import mean, number, table
from landscape_tables import wider_and_smoother, wider_convexity
from measure_tables import EARLY_STEPS, Measure, measures_of, over_runs, over_steps
from run_tables import finding_of, gap_points
from runs import Run
from treatment_tables import change_of, pairs_of

CLUSTERS = ("silhouette", "cluster_ami_seeds", "cluster_ami_prev", "cluster_ami_pca", "cluster_balance")
SSL = ("simclr", "moco-v2", "byol", "simsiam", "vicreg")


def paper_table(runs: Dict[str, Run], plain: Sequence[Run], catalog: Sequence[dict], landscapes: Sequence[dict]) -> str:
    measures = {(measure.metric, measure.split): measure for measure in measures_of(plain, catalog)}
    rows: List[Tuple[str, str, Optional[str]]] = [
        ("Late layers memorize, early ones do not; fewer images and weaker augmentation make it worse", "Qiang et al., 2410.00772", late_layers(plain)),
        ("UMM lifts accuracy and lowers memorization", "Qiang et al., 2410.00772", umm(runs)),
        ("Weight decay, dropout and label smoothing lower the random-label score", "random-label heads (Becker et al., ICLR 2026)", regularisers(runs)),
        ("Correlation of cluster measures with linear-probe accuracy is weak on average and absent for SimSiam", "Xu et al., 2409.06612", clusters(plain, measures)),
        ("VICReg: Spearman of RankMe 0.32, of LiDAR 0.92", "Thilak et al. 2024", vicreg(plain, measures)),
        ("Spanning-tree dimension: Spearman about -0.8 with accuracy, over models", "2606.03338", dimension(plain, measures)),
        ("MAE has a smoother and wider loss curvature than a supervised transformer", "Lee et al., 2405.18042", wider_and_smoother(landscapes)),
        ("The EMA teacher of RC-MAE widens the region of convexity", "Lee et al., 2405.18042", wider_convexity(landscapes)),
    ]
    return table(["claim", "source", "here"], [[claim, source, here] for claim, source, here in rows if here is not None])


def late_layers(plain: Sequence[Run]) -> Optional[str]:
    texts = []
    for setting in dict.fromkeys(run.config["setting"] for run in plain):
        own = [run for run in plain if run.config["setting"] == setting]
        early, late = (mean(ratio_of(run, layer) for run in own for layer in part(run)) for part in (lambda run: run.layers[:2], lambda run: run.layers[-2:]))
        found = sum(finding_of(run) is not None for run in own)
        texts.append(f"{setting}: dR gap {number(early, 1)} standard errors in the first two layers, {number(late, 1)} in the last two; finding in {found} of {len(own)} runs")
    return "; ".join(texts) or None


def ratio_of(run: Run, layer: str) -> Optional[float]:
    points = [point for point in gap_points(run, layer) if point.step == run.last and point.error > 0]
    return points[0].value / points[0].error if points else None


def umm(runs: Dict[str, Run]) -> Optional[str]:
    pairs = pairs_of(runs, "umm", "continue")
    if not pairs:
        return None
    parts = []
    for words, metric, split, digits in (("accuracy, points", "accuracy", "", 1), ("dR gap", "coding_rate_reduction", "gap", 2), ("transfer, train", "random_label_transfer", "train", 3)):
        changes = [change for change in (change_of(run, other, metric, split) for run, other in pairs) if change is not None]
        rose = sum(change > 0 for change in changes)
        parts.append(f"{words} {number(mean(changes), digits)} (higher in {rose} of {len(changes)})")
    return "against continued training: " + ", ".join(parts)


def regularisers(runs: Dict[str, Run]) -> Optional[str]:
    parts = []
    for treatment in ("weight-decay", "dropout", "label-smoothing"):
        changes = [change for change in (change_of(run, other, "random_label_transfer", "train") for run, other in pairs_of(runs, treatment, "none")) if change is not None]
        if changes:
            parts.append(f"{treatment} {number(mean(changes), 3)} (lower in {sum(change < 0 for change in changes)} of {len(changes)})")
    return "transfer, train: " + ", ".join(parts) if parts else None


def mean_correlation(runs: Sequence[Run], measure: Optional[Measure], start: int) -> Optional[float]:
    return None if measure is None else mean(over_steps(run, measure, start) for run in runs)


def clusters(plain: Sequence[Run], measures: Dict[Tuple[str, str], Measure]) -> Optional[str]:
    known = [measures[metric, "held_out"] for metric in CLUSTERS if (metric, "held_out") in measures]
    if not known:
        return None

    def absolute(accept: Callable[[str], bool]) -> Optional[float]:
        values = [mean_correlation([run for run in plain if run.config["method"] == method], measure, EARLY_STEPS)
                  for measure in known for method in dict.fromkeys(run.config["method"] for run in plain) if accept(method)]
        return mean(abs(value) for value in values if value is not None)

    simsiam, others = absolute(lambda method: method == "simsiam"), absolute(lambda method: method != "simsiam" and method in SSL)
    return f"mean size of the correlation from step {EARLY_STEPS} on: SimSiam {number(simsiam, 2)}, the other joint-embedding methods {number(others, 2)}"


def vicreg(plain: Sequence[Run], measures: Dict[Tuple[str, str], Measure]) -> Optional[str]:
    own = [run for run in plain if run.config["method"] == "vicreg"]
    if not own:
        return None
    texts = []
    for metric in ("rankme", "lidar"):
        values = [mean_correlation(own, measures.get((metric, "held_out")), start) for start in (0, EARLY_STEPS)]
        texts.append(f"{metric} {number(values[0], 2)} over all checkpoints, {number(values[1], 2)} from step {EARLY_STEPS} on")
    return "; ".join(texts)


def dimension(plain: Sequence[Run], measures: Dict[Tuple[str, str], Measure]) -> Optional[str]:
    measure = measures.get(("mst_dim", "held_out"))
    if measure is None:
        return None
    texts = []
    for setting in dict.fromkeys(run.config["setting"] for run in plain):
        own = [run for run in plain if run.config["setting"] == setting and run.deepest == "projector"]
        texts.append(f"{number(over_runs(own, measure), 2)} over {len(own)} {setting} runs of one convolution network")
    return ", ".join(texts)
