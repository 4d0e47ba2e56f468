"""When to record, and how a weight changes over training."""

from __future__ import annotations

import math
from typing import Callable, Collection, Optional, Union

Schedule = Callable[[int], bool]
WeightSchedule = Callable[[int], float]


def log_then_regular(every: int) -> Schedule:
    """0, 1, 2, 4, 8, ... up to `every`, then its multiples.

    Early training is not linear, so that its checkpoints have to be dense (Xu, Lowe & Trappenberg, arXiv 2409.06612).
    """
    if every < 1:
        raise ValueError(f"the distance of a schedule is at least 1, not {every}")

    def due(position: int) -> bool:
        if position < every:
            return position >= 0 and (position & (position - 1)) == 0
        return position % every == 0

    return due


ScheduleLike = Union[None, int, Collection[int], Schedule]


def schedule_of(wanted: ScheduleLike, total: Optional[int] = None) -> Schedule:
    """The schedule that is meant: None for the default, a number for `log_then_regular`, positions, or a function of the position.

    The default has about twenty regular positions when `total` is known, else one every 10. The last position, `total`, is always due.
    """
    if wanted is None:
        wanted = max(1, round(total / 20)) if total else 10
    if callable(wanted):
        chosen = wanted
    elif isinstance(wanted, int):
        chosen = log_then_regular(wanted)
    else:
        positions = frozenset(int(position) for position in wanted)
        chosen = positions.__contains__
    if total is None:
        return chosen
    return lambda position: position == total or chosen(position)


def constant(value: float) -> WeightSchedule:
    """The same weight at every step."""
    return lambda step: value


def linear_warmup(value: float, steps: int, start: int = 0) -> WeightSchedule:
    """0 up to step `start`, then rising to `value` within `steps`, and staying there."""
    if steps < 1:
        raise ValueError(f"a warm-up takes at least 1 step, not {steps}")
    return lambda step: value * min(1.0, max(0.0, (step - start) / steps))


def cosine_decay(value: float, steps: int, last: float = 0.0) -> WeightSchedule:
    """From `value` at step 0 to `last` at step `steps` along half a cosine, and staying there."""
    if steps < 1:
        raise ValueError(f"a decay takes at least 1 step, not {steps}")
    return lambda step: last + (value - last) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))


def weight_schedule_of(weight: Union[float, WeightSchedule]) -> WeightSchedule:
    """A number is a constant schedule."""
    return weight if callable(weight) else constant(float(weight))
