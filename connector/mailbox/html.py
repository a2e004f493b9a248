"""HTML of a stranger to the text a person reads: paragraphs, lists, links, table cells, quotes as `> `.

Works on the tokens of `html_tokens`, in one pass and without recursion. Nothing is sanitised: the result is plain text.
"""

from __future__ import annotations

import re
from collections import Counter

from connector.mailbox import charset
from connector.mailbox.html_tokens import attributes_of, tokens, unescape

MAX_QUOTE_DEPTH = 20  # deeper quotes keep this many marks, else the marks alone would grow quadratically
MAX_LIST_DEPTH = 10
MAX_URL = 2_000

_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_HIDING = ("display:none", "visibility:hidden", "mso-hide:all", "font-size:0;", "font-size:0px", "max-height:0")
_PIXEL = (";width:1px;", ";height:1px;", ";width:0;", ";height:0;", ";width:0px;", ";height:0px;", "opacity:0;")
_BLOCKS = frozenset(
    (
        "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div", "dl", "dt",
        "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
        "html", "legend", "li", "main", "menu", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody",
        "tfoot", "thead", "tr", "ul", "caption", "option", "select",
    )
)  # fmt: skip
_PARAGRAPHS = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "dl", "blockquote", "pre"])
_VOID = frozenset(
    (
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
        "wbr",
    )
)  # fmt: skip
_LINK_SCHEMES = ("http://", "https://", "mailto:", "tel:", "ftp://")


def to_text(source: str) -> str:
    """The readable text. Never '' when the source held text: then hidden parts are shown, then bare text."""
    text = _render(source, show_hidden=False)
    return text or _render(source, show_hidden=True) or _bare(source)


def _render(source: str, show_hidden: bool) -> str:
    page = _Page(show_hidden)
    for kind, value in tokens(source):
        if kind == "text":
            page.text(unescape(value))
        elif kind == "end":
            page.end(value)
        else:
            page.start(kind, value)
    return page.finish()


def _bare(source: str) -> str:
    """Everything outside of `<...>`, and what stands behind a `<` that never closes."""
    first, *rest = source.split("<")
    pieces = [first, *(piece.partition(">")[2] or ("" if ">" in piece else piece) for piece in rest)]
    return _SPACE.sub(" ", charset.scrub(unescape(" ".join(pieces)))).strip()


# --- layout -------------------------------------------------------------------------------------------------------


