"""Spearman's rank correlation."""

from typing import List, Optional, Sequence, Tuple


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


def spearman(pairs: Sequence[Tuple[Optional[float], float]]) -> Optional[float]:
    """Pearson correlation of the ranks over the pairs that are known; None with fewer than 4 or when one side is constant."""
    known = [pair for pair in pairs if pair[0] is not None]
    if len(known) < 4:
        return None
    first, second = (ranks([pair[side] for pair in known]) for side in (0, 1))
    centre = (len(known) + 1) / 2
    products = sum((a - centre) * (b - centre) for a, b in zip(first, second))
    squares = sum((a - centre) ** 2 for a in first) * sum((b - centre) ** 2 for b in second)
    return products / squares**0.5 if squares > 0 else None
