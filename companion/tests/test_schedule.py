import math

import pytest

from layerscope.schedule import constant, cosine_decay, linear_warmup, log_then_regular, schedule_of


def positions(schedule, last=60):
    return [position for position in range(last + 1) if schedule(position)]


def test_the_schedule_is_dense_early_and_regular_later():
    assert positions(log_then_regular(20)) == [0, 1, 2, 4, 8, 16, 20, 40, 60]
    assert positions(log_then_regular(1), 4) == [0, 1, 2, 3, 4]
    assert positions(log_then_regular(16), 50) == [0, 1, 2, 4, 8, 16, 32, 48]


def test_the_last_position_is_always_due_when_it_is_known():
    assert positions(schedule_of(None, total=50), 50) == [0, 1, 2, *range(4, 51, 2)]
    assert positions(schedule_of(20, total=55), 55) == [0, 1, 2, 4, 8, 16, 20, 40, 55]
    assert positions(schedule_of([0, 5], total=9), 9) == [0, 5, 9]


def test_positions_and_functions_are_schedules_too():
    assert positions(schedule_of([3, 7])) == [3, 7]
    assert positions(schedule_of(lambda position: position % 30 == 0)) == [0, 30, 60]
    assert positions(schedule_of(None), 30) == [0, 1, 2, 4, 8, 10, 20, 30]


def test_a_distance_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1, not 0"):
        schedule_of(0)


def test_weights_warm_up_and_decay():
    assert [constant(2.0)(step) for step in (0, 9)] == [2.0, 2.0]
    assert [linear_warmup(4.0, 2, start=3)(step) for step in (0, 3, 4, 5, 99)] == [0, 0, 2, 4, 4]
    decay = cosine_decay(4.0, 10, last=2.0)
    assert [decay(step) for step in (0, 5, 10, 99)] == pytest.approx([4.0, 3.0, 2.0, 2.0])
    assert decay(2) == pytest.approx(2 + 0.5 * 2 * (1 + math.cos(math.pi / 5)))
