"""The tables of examples/fashion: rank correlations, onsets, and a document from runs written by hand."""

import gzip
import json
import random
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "examples/fashion"))

from formatting import mean, number, percent, significant, with_error
from measure_tables import Measure, correlations_at_the_end, over_layers, over_runs, over_steps, values_table
from onset import Point, onset
from ranks import ranks, spearman
from run_tables import accuracy_by_layer, final_table, findings_count, onset_table
from runs import Run, load_run, representation
from tables import write_tables
from treatment_tables import change_of, change_table, compared, settings_of_treatments

STEPS = (0, 100, 200, 300)
LAYERS = ["blocks.0", "blocks.1", "projector"]
CATALOG = [
    {"id": "coding_rate_reduction", "page": "coding-rate.md"},
    {"id": "rankme", "page": "rankme.md"},
]


def record(metric, split, step, layer, value, error=None):
    content = {"metric": metric, "split": split, "step": step, "layer": layer, "layerIndex": LAYERS.index(layer), "value": value}
    return {**content, "uncertainty": {"standardError": error}} if error is not None else content


def run_of(name, accuracy, rankme, gap, findings=()):
    """accuracy, rankme, gap: by step and layer index."""
    method, setting, seed = name.split("-")[:3]
    records = [record("rankme", "held_out", step, layer, rankme(step, place)) for step in STEPS for place, layer in enumerate(LAYERS)]
    records += [record("coding_rate_reduction", "gap", step, layer, gap(step, place), 0.1) for step in STEPS for place, layer in enumerate(LAYERS)]
    return Run(
        name, {"method": method, "setting": setting, "seed": int(seed), "versions": {"torch": "1.13.0"}}, LAYERS, list(STEPS),
        {(step, layer): accuracy(step, place) for step in STEPS for place, layer in enumerate(LAYERS)},
        {(one["metric"], one["split"], one["step"], one["layer"]): one for one in records}, list(findings), 12.5,
    )


FINDING = {
    "rule": "late_layer_overfitting", "severity": "act", "title": "Late layers memorize since epoch 200", "layers": ["projector"],
    "metrics": ["coding_rate_reduction"], "onset": {"axis": "epoch", "at": 200, "low": 100, "high": 200}, "explanation": "", "evidence": [],
}


@pytest.fixture
def rising():
    return run_of("simclr-memorizing-0", lambda step, place: 0.5 + step / 1000 + place / 100, lambda step, place: 30 - step / 100 + place, lambda step, place: place * step / 300, [FINDING])


def write(folder, run):
    (folder / run.name).mkdir()
    (folder / run.name / "config.json").write_text(json.dumps(run.config))
    lines = [{"epoch": step, "step": step, **{f"linear_probe/{layer}": run.accuracy[step, layer] for layer in LAYERS}} for step in STEPS]
    lines.append({"epoch": 300, "step": 300, "train_loss": 1.0})
    (folder / run.name / "log.txt").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / run.name / "measure.json").write_text(json.dumps({"records": list(run.records.values())}))
    (folder / run.name / "diagnose.json").write_text(json.dumps({"findings": run.findings}))
    (folder / f"{run.name}.out").write_text('   1.0 s  {"step": 0}\n  12.5 s  {"step": 300}\n')


def test_spearman_is_that_of_scipy_also_with_ties():
    stats = pytest.importorskip("scipy.stats")
    generator = random.Random(4)
    for count in (4, 7, 30):
        for digits in (0, 1, 6):
            first = [round(generator.gauss(0, 2), digits) for _ in range(count)]
            second = [round(value + generator.gauss(0, 2), digits) for value in first]
            assert ranks(first) == pytest.approx(list(stats.rankdata(first)))
            if len(set(first)) > 1 and len(set(second)) > 1:
                assert spearman(list(zip(first, second))) == pytest.approx(stats.spearmanr(first, second).correlation, abs=1e-12)


def test_spearman_leaves_out_what_is_unknown_and_needs_four_pairs_and_two_values():
    assert spearman([(1, 1), (2, 2), (None, 9), (3, 3), (4, 4)]) == pytest.approx(1)
    assert spearman([(1, 1), (2, 2), (None, 9), (3, 3)]) is None
    assert spearman([(5, 1), (5, 2), (5, 3), (5, 4)]) is None


