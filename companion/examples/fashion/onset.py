"""Since when a gap is larger than it was."""

from typing import NamedTuple, Optional, Sequence

ERRORS = 3


class Point(NamedTuple):
    step: int
    value: float
    error: float
    """Standard error of the value."""


def onset(points: Sequence[Point], errors: float = ERRORS) -> Optional[int]:
    """The first step from which on, to the end, the value exceeds the first point's by more than `errors` standard errors; None when it never does.

    As in Layerscope's rule a first value below 0 counts as 0, and the two standard errors are added as if they were independent.
    Unlike the rule this looks at one layer alone and does not correct for the number of looks: it is for the table, not for an alarm.
    """
    if not points:
        return None
    first = points[0]
    since: Optional[int] = None
    for point in points[1:]:
        growth = point.value - max(0.0, first.value)
        if growth > errors * (point.error**2 + first.error**2) ** 0.5:
            since = point.step if since is None else since
        else:
            since = None
    return since
