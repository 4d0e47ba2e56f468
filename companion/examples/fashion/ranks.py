"""Spearman's rank correlation."""

from typing import List, Optional, Sequence, Tuple


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def ranks(values: Sequence[float]) -> List[float]:
    """Ranks from 1, ties share their mean rank."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    result = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            result[place] = (start + 1 + end) / 2
        start = end
    return result


def spearman(pairs: Sequence[Tuple[float, float]]) -> Optional[float]:
    """Pearson correlation of the ranks; None with fewer than 4 pairs or when one side is constant."""
    if len(pairs) < 4:
        return None
    first, second = (ranks([pair[side] for pair in pairs]) for side in (0, 1))
    of_first, of_second = mean(first), mean(second)
    products = sum((a - of_first) * (b - of_second) for a, b in zip(first, second))
    squares = sum((a - of_first) ** 2 for a in first) * sum((b - of_second) ** 2 for b in second)
    return products / squares**0.5 if squares > 0 else None
