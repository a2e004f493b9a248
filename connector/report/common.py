"""What both parts of a report do alike: number, number before, change; names side by side in two periods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from connector.core.figures import Band
from connector.report.plots import COLOURS, Plots
from connector.report.shapes import Block, Figure, Table, Tile
from connector.report.texts import Texts, plain

MOST_BARS = 12
"""Rows of a plot; the table has all of them."""
_DAY = 86_400
T = TypeVar("T")
N = TypeVar("N", int, float, Decimal)


class Drafts:
    """Makes tiles and blocks in one language. currency: ISO code, or ""."""

    def __init__(self, texts: Texts, plots: Plots, this: str, before: str, currency: str = "") -> None:
        self.texts = texts
        self.plots = plots
        self.this = this
        self.before = before
        self._currency = currency

    def money(self, amount: Decimal | float | None) -> str:
        return self.texts.money(None if amount is None else Decimal(amount), self._currency)

    def tile(
        self,
        key: str,
        this: N | None,
        before: N | None,
        written: Callable[[N | None], str],
    ) -> Tile:
        change = self.texts.change(this, before)
        return Tile(self.texts(key), written(this), written(before), change)

    def rows(
        self, lines: Iterable[tuple[str, Any, Any]], written: Callable[[Any], str]
    ) -> list[tuple[str, str, str, str]]:
        """Name, value, value before, change."""
        return [(name, written(this), written(before), self.texts.change(this, before)) for name, this, before in lines]

    @property
    def beside(self) -> tuple[str, str, str]:
        """Headings of the three columns of `rows`."""
        return self.this, self.before, self.texts("change")

    @property
    def legend(self) -> list[tuple[str, str]]:
        return [(COLOURS[0], self.this), (COLOURS[1], self.before)]

    def compared(
        self,
        key: str,
        lines: Sequence[tuple[str, Any, Any]],
        written: Callable[[Any], str],
        *,
        heading: str,
        note: str = "",
        more: Sequence[Table] = (),
    ) -> Block:
        """Bars of now and before, with a table under them. heading: key of what the rows are."""
        texts, title = self.texts, self.texts(key)
        if not any(this or before for _, this, before in lines):
            return self.nothing(key)
        figure = self.side_by_side(title, lines[:MOST_BARS], written)
        table = Table((texts(heading), *self.beside), self.rows(lines, written))
        return Block(key.replace(".", "-"), title, note, [figure], [table, *more], folded=len(lines) > MOST_BARS)

    def side_by_side(self, title: str, lines: Sequence[tuple[str, Any, Any]], written: Callable[[Any], str]) -> Figure:
        """A plot of names with two bars each: now and before."""
        columns = [[this for _, this, _ in lines], [before for _, _, before in lines]]
        drawing = self.plots.bars(
            [name for name, _, _ in lines],
            [[float(value or 0) for value in column] for column in columns],
            [[written(value) for value in column] for column in columns],
        )
        described = self.texts("plot.compared", this=self.this, before=self.before)
        return Figure(drawing, title, described, self.legend)

    def alone(self, title: str, lines: Sequence[tuple[str, int]]) -> Figure:
        """A plot of names with one bar each."""
        values = [value for _, value in lines]
        drawing = self.plots.bars([name for name, _ in lines], [values], [[self.texts.number(one) for one in values]])
        return Figure(drawing, title, self.texts("plot.now"))

    def nothing(self, key: str) -> Block:
        return Block(key.replace(".", "-"), self.texts(key), empty=self.texts("empty"))

    # --- bands ---

    def age(self, band: Band) -> str:
        """`first` <= age < `last`, in hours or days."""
        return self._band(band.first, band.last, lambda value: self._span(value))

    def counted(self, band: Band) -> str:
        """`first` <= number <= `last`."""
        texts = self.texts
        if band.first is not None and band.first == band.last:
            return texts.number(band.first)
        return self._band(band.first, band.last, texts.number, closed=True)

    def _band(self, first: int | None, last: int | None, written: Callable[[int], str], *, closed: bool = False) -> str:
        texts = self.texts
        if last is None:
            if not closed:
                return texts("band.from", first=written(first or 0))
            return texts("band.over", first=written((first or 1) - 1))
        if not first:
            if closed and last == 1:
                return texts.number(1)
            return texts("band.upto" if closed else "band.under", last=written(last))
        return texts("band.between", first=written(first), last=written(last))

    def _span(self, seconds: int) -> str:
        unit = "day" if seconds >= _DAY else "hour"
        return self.texts.unit(seconds / (_DAY if unit == "day" else 3600), unit)

    def named(self, name: str, number: int | None = None) -> str:
        """A name; where the mirror has none, the number that the shop gave; else that there is none."""
        return plain(name) or (f"#{number}" if number else self.texts("nameless"))


def paired(this: Iterable[T], before: Iterable[T], key: Callable[[T], object]) -> list[tuple[T | None, T | None]]:
    """The same things of two periods side by side, in the order of this one, then what was only before."""
    earlier = {key(one): one for one in before}
    both: list[tuple[T | None, T | None]] = [(one, earlier.pop(key(one), None)) for one in this]
    return [*both, *((None, one) for one in earlier.values())]