def test_the_onset_is_where_growth_begins_that_lasts():
    # 3 standard errors of a difference: 3 * sqrt(2) * 0.1 = 0.424
    steady = [Point(0, 0.0, 0.1), Point(10, 0.4, 0.1), Point(20, 0.5, 0.1), Point(30, 0.9, 0.1)]
    assert onset(steady) == 20
    assert onset(steady[:2]) is None
    interrupted = [Point(0, 0.0, 0.1), Point(10, 0.9, 0.1), Point(20, 0.1, 0.1), Point(30, 0.9, 0.1)]
    assert onset(interrupted) == 30
    assert onset([*steady, Point(40, 0.0, 0.1)]) is None
    assert onset([]) is None


def test_the_onset_counts_from_the_first_gap_unless_it_is_negative():
    assert onset([Point(0, 0.3, 0.1), Point(10, 0.6, 0.1), Point(20, 0.8, 0.1)]) == 20
    # From -0.3 a rise to 0.2 is 5 standard errors of a value, but only 0.2 above nothing.
    assert onset([Point(0, -0.3, 0.1), Point(10, 0.2, 0.1)]) is None
    assert onset([Point(0, -0.3, 0.1), Point(10, 0.5, 0.1)]) == 10


def test_numbers_have_no_negative_zero_and_a_dash_for_nothing():
    assert [number(-0.0004, 2), number(-0.006, 2), number(None), significant(1234.5), significant(0.012345), percent(0.7651)] == ["0.00", "-0.01", "-", "1.23e+03", "0.0123", "76.5"]
    assert with_error({"value": 1.234, "uncertainty": {"standardError": 0.04}}, 2) == "1.23 ± 0.04"
    assert with_error({"value": 1.234}, 2) == "1.23"
    assert with_error(None) == with_error({"value": None}) == "-"
    assert mean([1, None, 3]) == 2 and mean([None]) is None


def test_the_representation_is_before_the_projector_or_the_last_norm():
    assert representation(LAYERS) == "blocks.1"
    assert representation(["blocks.0", "norm"]) == "norm"


def test_correlations_run_over_the_right_checkpoints_layers_and_runs(rising):
    measure = Measure("rankme", "held_out", "rankme.md")
    # Over steps accuracy rises and rankme falls; there are three steps from 100 on, too few.
    assert over_steps(rising, measure, 0) == pytest.approx(-1)
    assert over_steps(rising, measure, 100) is None
    # Three layers are too few as well.
    assert over_layers(rising, measure) is None
    others = [run_of(f"simclr-memorizing-{seed}", lambda step, place, seed=seed: 0.5 + seed / 10, lambda step, place, seed=seed: seed**2, lambda step, place: 0.0) for seed in range(4)]
    assert over_runs(others, measure) == pytest.approx(1)
    constant = Measure("coding_rate_reduction", "gap", "coding-rate.md")
    lines = correlations_at_the_end(others, [measure, constant]).splitlines()
    assert lines[0] == "| measure | 4 runs: convolution, memorizing | 0 runs: transformer, memorizing | layers of one run |"
    # The second measure is the same everywhere.
    assert lines[2:] == ["| [`rankme`](metrics/rankme.md) | 1.00 | - | - |"]


def test_tables_of_runs_name_best_step_and_best_layer_and_count_findings(rising):
    falling = run_of("byol-healthy-1", lambda step, place: 0.9 - step / 1000 - place / 100, lambda step, place: 1.0, lambda step, place: 0.0)
    row, other = final_table([rising, falling]).splitlines()[2:]
    assert row.startswith("| simclr | memorizing | 0 | 51.0 | 81.0 | 81.0 (300) | 82.0 (projector) | 2.00 ± 0.10 |")
    assert other.startswith("| byol | healthy | 1 | 89.0 | 59.0 | 89.0 (0) | 60.0 (blocks.0) | 0.00 ± 0.10 |")
    assert findings_count([rising, falling]) == "- memorizing: a finding in 1 of 1 runs, 1 of them `act`.\n- healthy: a finding in 0 of 1 runs, 0 of them `act`.\n"
    # place 1 reaches 0.333, 0.667, 1; place 2 twice that; the limit is 0.424
    assert onset_table([rising]).splitlines()[2] == "| simclr | memorizing | 0 | 0.0 | 10.0 since 200 | 20.0 since 100 |"
    assert "| simclr | memorizing | 80.0 | 81.0 | **82.0** |" in accuracy_by_layer([rising])


