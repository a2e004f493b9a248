"""What was measured: one line per comparison, printed as a table and written as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite


@dataclass(frozen=True)
class Line:
    """One comparison. ours and other: in `unit`; ratio: what the target speaks of. target: ("<=", 1.2), None for a
    comparison that is only worth knowing."""

    name: str
    ours: float
    other: float
    unit: str
    ratio: float
    target: tuple[str, float] | None = None

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        sign, limit = self.target
        return self.ratio <= limit if sign == "<=" else self.ratio >= limit

    def as_json(self) -> dict[str, object]:
        wanted = None if self.target is None else f"{self.target[0]} {self.target[1]:g}"
        return {
            "name": self.name,
            "ours": self.ours,
            "other": self.other,
            "unit": self.unit,
            "ratio": self.ratio if isfinite(self.ratio) else None,
            "target": wanted,
            "met": self.met,
        }


def at_most(name: str, ours: float, other: float, unit: str, limit: float | None = None) -> Line:
    """The ratio is ours / other: the smaller, the better."""
    return Line(name, ours, other, unit, _ratio(ours, other), None if limit is None else ("<=", limit))


def at_least(name: str, ours: float, other: float, unit: str, limit: float | None = None) -> Line:
    """The ratio is other / ours: how many times less we need."""
    return Line(name, ours, other, unit, _ratio(other, ours), None if limit is None else (">=", limit))


def _ratio(upper: float, lower: float) -> float:
    return upper / lower if lower else inf if upper else 1.0


_HEAD = ("comparison", "ours", "other", "", "ratio", "target", "")
_VERDICT = {True: "met", False: "NOT MET", None: ""}


def table(lines: Sequence[Line]) -> str:
    rows = [_HEAD]
    for line in lines:
        target = "" if line.target is None else f"{line.target[0]} {line.target[1]:g}"
        ratio = f"{line.ratio:.2f}"
        rows.append((line.name, _number(line.ours), _number(line.other), line.unit, ratio, target, _VERDICT[line.met]))
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD))]
    right = {1, 2, 4}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


DISTURBED = 0.05
"""Share of a measurement's time from which on the machine was not ours alone."""


def disturbed(facts: Mapping[str, object], before: str = "") -> Iterator[tuple[str, float]]:
    """What was measured while a host took CPU time away, and its share of that time."""
    seconds, stolen = facts.get("seconds"), facts.get("stolen")
    if isinstance(seconds, float) and isinstance(stolen, float) and stolen > DISTURBED * seconds:
        yield before, stolen / seconds
    for name, part in facts.items():
        if isinstance(part, Mapping):
            yield from disturbed(part, f"{before}, {name}" if before else name)


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"
