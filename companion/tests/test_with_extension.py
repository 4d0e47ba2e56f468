"""What the package writes, read by the extension's command line, where that has been built."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from networks import ResNet

from layerscope import Recorder, append_records, coding_rate_records, measure_coding_rates
from layerscope.records import FILE_NAME

COMMAND = Path(os.environ.get("LAYERSCOPE_CLI", Path(__file__).parents[2] / "dist" / "cli.js"))


def layerscope(*arguments):
    node = shutil.which("node")
    if node is None or not COMMAND.exists():
        pytest.skip("the extension is not built here")
    return subprocess.run([node, str(COMMAND), *map(str, arguments)], check=True, stdout=subprocess.PIPE, timeout=60).stdout


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with one probe and the coding rates of its rows, as training would have recorded them."""
    folder = tmp_path_factory.mktemp("runs") / "mine"
    torch.manual_seed(0)
    model = ResNet()
    views = torch.randn(2, 64, 8, 3, 8, 8) + 2 * torch.randn(2, 64, 1, 3, 8, 8)
    path = Recorder(model, train=views[0], held_out=views[1], folder=folder).record(epoch=3, step=30)
    rates = {split: measure_coding_rates(model, part.split(16)) for split, part in zip(("train", "held_out"), views)}
    append_records(folder, coding_rate_records(folder, rates, epoch=3, step=30, source=path))
    return folder


def test_the_extension_finds_a_probe_without_problems(run):
    (found,) = json.loads(layerscope("runs", run, "--json"))["runs"]
    assert found["problems"] == []
    assert [(file["kind"], file["epoch"]) for file in found["files"]] == [("probe", 3)]


def test_the_extension_takes_records_of_training_and_its_own_values_agree(run, tmp_path):
    shutil.copytree(run / "probes", tmp_path / "mine" / "probes")
    of_extension = json.loads(layerscope("measure", tmp_path / "mine", "--metric", "coding_rate_reduction,crr_normalized", "--json"))["records"]
    layerscope("export", run, "--out", tmp_path / "run.json")
    exported = json.loads((tmp_path / "run.json").read_text())["records"]
    written = {key_of(record): record for record in map(json.loads, (run / ".layerscope" / FILE_NAME).read_text().splitlines())}
    taken = {key_of(record): record for record in exported if key_of(record) in written}
    assert {key: record["value"] for key, record in taken.items()} == {key: record["value"] for key, record in written.items()}
    assert len(of_extension) >= 5 * 2 * 3
    for record in of_extension:
        if key_of(record) in written:
            mine = written[key_of(record)]
            # The probe holds the features in half precision.
            assert mine["value"] == pytest.approx(record["value"], rel=2e-3, abs=2e-3)
            assert {name: mine[name] for name in ("n", "d", "views", "layerIndex", "options", "method")} == {
                name: record[name] for name in ("n", "d", "views", "layerIndex", "options", "method")}


def key_of(record):
    return record["layer"], record["metric"], record["split"]
