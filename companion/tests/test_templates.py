"""The scripts that the editor writes run as they stand against companion/examples."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMPANION = Path(__file__).parents[1]
TEMPLATES = COMPANION / "templates"

pytest.importorskip("sklearn")


def run_template(name, *arguments, expected=0, example=None, folder=None):
    """A process of its own, as a person starts it; with `example`, from a copy whose line EXAMPLE is filled in as the editor does."""
    script = TEMPLATES / name
    if example is not None:
        line = "EXAMPLE = Path(__file__).resolve().parents[1] / \"examples\""
        text = script.read_text(encoding="utf-8")
        assert text.count(line) == 1
        script = folder / name
        script.write_text(text.replace(line, f"EXAMPLE = Path({json.dumps(str(example))})"), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(COMPANION / "src"), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, str(script), *map(str, arguments)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    assert done.returncode == expected, done.stderr.decode()
    return done


def lines_of(run):
    return [json.loads(line) for line in (run / "log.txt").read_text().splitlines()]


def probes_of(run):
    return sorted(path.name for path in (run / "probes").iterdir())


def test_the_umm_script_tunes_fine_tunes_and_records_a_run(tmp_path):
    run = tmp_path / "runs" / "umm"
    run_template("finetune_umm.py", run, "--pretrain-epochs", 2, "--steps", 3, "--trials", 1)
    chosen = json.loads((run / "umm.json").read_text())
    steps = len(lines_of(run))
    assert len(chosen["trials"]) == 2 and steps in (0, 1, 3)
    assert probes_of(run)[0] == "step=00000000.safetensors" and probes_of(run)[-1] == f"step={steps:08d}.safetensors"
    assert (run / "checkpoints" / "umm.pt").exists()
    assert b"already holds a run" in run_template("finetune_umm.py", run, expected=1).stderr


def test_the_umm_script_starts_from_a_checkpoint(tmp_path):
    run_template("finetune_umm.py", tmp_path / "first", "--pretrain-epochs", 1, "--steps", 1)
    checkpoint = tmp_path / "first" / "checkpoints" / "umm.pt"
    run_template("finetune_umm.py", tmp_path / "second", "--checkpoint", checkpoint, "--steps", 2)
    assert [sorted(line) for line in lines_of(tmp_path / "second")] == [["divergence", "reduction", "ssl_loss", "step"]] * 2
    # The model before the first step of the second run is the one after the last step of the first.
    assert (tmp_path / "second" / "probes" / "step=00000000.safetensors").read_bytes()[-4000:] == (
        tmp_path / "first" / "probes" / "step=00000001.safetensors").read_bytes()[-4000:]


def test_the_random_label_script_trains_a_run_for_each_weight_and_weight_zero_leaves_the_loss_alone(tmp_path):
    run_template("random_label_experiment.py", tmp_path, "--epochs", 6, "--weights", "0,10", "--heads", 1)
    measured, penalized = lines_of(tmp_path / "weight=0"), lines_of(tmp_path / "weight=10")
    layers = ["blocks.3", "blocks.4", "blocks.5", "projector"]
    assert [sorted(line) for line in measured] == [["epoch", *(f"random_label_score/{layer}" for layer in layers), "train_loss"]] * 6
    # The first step has weight 0 in both runs, so that the second begins alike.
    assert [line["train_loss"] for line in measured][:2] == [line["train_loss"] for line in penalized][:2]
    assert [line["train_loss"] for line in measured] != [line["train_loss"] for line in penalized]
    for weight in (0, 10):
        assert probes_of(tmp_path / f"weight={weight}") == [f"epoch={epoch:04d}.safetensors" for epoch in range(7)]


@pytest.mark.parametrize("name", ["finetune_umm.py", "random_label_experiment.py"])
def test_a_script_says_what_to_do_where_the_example_is_not(name, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    done = run_template(name, tmp_path / "run", expected=1, example=tmp_path / "elsewhere", folder=tmp_path)
    assert b"put your own training there" in done.stderr and not (tmp_path / "run").exists()


def test_a_written_script_finds_the_example_that_the_editor_names(tmp_path):
    run_template("random_label_experiment.py", tmp_path / "run", "--epochs", 1, "--weights", "0", example=COMPANION / "examples", folder=tmp_path)
    assert len(lines_of(tmp_path / "run" / "weight=0")) == 1
