"""Numbers and tables as Markdown."""

from typing import Iterable, Optional, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def number(value: Optional[float], digits: int = 3) -> str:
    """A dash for what is not there; no negative zero."""
    if value is None:
        return "-"
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text


def significant(value: Optional[float], digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}g}"


def with_error(record: Optional[dict], digits: int = 3) -> str:
    """A record's value and its standard error."""
    if record is None or record["value"] is None:
        return "-"
    error = (record.get("uncertainty") or {}).get("standardError")
    return number(record["value"], digits) + ("" if error is None else f" ± {number(error, digits)}")


def percent(value: Optional[float]) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def mean(values: Iterable[Optional[float]]) -> Optional[float]:
    """Of those that are known; None when none is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
