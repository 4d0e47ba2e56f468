import json

import pytest
import torch

from layerscope import CodingRateAccumulator, append_records, coding_rate_records
from layerscope.files import fingerprint


def rates_of(features, eps2=0.5):
    accumulator = CodingRateAccumulator(eps2)
    accumulator.add(features)
    return accumulator.compute()


def test_records_have_every_field_of_the_extension_and_gaps_are_train_minus_held_out(tmp_path):
    source = tmp_path / "probes" / "epoch=0003.safetensors"
    source.parent.mkdir()
    source.write_bytes(b"content")
    train, held_out = rates_of(torch.randn(80, 8, 4)), rates_of(torch.randn(80, 8, 4))
    records = coding_rate_records(tmp_path, {"train": {"a": train, "b": train}, "held_out": {"a": held_out, "b": held_out}}, epoch=3, step=7, source=source)
    assert len(records) == 2 * 4 * 3
    first = records[0]
    assert first == {
        "run": tmp_path.name, "source": "probes/epoch=0003.safetensors", "sourceVersion": fingerprint(source), "epoch": 3, "step": 7,
        "layer": "a", "layerIndex": 0, "metric": "coding_rate", "split": "train", "value": train.rate, "n": 640, "d": 4, "views": 8,
        "seed": None, "options": {"eps2": 0.5, "normalisation": "l2", "partition": "views"}, "warnings": [], "method": 1,
    }
    gap = next(record for record in records if (record["layer"], record["metric"], record["split"]) == ("b", "coding_rate_reduction", "gap"))
    assert gap["value"] == train.reduction - held_out.reduction and gap["n"] == 1280 and gap["layerIndex"] == 1


def test_without_a_file_the_source_is_the_training(tmp_path):
    record = coding_rate_records(tmp_path, {"train": {"a": rates_of(torch.randn(3, 2, 4))}}, step=7)[0]
    assert (record["source"], record["sourceVersion"], record["epoch"]) == ("training", "", None)


def test_warnings_say_what_weakens_a_value(tmp_path):
    records = coding_rate_records(tmp_path, {"train": {"a": rates_of(torch.randn(3, 2, 40))}, "held_out": {"a": rates_of(torch.randn(2, 2, 40))}})
    reduction = {record["split"]: record["warnings"] for record in records if record["metric"] == "coding_rate_reduction"}
    assert reduction["train"] == [
        "The reduction barely sees alignment below 8 views; there are 2.", "Only 3 samples; a part should have 64 at least.",
        "Fewer rows (6) than dimensions (40): the value is bounded by the number of rows.",
    ]
    assert reduction["gap"][0].startswith("The parts differ in size (train 3 samples x 2 views, held-out 2 x 2)")
    assert "Fewer rows" not in " ".join(next(record for record in records if record["metric"] == "coding_rate_within")["warnings"])


def test_values_that_are_missing_are_null_with_the_reason(tmp_path):
    broken = torch.randn(3, 2, 4)
    broken[0, 0, 0] = float("inf")
    records = coding_rate_records(tmp_path, {"train": {"a": rates_of(broken)}, "held_out": {"a": rates_of(torch.randn(3, 2, 4))}})
    values = {record["split"]: (record["value"], record["warnings"]) for record in records if record["metric"] == "coding_rate"}
    assert values["train"] == (None, ["1 of 6 rows are NaN or infinite."])
    assert values["gap"] == (None, ["No gap without a value on the train part: 1 of 6 rows are NaN or infinite."])


def test_records_are_appended_one_a_line(tmp_path):
    records = coding_rate_records(tmp_path, {"train": {"a": rates_of(torch.randn(3, 2, 4))}})
    append_records(tmp_path, records)
    path = append_records(tmp_path, records)
    assert path == tmp_path / ".layerscope" / "records-training.jsonl"
    assert [json.loads(line) for line in path.read_text().splitlines()] == records * 2


def test_other_splits_are_refused(tmp_path):
    with pytest.raises(ValueError, match="not 'test'"):
        coding_rate_records(tmp_path, {"test": {}})