def test_values_are_means_over_seeds(rising):
    again = run_of("simclr-memorizing-1", lambda step, place: 0.5, lambda step, place: 10.0, lambda step, place: 0.0)
    text = values_table([rising, again], [Measure("rankme", "held_out", "rankme.md")], "memorizing")
    assert text.splitlines()[2:] == ["| linear probe, held out | 0.655 |", "| [`rankme`](metrics/rankme.md) | 19 |"]


def test_treatments_stand_beside_the_run_without_and_changes_are_differences(rising):
    treated = run_of("simclr-memorizing-0-umm", lambda step, place: 0.85, lambda step, place: 1.0, lambda step, place: 0.5)
    continued = run_of("simclr-memorizing-0-continue", lambda step, place: 0.80, lambda step, place: 1.0, lambda step, place: 1.0)
    runs = {run.name: run for run in (rising, treated, continued)}
    assert rising.treatment is None and treated.treatment == "umm" and treated.base == rising.name
    assert [row[:3] for row in compared(runs, fine_tuning=True)] == [("simclr", "0", "none"), ("simclr", "0", "umm"), ("simclr", "0", "continue")]
    assert compared(runs, fine_tuning=False) == []
    # Trained from the start and stopped at step 200: compared with step 200 of the other.
    full = run_of("simclr-memorizing-0-dropout", lambda step, place: 0.5, lambda step, place: 1.0, lambda step, place: 0.5)
    short = full._replace(steps=[0, 100, 200])
    assert [(row[2], row[4]) for row in compared({rising.name: rising, short.name: short}, fine_tuning=False)] == [("none", 200), ("dropout", 200)]
    assert change_of(short, rising, "accuracy", "") == pytest.approx(50 - 71)
    assert change_of(short, rising, "coding_rate_reduction", "gap") == pytest.approx(0.5 - 2 * 200 / 300)
    stronger = {**runs, treated.name: treated._replace(config={**treated.config, "beta": 1.0, "learning_rate": 3e-4})}
    assert settings_of_treatments(stronger).splitlines() == ["- simclr, continue: as the run itself; 300 steps.", "- simclr, umm: beta 1.0, learning rate 0.0003; 300 steps."]
    lines = change_table(runs).splitlines()[2:]
    assert lines[0].startswith("| umm | none | 1 | +4.0 (fell in 0) | -1.50 (fell in 1) |")
    assert lines[1].startswith("| umm | continue | 1 | +5.0 (fell in 0) | -0.50 (fell in 1) |")
    assert lines[2].startswith("| continue | none | 1 | -1.0 (fell in 1) | -1.00 (fell in 1) |")


def test_a_run_on_disk_reads_as_it_was_and_what_is_missing_is_named(tmp_path, rising):
    write(tmp_path, rising)
    loaded = load_run(tmp_path / rising.name)
    assert loaded == rising

    results, document = tmp_path / "results", tmp_path / "validation.md"
    results.mkdir()
    (results / "reading.md").write_text("What was seen.\n")
    write_tables(tmp_path, [rising.name, "byol-healthy-0"], [], CATALOG, document, results)
    text = document.read_text()
    assert "What was seen." in text
    assert "**1 of 2 planned runs are not in these tables** (not trained yet): `byol-healthy-0`." in text
    assert "| simclr | memorizing | 0 | act | projector | epoch 200 (100 to 200) | coding_rate_reduction |" in text
    lines = [json.loads(line) for line in gzip.decompress((results / "records.jsonl.gz").read_bytes()).decode().splitlines()]
    assert lines[0]["run"] == rising.name and lines[0]["findings"][0]["severity"] == "act"
    gap = next(line for line in lines if line.get("metric") == "coding_rate_reduction" and line["layer"] == "projector")
    assert gap["steps"] == list(STEPS) and gap["values"] == pytest.approx([0, 0.666667, 1.33333, 2]) and gap["errors"] == [0.1] * 4
    before = (results / "records.jsonl.gz").read_bytes()
    write_tables(tmp_path, [rising.name, "byol-healthy-0"], [], CATALOG, document, results)
    assert (results / "records.jsonl.gz").read_bytes() == before and document.read_text() == text


def test_without_any_measured_run_nothing_is_written(tmp_path):
    with pytest.raises(SystemExit, match="no measured run"):
        write_tables(tmp_path, ["simclr-healthy-0"], [], CATALOG, tmp_path / "validation.md", tmp_path / "results")
    assert not (tmp_path / "validation.md").exists()
