"""What a report is made of, before it is a page: parts of tiles and blocks. Everything in it is plain text, which the
page escapes, but for the drawings, whose writer has done so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connector.core.figures import CustomerFigures, ServiceFigures
from connector.report.plots import Drawing


@dataclass(frozen=True, slots=True)
class Report:
    """The data of a report. title: the shop's name as customers know it. days: how many days of the period have begun;
    fewer than it has while it still runs."""

    title: str
    service: ServiceFigures
    customers: CustomerFigures
    days: int


@dataclass(frozen=True, slots=True)
class Tile:
    """One number. before: the same in the period before; "" for a number of now. change: "+12 %", or "". note: what
    else is to be said."""

    label: str
    value: str
    before: str = ""
    change: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """columns: the first heads the names of the rows, which are the first cell of each."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot. title, description: for who does not see it. legend: colour -> what it means."""

    drawing: Drawing
    title: str
    description: str
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """figures: drawn one under the other. folded: the table is long, it opens when asked. empty: said instead of
    both where there is nothing."""

    id: str
    title: str
    note: str = ""
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    folded: bool = False
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    id: str
    title: str
    tiles: Sequence[Tile]
    blocks: Sequence[Block] = field(default_factory=list)
