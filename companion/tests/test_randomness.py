import importlib.util
import random
from pathlib import Path

import numpy
import pytest
import torch

from layerscope.randomness import MASK, hash64, preserved_random_state, random_labels, seeded

GOLDEN = Path(__file__).parents[2] / "test" / "golden" / "random_hash.py"


def golden_hash():
    if not GOLDEN.exists():
        pytest.skip("the extension's sources are not here")
    spec = importlib.util.spec_from_file_location("random_hash", GOLDEN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.hash64


def test_the_hash_is_the_one_that_the_extension_is_tested_against():
    golden = golden_hash()
    for parts in ([], [0], [1, 0, 4, 123456789], [-1, MASK, 1 << 40]):
        assert hash64(*parts) == golden(*parts)


def test_random_labels_are_the_upper_half_of_the_hash_scaled_for_every_kind_of_id():
    ids = [0, 1, 17, 2**31, 2**40 + 3, 2**63 - 1, -1, -(2**63)]
    for seed, head, classes in [(0, 0, 10), (7, 4, 2), (-3, 1, 1000)]:
        expected = [((hash64(1, seed, head, sample) >> 32) * classes) >> 32 for sample in ids]
        assert random_labels(seed, head, torch.tensor(ids), classes).tolist() == expected


def test_random_labels_are_spread_evenly_and_differ_between_heads():
    ids = torch.arange(20000)
    labels = random_labels(0, 0, ids, 10)
    assert torch.bincount(labels, minlength=10).min() > 1800
    assert (labels == random_labels(0, 1, ids, 10)).double().mean() == pytest.approx(0.1, abs=0.01)


def test_a_single_class_is_refused():
    with pytest.raises(ValueError, match="at least 2 classes, not 1"):
        random_labels(0, 0, torch.arange(3), 1)


def test_random_numbers_inside_follow_from_the_seed_and_outside_go_on_as_if_nothing_was_drawn():
    def draw():
        return random.random(), float(numpy.random.rand()), float(torch.rand(()))

    random.seed(5), numpy.random.seed(5), torch.manual_seed(5)
    expected = [draw(), draw()]
    random.seed(5), numpy.random.seed(5), torch.manual_seed(5)
    first = draw()
    with seeded(1, 2):
        inside = [draw() for _ in range(3)]
    with preserved_random_state():
        random.seed(1), numpy.random.seed(1), torch.manual_seed(1)
    assert [first, draw()] == expected
    with seeded(1, 2):
        assert [draw() for _ in range(3)] == inside
    with seeded(1, 3):
        assert draw() != inside[0]
