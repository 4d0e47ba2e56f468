"""How flat the landscapes are, side by side, and in how many pairs one is flatter than the other."""

from statistics import median, pstdev
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from formatting import mean, number, significant, table

Line = dict
"""A surface as `landscapes.py` keeps it."""
SURFACES: Sequence[Tuple[str, str]] = (("mae", "mae"), ("rc-mae", "mae"), ("rc-mae", "rc_mae"), ("supervised-vit", "cross_entropy"))
"""Method and loss, in the order of the tables."""
SETTINGS = ("healthy", "memorizing")
PARTS = ("train", "held_out")
WORDS = {"train": "training", "held_out": "held-out"}


class Number(NamedTuple):
    key: str
    title: str
    digits: int
    scale_free: bool
    """Whether it stays when a loss is multiplied by a constant."""
    ratio: bool
    """Pairs are compared by their ratio, not their difference."""


NUMBERS: Sequence[Number] = (
    Number("convexArea", "convex area", 2, True, False),
    Number("eigenvalueRatio", "eigenvalue ratio", 2, True, False),
    Number("widthMean", "width", 3, True, True),
    Number("widthMinimum", "least width", 3, True, True),
    Number("sharpness", "sharpness", 4, False, True),
    Number("roughness", "roughness", 3, True, True),
)


class Comparison(NamedTuple):
    title: str
    pairs: List[Tuple[Line, Line]]
    one_loss: bool
    """Both are surfaces of the same loss."""


def surfaces_of(lines: Sequence[Line]) -> List[Line]:
    return [line for line in lines if line["kind"] == "surface"]


def name_of(method: str, loss: str) -> str:
    """The loss is named where a method has two."""
    return f"{method}, {'own loss' if loss == 'rc_mae' else 'MAE loss'}" if method == "rc-mae" else method


def flatness(line: Line, key: str) -> Optional[float]:
    return line["flatness"][key]


def flatness_table(lines: Sequence[Line]) -> str:
    """A row a run and part: mean over the seeds of directions ± their standard deviation, where there are several."""
    rows = []
    for method, loss in SURFACES:
        for part in PARTS:
            for setting in SETTINGS:
                own = [line for line in surfaces_of(lines) if (line["method"], line["loss"], line["part"], line["setting"]) == (method, loss, part, setting)]
                for seed in sorted({line["seed"] for line in own}):
                    same = [line for line in own if line["seed"] == seed]
                    origin = significant(mean(line["origin"] for line in same))
                    rows.append([name_of(method, loss), WORDS[part], setting, str(seed), origin, *(with_spread(same, each) for each in NUMBERS)])
    return table(["surface", "images", "setting", "seed", "loss at the model", *(each.title for each in NUMBERS)], rows)


def with_spread(lines: Sequence[Line], kind: Number) -> str:
    values = [value for value in (flatness(line, kind.key) for line in lines) if value is not None]
    if not values:
        return "-"
    at_least = "≥ " if kind.key == "widthMean" and any(line["open"] for line in lines) else ""
    spread = f" ± {number(pstdev(values), kind.digits)}" if len(values) > 1 else ""
    return f"{at_least}{number(mean(values), kind.digits)}{spread}"


def pairs_of(lines: Sequence[Line], first: Dict[str, str], second: Dict[str, str]) -> List[Tuple[Line, Line]]:
    """Surfaces that differ in nothing else: run, images, directions and masks of one seed."""
    def key(line: Line, given: Dict[str, str]) -> Tuple[object, ...]:
        return tuple(line[name] for name in ("method", "setting", "loss", "part", "seed", "directions") if name not in given)

    def chosen(given: Dict[str, str]) -> Dict[Tuple[object, ...], Line]:
        return {key(line, given): line for line in surfaces_of(lines) if all(line[name] == value for name, value in given.items())}

    ours, theirs = chosen(first), chosen(second)
    return [(ours[place], theirs[place]) for place in ours if place in theirs]


def within(pairs: Sequence[Tuple[Line, Line]], **given: str) -> List[Tuple[Line, Line]]:
    return [pair for pair in pairs if all(pair[0][name] == value for name, value in given.items())]


def comparisons(lines: Sequence[Line]) -> List[Comparison]:
    settings = pairs_of(lines, {"setting": "healthy"}, {"setting": "memorizing"})
    parts = pairs_of(lines, {"part": "held_out"}, {"part": "train"})
    found = [Comparison(f"healthy : memorizing ({name_of(method, loss)}, {WORDS[part]} images)", within(settings, method=method, loss=loss, part=part), True)
             for method, loss in SURFACES for part in PARTS]
    found += [Comparison(f"held-out : training images ({name_of(method, loss)}, {setting})", within(parts, method=method, loss=loss, setting=setting), True)
              for method, loss in SURFACES for setting in SETTINGS]
    found += [Comparison(f"{title} ({setting}, {WORDS[part]} images)", within(pairs(lines), setting=setting, part=part), same)
              for title, pairs, same in METHOD_PAIRS for setting in SETTINGS for part in PARTS]
    return [each for each in found if each.pairs]


def of(method: str, loss: str) -> Dict[str, str]:
    return {"method": method, "loss": loss}


