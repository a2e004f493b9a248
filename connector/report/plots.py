"""Plots as SVG that stands inside a page: its colours are the page's, its words are text, and the same figures give
the same bytes.

Matplotlib lays out and draws. It never sees a word: each is drawn as a mark and put in afterwards, so that no name is
read as mathematics, none needs a glyph of matplotlib's own font, and every one is escaped by the XML writer. Colours
are marks, too, for which the page's variables (`--c1`) come in.
"""

from __future__ import annotations

import io
import logging
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as Xml

from connector.errors import SettingsError
from connector.report.texts import plain

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of its cache folder, which is nobody's concern here
try:
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import MaxNLocator
except ModuleNotFoundError as error:
    raise SettingsError("report.library_missing", library=error.name or "matplotlib") from error

COLOURS = ("c1", "c2", "c3", "c4", "c5")
LEVELS = 6
"""Shades of a heat map, 0 for nothing."""
WIDTH = 6.0  # inches of 72 units each
_LABEL = 28  # characters beside a bar
_MARK = re.compile(r"[a-z][a-z0-9]*")
_NAMES = (*COLOURS, "text", "line", "card", *(f"h{level}" for level in range(LEVELS)), "on-heat")
_HEX = {name: f"#fe{number:02x}01" for number, name in enumerate(_NAMES)}
_VARIABLE = {code: f"var(--{name})" for name, code in _HEX.items()}
_STYLE: Any = {  # the types of matplotlib 3.11 list every name
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "text.parse_math": False,
    "text.color": _HEX["text"],
    "axes.labelcolor": _HEX["text"],
    "axes.edgecolor": _HEX["line"],
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "figure.facecolor": "none",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.0,
    "grid.color": _HEX["line"],
    "grid.linewidth": 0.6,
    "xtick.color": _HEX["text"],
    "ytick.color": _HEX["text"],
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """What stands inside <svg>, as XML, and the viewBox that it needs."""

    inside: str
    view_box: str


@dataclass(slots=True)
class Plots:
    """Draws for one page. mirrored: for writing from right to left; what begins on the left does so on the right."""

    mirrored: bool
    _words: list[str] = field(default_factory=list)

    def bars(
        self,
        names: Sequence[str],
        series: Sequence[Sequence[float]],
        written: Sequence[Sequence[str]],
        *,
        stacked: bool = False,
    ) -> Drawing:
        """A row a name, the first on top; in it a bar a series, side by side or end to end. written: what stands at the
        end of each bar, a list a series; stacked: one list, for the whole bars."""
        count = 1 if stacked else len(series)
        high = 0.8 / count
        with self._figure(0.22 + len(names) * (0.3 if count == 1 else 0.2 * count + 0.12)) as (figure, axes, done):
            figure.subplots_adjust(left=0.02 if self.mirrored else 0.36, right=0.64 if self.mirrored else 0.98,
                                   top=1, bottom=0.0)  # fmt: skip
            ends = [0.0] * len(names)
            for number, values in enumerate(series):
                places = [row if stacked else row - 0.4 + high * (number + 0.5) for row in range(len(names))]
                starts = list(ends) if stacked else None
                axes.barh(places, values, high * 0.94, left=starts, color=_HEX[COLOURS[number]], clip_on=False)
                ends = [end + value for end, value in zip(ends, values, strict=True)] if stacked else ends
                if not stacked:
                    self._ends(axes, places, values, written[number])
            if stacked:
                self._ends(axes, list(range(len(names))), ends, written[0])
            most = max([*ends, *(value for values in series for value in values)], default=0) or 1
            axes.set_xlim(0, most * 1.22)
            axes.set_ylim(len(names) - 0.5, -0.5)
            axes.set_yticks(range(len(names)), [self._mark(name, _LABEL) for name in names])
            axes.set_xticks([])
            self._plain_axes(axes)
            if self.mirrored:
                axes.invert_xaxis()
                axes.yaxis.tick_right()
            axes.tick_params(left=False, right=False, pad=6)
        return self._svg(done)

    def _ends(self, axes: Axes, places: Sequence[float], values: Sequence[float], written: Sequence[str]) -> None:
        for place, value, words in zip(places, values, written, strict=True):
            axes.annotate(
                self._mark(words), (value, place), (-4 if self.mirrored else 4, 0), "data", "offset points",
                ha="right" if self.mirrored else "left", va="center", fontsize=9, annotation_clip=False,
            )  # fmt: skip

    def course(
        self,
        names: Sequence[str],
        this: Sequence[float],
        before: Sequence[float],
        written: Callable[[float], str],
        every: int = 1,
    ) -> Drawing:
        """A column a name, from the first day to the last; the series before as a line of steps. every: which names are
        written."""
        with self._figure(2.6) as (figure, axes, done):
            figure.subplots_adjust(left=0.03 if self.mirrored else 0.11, right=0.89 if self.mirrored else 0.97,
                                   top=0.96, bottom=0.11)  # fmt: skip
            places = range(len(names))
            axes.bar(places, this, 0.78, color=_HEX["c1"], clip_on=False)
            if any(before):
                edges = [place - 0.5 for place in range(len(before) + 1)]
                axes.stairs(before, edges, color=_HEX["c2"], linewidth=2, baseline=None, clip_on=False)
            width = max(len(names), len(before) if any(before) else 0)
            axes.set_xlim(-0.6, width - 0.4)
            axes.set_ylim(0, max([*this, *before, 0]) * 1.05 or 1)
            shown = list(places)[::every]
            axes.set_xticks(shown, [self._mark(names[place], 12) for place in shown])
            steps = [step for step in MaxNLocator(5, integer=True).tick_values(*axes.get_ylim())
                     if 0 <= step <= axes.get_ylim()[1]]  # fmt: skip
            axes.set_yticks(steps, [self._mark(written(step)) for step in steps])
            axes.grid(visible=True, axis="y", clip_on=False)
            self._plain_axes(axes)
            if self.mirrored:
                axes.invert_xaxis()
                axes.yaxis.tick_right()
            axes.tick_params(left=False, right=False, bottom=False, pad=5, labelsize=9)
        return self._svg(done)

    def heat(self, rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[int]]) -> Drawing:
        """A field a number, the darker the more; its number stands in it."""
        most = max(LEVELS - 1, *(value for row in values for value in row))
        with self._figure(2.35) as (figure, axes, done):
            figure.subplots_adjust(left=0.01 if self.mirrored else 0.09, right=0.91 if self.mirrored else 0.99,
                                   top=0.99, bottom=0.1)  # fmt: skip
            axes.set_xlim(-0.5, len(columns) - 0.5)
            axes.set_ylim(len(rows) - 0.5, -0.5)
            for line, row in enumerate(values):
                for column, value in enumerate(row):
                    level = 0 if not value else min(LEVELS - 1, 1 + (value * (LEVELS - 1) - 1) // most)
                    axes.add_artist(
                        Rectangle((column - 0.46, line - 0.45), 0.92, 0.9, color=_HEX[f"h{level}"], linewidth=0,
                                  clip_on=False)
                    )  # fmt: skip
                    if value:
                        tone = "on-heat" if level > LEVELS // 2 else "text"
                        axes.text(column, line, self._mark(str(value) if value < 1000 else "…"), ha="center",
                                  va="center", fontsize=8, color=_HEX[tone])  # fmt: skip
            axes.set_xticks(range(0, len(columns), 2), [self._mark(name) for name in columns[::2]])
            axes.set_yticks(range(len(rows)), [self._mark(name, 9) for name in rows])
            self._plain_axes(axes)
            if self.mirrored:
                axes.invert_xaxis()
                axes.yaxis.tick_right()
            axes.tick_params(left=False, right=False, bottom=False, pad=4, labelsize=9)
        return self._svg(done)

    # --- what all of them share ---------------------------------------------------------------------------------------

    @staticmethod
    def _plain_axes(axes: Axes) -> None:
        for spine in axes.spines.values():
            spine.set_visible(False)

    def _mark(self, words: str, longest: int = 40) -> str:
        """What matplotlib draws for these words. As wide as they are, more or less: it may lay out by that."""
        words = plain(words, longest)
        if any(unicodedata.bidirectional(char) in ("R", "AL") for char in words):
            words = f"\u2068{words}\u2069"  # its own direction, which a drawing has none of
        self._words.append(words)
        return f"w{len(self._words) - 1}"

    @contextmanager
    def _figure(self, height: float) -> Iterator[tuple[Figure, Axes, io.BytesIO]]:
        """Inches high. What was drawn inside is in the buffer afterwards."""
        self._words.clear()
        done = io.BytesIO()
        with mpl.rc_context({**mpl.rcParamsDefault, **_STYLE, "backend": mpl.rcParams["backend"]}):
            figure = Figure(figsize=(WIDTH, height))
            yield figure, figure.add_subplot(), done
            figure.savefig(done, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})

    def _svg(self, done: io.BytesIO) -> Drawing:
        """The drawing alone: no declaration, no metadata, no ids, no style that would reach out to the page."""
        root = Xml.fromstring(done.getvalue())  # noqa: S314 - matplotlib wrote it, and no word of a stranger is in it
        for parent in root.iter():
            for child in list(parent):
                if _local(child.tag) in ("metadata", "defs", "style") or child.get("style") == "fill: none":
                    parent.remove(child)
        for element in root.iter():
            element.tag = _local(element.tag)
            element.attrib.pop("id", None)
            if element.get("transform", "").startswith("rotate(-0 "):
                del element.attrib["transform"]
            style = element.attrib.pop("style", "")
            if kept := _kept(style):
                element.set("style", kept)
            if element.tag == "text" and element.text and _MARK.fullmatch(element.text):
                element.text = self._words[int(element.text[1:])]
            if not element.text or element.tag != "text":
                element.text = None
            element.tail = None
        _unwrap(root)
        inside = "".join(Xml.tostring(child, encoding="unicode") for child in root)
        return Drawing(inside, root.attrib["viewBox"])


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _kept(style: str) -> str:
    """A style of matplotlib's in the page's colours and the page's font."""
    parts = []
    for part in style.split(";"):
        name, _, value = (piece.strip() for piece in part.partition(":"))
        if name == "font":
            name, value = "font-size", value.split()[0]
        if value and name != "font-family":
            parts.append(f"{name}:{_VARIABLE.get(value.lower(), value)}")
    return ";".join(parts)


def _unwrap(root: Xml.Element) -> None:
    """Groups that say nothing go, what is in them stays."""
    for parent in list(root.iter()):
        children: list[Xml.Element] = []
        waiting = list(parent)
        while waiting:
            child = waiting.pop(0)
            if child.tag == "g" and not child.attrib:
                waiting[:0] = list(child)
            else:
                children.append(child)
        parent[:] = children