class _Page:
    """Lines in the making. A stack of open tags tells quote depth, lists, and what is hidden."""

    def __init__(self, show_hidden: bool) -> None:
        self.show_hidden = show_hidden
        self.lines: list[str] = []
        self.line: list[str] = []
        self.blank = -1  # >= 0: an empty line is due before the next text, within that many quotes
        self.gap = False  # a space is due before the next word
        self.stack: list[tuple[str, bool]] = []  # tag, does it hide
        self.open: Counter[str] = Counter()
        self.hidden = 0
        self.quotes = 0
        self.pre = 0
        self.lists: list[int] = []  # 0 for bullets, else the next number
        self.marker = ""
        self.link: tuple[str, int, int] | None = None  # url, line number and piece where its text starts
        self.cell = False

    def text(self, text: str) -> None:
        if self.hidden:
            return
        if self.pre:
            for number, piece in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")):
                if number:
                    self._break()
                self._put(piece)
            return
        words = _SPACE.sub(" ", text)
        if words.startswith(" "):
            self.gap = True
        core = words.strip(" ")
        if core:
            self._put(core)
            self.gap = words.endswith(" ")

    def _put(self, text: str) -> None:
        if not text:
            return
        if not self.line:
            if self.blank >= 0 and self.lines and self.lines[-1].strip("> "):
                self.lines.append(self._prefix(self.blank).rstrip())
            self.blank = -1
            self.line.append(self._prefix() + self._indent())
            self.gap = False
        if self.cell and len(self.line) > 1:
            self.line.append(" | ")
            self.gap = False
        self.cell = False
        if self.gap and not self.pre:
            self.line.append(" ")
        self.gap = False
        self.line.append(text)

    def _prefix(self, at_most: int = MAX_QUOTE_DEPTH) -> str:
        return "> " * min(self.quotes, at_most)

    def _paragraph(self) -> None:
        self.blank = min(self.quotes, MAX_QUOTE_DEPTH, self.blank if self.blank >= 0 else self.quotes)

    def _indent(self) -> str:
        marker, self.marker = self.marker, ""
        depth = min(len(self.lists), MAX_LIST_DEPTH)
        return "  " * (depth - 1 if marker else depth) + marker if depth else marker

    def _break(self) -> None:
        if self.line:
            self.lines.append("".join(self.line).rstrip())
            self.line = []
        elif self.pre or not self.lines:
            self.lines.append(self._prefix().rstrip())
        self.gap = False

    def _end_line(self) -> None:
        if self.line:
            self._break()
        self.cell = False

    def start(self, tag: str, inside: str) -> None:
        attributes = attributes_of(inside) if inside.strip() else {}
        hides = not self.show_hidden and _hides(attributes)
        if tag == "br":
            if not self.hidden:
                self._newline()
            return
        if tag == "img":
            if not (self.hidden or hides):
                self._image(attributes)
            return
        if tag in _BLOCKS:
            self._end_line()
            if tag in _PARAGRAPHS:
                self._paragraph()
        if tag in _VOID:
            if tag == "hr" and not self.hidden:
                self._put("-" * 20)
                self._end_line()
            return
        if tag in ("li", "p", "td", "th", "tr", "option") and self.stack and self.stack[-1][0] == tag:
            self.end(tag)  # these close their like without an end tag
        self.stack.append((tag, hides))
        self.open[tag] += 1
        self.hidden += hides
        self._enter(tag, attributes)

    def _enter(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "blockquote":
            self.quotes += 1
        elif tag == "pre":
            self.pre += 1
        elif tag in ("ul", "ol"):
            self.lists.append(1 if tag == "ol" else 0)
        elif tag == "li":
            if self.lists and self.lists[-1]:
                self.marker = f"{self.lists[-1]}. "
                self.lists[-1] += 1
            else:
                self.marker = "- "
        elif tag in ("td", "th"):
            self.cell = True
        elif tag == "a":
            self.link = (attributes.get("href", "").strip(), len(self.lines), len(self.line))

    def _newline(self) -> None:
        if self.line:
            self._break()
        else:
            self._paragraph()

    def end(self, tag: str) -> None:
        if tag == "br":  # `</br>` and `</p>` without a start do break (HTML 13.2.6.4.7)
            self._newline()
            return
        if tag == "p" and not self.open["p"]:
            self._end_line()
            self._paragraph()
            return
        if not self.open[tag]:
            return
        while self.stack:
            name, hides = self.stack.pop()
            self.open[name] -= 1
            self._leave(name)
            self.hidden -= hides
            if name == tag:
                return

    def _leave(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._end_line()
            if tag in _PARAGRAPHS:
                self._paragraph()
        if tag == "blockquote":
            self.quotes -= 1
        elif tag == "pre":
            self.pre -= 1
        elif tag in ("ul", "ol"):
            self.lists.pop()
        elif tag == "li":
            self.marker = ""
        elif tag in ("td", "th"):
            self.cell = True
        elif tag == "a" and self.link is not None:
            self._close_link()

    def _close_link(self) -> None:
        url, line, piece = self.link or ("", 0, 0)
        self.link = None
        if self.hidden or not url.lower().startswith(_LINK_SCHEMES) or len(url) > MAX_URL:
            return
        shown = "".join(self.line[piece:]) if line == len(self.lines) else " "
        if shown and not _same(shown.strip(), url) and self.line:
            self.line.append(f" <{_SPACE.sub('', url)}>")

    def _image(self, attributes: dict[str, str]) -> None:
        if _is_pixel(attributes):
            return
        alt = _SPACE.sub(" ", attributes.get("alt", "")).strip()
        if alt:
            self._put(alt if len(alt) <= 3 and not alt.isascii() else f"[{alt}]")

    def finish(self) -> str:
        self._end_line()
        return charset.scrub("\n".join(self.lines)).replace("\xad", "").strip("\n")


def _hides(attributes: dict[str, str]) -> bool:
    if "hidden" in attributes:
        return True
    style = "".join(attributes.get("style", "").lower().split()) + ";"
    return any(mark in style for mark in _HIDING) and "font-size:0." not in style


def _is_pixel(attributes: dict[str, str]) -> bool:
    """An image that nobody can see, put there to tell its owner that the mail was opened."""
    sizes = [attributes.get(name, "").strip().lower().removesuffix("px") for name in ("width", "height")]
    style = ";" + "".join(attributes.get("style", "").lower().split()) + ";"
    return any(size in ("0", "1") for size in sizes) or any(mark in style for mark in _PIXEL)


def _same(shown: str, url: str) -> bool:
    def plain(text: str) -> str:
        low = text.lower().rstrip("/")
        for start in ("mailto:", "tel:", "https://", "http://", "www."):
            low = low.removeprefix(start)
        return low

    return plain(shown) == plain(url) or plain(shown) == plain(url).partition("?")[0]
