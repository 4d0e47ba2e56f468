"""Turns measured runs into docs/validation.md and the compact records."""

from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import run_tables
from landscape_tables import SURFACES, comparison_table, flatness_table, name_of, training_lines
from landscapes import DIRECTIONS, EXAMPLE, GRID, IMAGES, LINE_FROM, RANGE, read_lines
from measure_tables import EARLY_STEPS, correlations_at_the_end, correlations_by_method, correlations_by_setting, measures_of, values_table
from paper_tables import paper_table
from records_file import write_records
from runs import Run, load_run
from settings import BATCH_SIZE, LEARNING_RATE, PROBE_SAMPLES, PROBE_VIEWS, RECORD_STEPS, SETTINGS, STEPS
from treatment_tables import change_table, settings_of_treatments, treatment_table

Section = Tuple[str, str, str]
"""Title, words, tables."""


def write_tables(runs_folder: Path, plain_names: Sequence[str], treated_names: Sequence[str], catalog: Sequence[dict], document: Path, results: Path) -> None:
    """Runs that are not trained and measured are named in the document and left out."""
    names = [*plain_names, *treated_names]
    runs = {name: load_run(runs_folder / name) for name in names if (runs_folder / name / "diagnose.json").exists()}
    plain = [run for name, run in runs.items() if name in plain_names]
    if not plain:
        raise SystemExit(f"no measured run in {runs_folder}")
    results.mkdir(exist_ok=True)
    write_records(runs.values(), results / "records.jsonl.gz")
    landscapes = read_lines(results / "landscapes.jsonl")
    reading = (results / "reading.md").read_text().strip() if (results / "reading.md").exists() else ""
    parts = [
        "# Validation on real runs",
        "Written by `companion/examples/fashion/run_all.py`; only the reading below is written by hand (`companion/examples/fashion/results/reading.md`).",
        f"## Reading\n\n{reading}" if reading else "",
        missing_text([name for name in names if name not in runs], len(names)),
        *(f"## {title}\n\n{words}\n\n{tables}".rstrip() for title, words, tables in sections(runs, plain, catalog, landscapes)),
        reproduction_text(),
    ]
    document.write_text("\n\n".join(part.strip() for part in parts if part) + "\n")


def missing_text(missing: Sequence[str], planned: int) -> str:
    if not missing:
        return f"All {planned} planned runs are in these tables."
    return f"**{len(missing)} of {planned} planned runs are not in these tables** (not trained yet): {', '.join(f'`{name}`' for name in missing)}."


def sections(runs: Dict[str, Run], plain: List[Run], catalog: Sequence[dict], landscapes: Sequence[dict]) -> List[Section]:
    measures = measures_of(plain, catalog)
    settings = list(dict.fromkeys(run.config["setting"] for run in plain))
    values = "\n".join(f"### {setting}\n\n{values_table(plain, measures, setting)}" for setting in settings)
    return [
        ("What the papers say, and what came out", "All numbers are from the tables below.", paper_table(runs, plain, catalog, landscapes)),
        ("The runs", "Last checkpoint. Accuracy: share of 2,000 held-out test images that a linear classifier on frozen features, fitted on 2,000 other training images, "
            "gets right, in percent; of the representation (the last layer before the projector; for transformers the class token after the last norm) unless a layer is named. "
            "Gaps at the deepest layer, larger means more memorization, ± standard error (bootstrap over samples).", run_tables.final_table(plain)),
        ("Where late layers depart from early ones, and when", "What `layerscope diagnose` says of each run ([how it is decided](diagnosis.md)):",
            f"{run_tables.findings_count(plain)}\n{run_tables.findings_table(plain)}\n{run_tables.explanation_of_onset()}\n{run_tables.onset_table(plain)}"),
        ("Held-out accuracy of the linear probe by layer", "Percent, last checkpoint, mean over seeds. Layer 6 is the projector (convolution networks) or the last norm (transformers).",
            run_tables.accuracy_by_layer(plain)),
        ("Held-out accuracy of the linear probe by checkpoint", "Percent, of the representation, mean over seeds.",
            f"{run_tables.accuracy_by_step(plain)}\n{run_tables.accuracy_of_everything(plain)}"),
        ("Label-free measures beside it", "Held-out part of the probe, representation, last checkpoint, mean over seeds. Every layer and checkpoint is in the compact records. "
            "Each setting is probed with its own augmentation, so that values of the two settings are not to be compared.", values),
        ("Rank correlations by method", f"Spearman's rank correlation over the checkpoints of one run between a measure of the representation and the held-out accuracy of the linear probe there, "
            f"mean over the runs of a method: over all {len(RECORD_STEPS)} checkpoints / from step {EARLY_STEPS} on. Checkpoints of one run are not independent, and there are few: "
            "single numbers mean little, columns and signs that agree mean something.", correlations_by_method(plain, measures)),
        ("Rank correlations by setting", f"As above from step {EARLY_STEPS} on, mean over the runs of a setting, and in how many of them the sign is that of the mean.",
            correlations_by_setting(plain, measures)),
        ("Rank correlations at the end", "At the last checkpoint: over the runs of one architecture and setting (representation), and over the layers of one run (mean over runs). "
            "Of the last column mind that depth alone orders layers.", correlations_at_the_end(plain, measures)),
        ("Undoing memorization: UMM against continued training", "Both go on from the memorizing run's last checkpoint with equally many batches and frozen early layers. "
            "Columns as above; *dR*, *fit* and *transfer* of random labels are those of the training part at the deepest layer.", treatment_table(runs, fine_tuning=True)),
        ("Regularisers in the memorizing setting", "Trained from the start, beside the same step of the run without a regulariser. Random labels: the regulariser on the last three layers.", treatment_table(runs, fine_tuning=False)),
        ("Mean changes", "Mean over methods and seeds; in brackets in how many pairs the value fell.", change_table(runs)),
        *([("Loss landscapes", landscape_text(), landscape_parts(landscapes))] if landscapes else []),
        ("Settings", settings_text(), f"{run_tables.training_table(plain)}\nInterventions:\n\n{settings_of_treatments(runs)}"),
    ]