def teacher_same_loss(lines: Sequence[Line]) -> List[Tuple[Line, Line]]:
    return pairs_of(lines, of("rc-mae", "mae"), of("mae", "mae"))


def teacher_own_loss(lines: Sequence[Line]) -> List[Tuple[Line, Line]]:
    return pairs_of(lines, of("rc-mae", "rc_mae"), of("mae", "mae"))


def mae_supervised(lines: Sequence[Line]) -> List[Tuple[Line, Line]]:
    return pairs_of(lines, of("mae", "mae"), of("supervised-vit", "cross_entropy"))


def rc_mae_supervised(lines: Sequence[Line]) -> List[Tuple[Line, Line]]:
    return pairs_of(lines, of("rc-mae", "rc_mae"), of("supervised-vit", "cross_entropy"))


METHOD_PAIRS: Sequence[Tuple[str, Callable[[Sequence[Line]], List[Tuple[Line, Line]]], bool]] = (
    ("rc-mae : mae, both MAE loss", teacher_same_loss, True),
    ("rc-mae with its own loss : mae", teacher_own_loss, False),
    ("mae : supervised-vit", mae_supervised, False),
    ("rc-mae with its own loss : supervised-vit", rc_mae_supervised, False),
)


def comparison_table(lines: Sequence[Line]) -> str:
    rows = [[each.title, str(len(each.pairs)), *(compared(each.pairs, kind) if each.one_loss or kind.scale_free else "-" for kind in NUMBERS)] for each in comparisons(lines)]
    return table(["first : second", "pairs", *(kind.title for kind in NUMBERS)], rows)


def values_of(pairs: Sequence[Tuple[Line, Line]], key: str) -> List[Tuple[float, float]]:
    both = [(flatness(first, key), flatness(second, key)) for first, second in pairs]
    return [(first, second) for first, second in both if first is not None and second is not None]


def compared(pairs: Sequence[Tuple[Line, Line]], kind: Number) -> str:
    """In how many pairs the first is larger / smaller, and the median of the ratio or the difference."""
    known = values_of(pairs, kind.key)
    if not known:
        return "-"
    return f"{larger_in(known)} / {larger_in([(second, first) for first, second in known])} ({typical(known, kind)})"


def larger_in(known: Sequence[Tuple[float, float]]) -> int:
    return sum(first > second for first, second in known)


def typical(known: Sequence[Tuple[float, float]], kind: Number) -> str:
    if kind.ratio:
        ratios = [first / second for first, second in known if second > 0]
        return f"x {significant(median(ratios))}" if ratios else "-"
    change = number(median(first - second for first, second in known), kind.digits)
    return change if change.startswith("-") or float(change) == 0 else f"+{change}"


def in_words(pairs: Sequence[Tuple[Line, Line]], kind: Number) -> str:
    known = values_of(pairs, kind.key)
    if not known:
        return f"{kind.title} -"
    smaller = larger_in([(second, first) for first, second in known])
    return f"{kind.title} larger in {larger_in(known)}, smaller in {smaller} of {len(known)} pairs ({typical(known, kind)})"


def wider_and_smoother(lines: Sequence[Line]) -> Optional[str]:
    texts = []
    for part in PARTS:
        pairs = within(mae_supervised(lines), part=part)
        if pairs:
            parts = ", ".join(in_words(pairs, kind) for kind in NUMBERS if kind.key in ("widthMean", "roughness", "convexArea"))
            texts.append(f"MAE against the supervised transformer, {WORDS[part]} images: {parts}")
    return "; ".join(texts) or None


def wider_convexity(lines: Sequence[Line]) -> Optional[str]:
    area = NUMBERS[0]
    texts = [f"{words}: {in_words(pairs, area)}" for words, pairs in (("both with MAE's loss", teacher_same_loss(lines)), ("each with its own", teacher_own_loss(lines))) if pairs]
    return "RC-MAE against MAE, " + "; ".join(texts) if texts else None


def training_lines(lines: Sequence[Line]) -> str:
    """The plane of a training and the line between two of its checkpoints, in numbers."""
    text = []
    for plane in (line for line in lines if line["kind"] == "trajectory"):
        rows = [[str(point["step"]), number(point["x"], 2), number(point["y"], 2), significant(point["loss"])] for point in plane["checkpoints"]]
        known = [value for value in plane["points"] if value is not None]
        text.append(
            f"{WORDS[plane['part']].capitalize()} images; the plane holds {plane['share']} % of how the checkpoints differ; lowest loss in it {significant(min(known))}:\n\n"
            + table(["step", "x", "y", "loss of the checkpoint"], rows)
        )
    rows = []
    for line in (line for line in lines if line["kind"] == "line"):
        known = list(zip(line["x"], line["points"]))
        ends = [next(loss for place, loss in known if place == end) for end in (0, 1)]
        place, lowest = min(known, key=lambda each: each[1])
        barrier = max(loss for at, loss in known if 0 <= at <= 1) - max(ends)
        rows.append([WORDS[line["part"]], *(significant(end) for end in ends), significant(lowest), number(place, 2), number(barrier, 3)])
    if rows:
        header = ["images", "loss at 0", "loss at 1", "lowest loss", "at", "barrier"]
        text.append("The line; the barrier is how far the loss between the two rises above the higher of both:\n\n" + table(header, rows))
    return "\n".join(text)
