import math

import numpy
import pytest
import torch
from networks import Simclr
from torch import multiprocessing

from layerscope import CodingRateAccumulator, RandomLabelHeads, Recorder, coding_rate, coding_rate_reduction, coding_rate_within, measure_coding_rates
from layerscope.coding_rate import coding_rate_bound


def numpy_rates(features, eps2):
    """R and Rc as the formulas stand, with NumPy's determinant."""
    samples, views, width = features.shape
    rows = features / numpy.linalg.norm(features, axis=-1, keepdims=True)
    flat = rows.reshape(-1, width)
    rate = numpy.linalg.slogdet(numpy.eye(width) + width / (len(flat) * eps2) * flat.T @ flat)[1] / 2
    within = sum(views / (2 * len(flat)) * numpy.linalg.slogdet(numpy.eye(width) + width / (views * eps2) * z.T @ z)[1] for z in rows)
    return rate, within


@pytest.mark.parametrize("shape", [(30, 4, 7), (5, 3, 20), (4, 12, 6)])
def test_rates_agree_with_numpy(shape):
    features = torch.randn(*shape, dtype=torch.float64)
    rate, within = numpy_rates(features.numpy(), 0.5)
    assert float(coding_rate(features.flatten(0, 1))) == pytest.approx(rate, rel=1e-12)
    assert float(coding_rate_within(features)) == pytest.approx(within, rel=1e-12)
    assert float(coding_rate_reduction(features)) == pytest.approx(rate - within, rel=1e-9)


def test_closed_forms_of_collapse_and_of_an_even_spectrum():
    collapsed = torch.ones(6, 4, 3, dtype=torch.float64)
    assert float(coding_rate(collapsed.flatten(0, 1), 0.5)) == pytest.approx(math.log(1 + 3 / 0.5) / 2)
    assert float(coding_rate_reduction(collapsed)) == pytest.approx(0, abs=1e-12)
    even = torch.eye(5, dtype=torch.float64)
    assert float(coding_rate(even, 0.1)) == pytest.approx(coding_rate_bound(5, 5, 0.1)) == pytest.approx(5 / 2 * math.log(1 + 1 / 0.1))
    # Two views a sample, as in the trap of the design: identical views give 1/2 log(1 + 2c), unrelated ones log(1 + c), c = d / (2 eps2).
    identical = torch.eye(4, dtype=torch.float64).reshape(2, 2, 4)[:, :1].expand(-1, 2, -1)
    assert float(coding_rate_within(identical, 0.1)) == pytest.approx(math.log(1 + 2 * 20) / 2)
    assert float(coding_rate_within(torch.eye(4, dtype=torch.float64).reshape(2, 2, 4), 0.1)) == pytest.approx(math.log(1 + 20))


def test_the_gradient_of_the_reduction_is_right():
    features = torch.randn(2, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(coding_rate_reduction, (features,))


def test_rows_added_in_parts_give_what_they_give_at_once():
    features = torch.randn(40, 6, 9)
    whole, parts = CodingRateAccumulator(0.1), CodingRateAccumulator(0.1)
    whole.add(features)
    for part in features.split([1, 20, 19]):
        parts.add(part)
    expected = numpy_rates(features.double().numpy(), 0.1)
    for rates in (whole.compute(), parts.compute()):
        assert (rates.rate, rates.rate_within) == pytest.approx(expected, rel=1e-10)
        assert (rates.rows, rates.samples, rates.views, rates.width) == (240, 40, 6, 9)
        assert rates.normalized == pytest.approx((expected[0] - expected[1]) / coding_rate_bound(240, 9, 0.1))


def test_samples_with_different_numbers_of_views_count_by_their_views():
    few, many = torch.randn(3, 2, 4, dtype=torch.float64), torch.randn(2, 5, 4, dtype=torch.float64)
    accumulator = CodingRateAccumulator()
    accumulator.add(few), accumulator.add(many)
    rates = accumulator.compute()
    within = (3 * 2 * numpy_rates(few.numpy(), 0.5)[1] + 2 * 5 * numpy_rates(many.numpy(), 0.5)[1]) / 16
    assert rates.rate_within == pytest.approx(within) and rates.views == 2 and rates.rows == 16


def test_rows_without_direction_or_not_finite_give_no_value_and_the_reason():
    for broken, reason in [(0.0, "1 of 6 rows are all zero and so without direction."), (float("nan"), "1 of 6 rows are NaN or infinite.")]:
        features = torch.randn(2, 3, 4)
        features[1, 2] = broken
        accumulator = CodingRateAccumulator()
        accumulator.add(features)
        rates = accumulator.compute()
        assert rates.rate is None and rates.reduction is None and rates.normalized is None and rates.reason == reason


def test_wrong_input_is_refused_with_its_value():
    accumulator = CodingRateAccumulator()
    with pytest.raises(ValueError, match="no features were added"):
        accumulator.compute()
    with pytest.raises(ValueError, match=r"\[samples, views, d\], not \[4, 3\]"):
        accumulator.add(torch.randn(4, 3))
    accumulator.add(torch.randn(2, 2, 3))
    with pytest.raises(ValueError, match="width 4, but 3 before"):
        accumulator.add(torch.randn(2, 2, 4))
    with pytest.raises(ValueError, match="not 0"):
        CodingRateAccumulator(0)


def one_process(rank, folder, results):
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
    generator = torch.Generator().manual_seed(0)
    views = torch.randn(24, 5, 10, generator=generator)
    torch.manual_seed(0)
    model = Simclr()
    # Unequal shares, and for the held-out part one process has none.
    rates = [
        {layer: (own.rate, own.rate_within, own.rows, own.samples, own.views) for layer, own in measure_coding_rates(model, share, ["layer2", "projector"]).items()}
        for share in ([views[:7].split(4), [views[7:]]][rank], [[], [views[:9]]][rank])
    ]
    # The second process must not even look at the samples.
    recorded = Recorder(model, train=views if rank == 0 else None, folder=folder, views=5).record(epoch=0)
    heads = RandomLabelHeads(model, "layer2", heads=2)
    for _ in range(3):
        model(views[rank])
        heads(torch.arange(5))
    results[rank] = {"rates": rates, "recorded": recorded is not None, "heads": heads._heads["layer2"].weights.tolist()}
    torch.distributed.destroy_process_group()


def test_two_real_processes_agree_with_one_and_with_each_other(tmp_path):
    with multiprocessing.Manager() as manager:
        results = manager.dict()
        multiprocessing.spawn(one_process, (str(tmp_path), results), nprocs=2)
        found = dict(results)
    views = torch.randn(24, 5, 10, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    model = Simclr()
    assert found[0]["rates"] == found[1]["rates"]
    for part, rates in zip((views, views[:9]), found[0]["rates"]):
        assert list(rates) == ["layer2", "projector"]
        for layer, own in measure_coding_rates(model, [part], ["layer2", "projector"]).items():
            assert rates[layer] == pytest.approx((own.rate, own.rate_within, 5 * len(part), len(part), 5), rel=1e-6)
    assert (found[0]["recorded"], found[1]["recorded"]) == (True, False)
    # Heads that saw different views agree, and have learned.
    assert found[0]["heads"] == found[1]["heads"] and torch.tensor(found[0]["heads"]).abs().sum() > 0