def landscape_text() -> str:
    return "\n".join([
        f"Around the last checkpoint of each transformer, in two random filter-normalised directions, {GRID} x {GRID} points, range {RANGE:g}, computed by `layerscope landscape`; "
        "[definitions](landscape.md).",
        "",
        f"- *Training images* are {IMAGES} of those of the memorizing run; the healthy run of the same seed was trained on them too, among many others. *Held-out images* are {IMAGES} test "
        "images. "
        "All are taken as they are, without augmentation, and are the same for every method and setting of one seed.",
        f"- Each surface was computed for {len(DIRECTIONS)} seeds of directions and masks, the same for all; tensors with the same name get the same random numbers.",
        "- MAE has its reconstruction loss; RC-MAE that loss too, and *its own* (with the distance to its teacher's reconstruction; the teacher stays in place); the supervised transformer cross-entropy.",
        "- The losses of different methods have different scales, and one that is a few thousandths has a small width for that alone (width is where it is 10 % higher): across "
        "methods only numbers are compared that a factor does not change, and width only with that in mind. Width marked ≥ has rays along which the loss did not rise by 10 % within the range.",
    ])


def landscape_parts(landscapes: Sequence[dict]) -> str:
    return "\n\n".join([
        "### Pictures\n\nFirst seed, first directions. Dashed: border of the convex region; cross: the model; diamond: lowest point. One colour scale a row.",
        *(f"{title}:\n\n![Contours of the loss of {title}](pictures/{file})" for title, file in pictures_of(landscapes)),
        f"### Flatness\n\nMean over the seeds of directions ± their standard deviation. Widths below the step of the grid are interpolated.\n\n{flatness_table(landscapes)}",
        "### Pairs\n\nSurfaces of the same seed and directions (and images, where these are not what is compared): in how many pairs the number of the first is larger / smaller, and "
        f"the median ratio (x) or difference. Pairs of one run differ only in directions and masks: they are not independent, and few runs stand behind "
        f"them; counts, no tests.\n\n{comparison_table(landscapes)}",
        *([example_part(landscapes)] if any(line["kind"] == "trajectory" for line in landscapes) else []),
    ])


def example_part(landscapes: Sequence[dict]) -> str:
    method, setting, seed = EXAMPLE
    return (
        f"### Along a training\n\nRun {method}, {setting}, seed {seed}: the plane in which its checkpoints differ most (the last one is at 0), and the straight line from "
        f"step {LINE_FROM} (0) to the last (1), which reaches beyond both.\n\n![Loss in the plane of the checkpoints](pictures/trajectory-{method}.svg)\n\n{training_lines(landscapes)}"
    )


def pictures_of(landscapes: Sequence[dict]) -> List[Tuple[str, str]]:
    drawn = dict.fromkeys((line["method"], line["loss"]) for line in landscapes if line["kind"] == "surface" and "points" in line)
    return [(name_of(*each), f"landscape-{each[0]}-{each[1]}.svg") for each in SURFACES if each in drawn]


def settings_text() -> str:
    lines = [
        f"- Fashion-MNIST, 28 x 28, {STEPS} steps of AdamW with {BATCH_SIZE} images, learning rate {LEARNING_RATE:g} (warm-up of 50 steps, then half a cosine), weight decay 0.0001.",
        *(f"- {name}: {setting.images} training images, {setting.augmentation} augmentation." for name, setting in SETTINGS.items()),
        f"- Probe: {PROBE_SAMPLES} training and {PROBE_SAMPLES} held-out images, {PROBE_VIEWS} fixed views each, in the augmentation of the setting. Checkpoints at steps {', '.join(map(str, RECORD_STEPS))}.",
        "- Joint-embedding methods: six convolution blocks (12 to 64 channels) and a projector. MAE, RC-MAE and the supervised transformer: six blocks of width 48, patches of 4 x 4.",
        "- Losses, momentum and further settings of the methods are in `methods.py` and `fine_tune.py`; every option of a run is in the compact records.",
        "- Measured with Layerscope's command line and its default options. Measures that take longer were measured at the representation of all checkpoints and in all layers of the last one.",
    ]
    return "\n".join(lines)


def reproduction_text() -> str:
    return """## Reproduce

    npm ci && npm run build
    pip install torch     # or Debian's python3-torch; the images: Debian's dataset-fashion-mnist
    python companion/examples/fashion/run_all.py RUNS

It keeps what is there and goes on where it was stopped. The same seed and the same PyTorch give the same run; other versions round differently.

The compact records are in `companion/examples/fashion/results/records.jsonl.gz`: JSON lines, first of a run its options and findings, then one line for each
metric, split and layer with its values over the recorded steps. The flatness of all landscapes, and the losses of those that are drawn, are in `landscapes.jsonl` beside it
(`--only landscapes` computes them, `npm run pictures` draws them)."""
