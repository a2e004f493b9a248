"""HTML to tokens, in linear time whatever the input.

A tokenizer of its own instead of html.parser, whose searches start again at every unclosed `<!--`, `</a` or quote
(quadratic in CPython 3.11). Here each search that found nothing is remembered, nothing recurses, and every loop moves
forward, so the time is linear in the input however it is built.
"""

from __future__ import annotations

import html
import re

MAX_TAG = 20_000  # characters of one tag that are read for attributes

_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9:-]{0,40})")
_TAG_STOP = re.compile(r"[>\"']")
_ATTRIBUTE = re.compile(r"([^\s=/>\"']+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]*)))?")
_RAW_END = {
    name: re.compile("</" + name, re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp", "noembed", "noframes", "iframe", "svg", "math")
}


def unescape(text: str) -> str:
    """Character references resolved; the text as it is when one is absurd."""
    if "&" not in text:
        return text
    try:
        return html.unescape(text)
    except ValueError:  # a reference of more digits than int() takes
        return text


def tokens(source: str) -> list[tuple[str, str]]:
    """('text', it), ('end', name) or (name, what stands in the tag). Comments and scripts are gone."""
    return _Scanner(source).run()


class _Scanner:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.found: list[tuple[str, str]] = []
        self._absent: set[str] = set()  # what was searched from an earlier place and does not occur any more

    def run(self) -> list[tuple[str, str]]:
        while self.at < len(self.source):
            opening = self._find("<", self.at)
            if opening < 0:
                self._text(self.source[self.at :])
                break
            if opening > self.at:
                self._text(self.source[self.at : opening])
            self.at = opening
            self._markup()
        return self.found

    def _text(self, text: str) -> None:
        self.found.append(("text", text))

    def _find(self, what: str, start: int) -> int:
        if what in self._absent:
            return -1
        position = self.source.find(what, start)
        if position < 0:
            self._absent.add(what)
        return position

    def _markup(self) -> None:
        """At a `<`: reads one construct and moves behind it, by at least one character."""
        source, start = self.source, self.at
        following = source[start + 1 : start + 4]
        if following.startswith(("!", "?")):
            self._declaration(comment=following == "!--")
            return
        name = _NAME.match(source, start + 1)
        if name is None:
            if following.startswith("/"):  # `</ ...>`: browsers take it for a comment
                self._declaration(comment=False)
                return
            self._text("<")
            self.at = start + 1
            return
        end = self._tag_end(name.end())
        if end < 0:  # never closed: a bare `<` that somebody typed
            self._text("<")
            self.at = start + 1
            return
        self.at = end + 1
        tag = name[1].lower()
        if following.startswith("/"):
            self.found.append(("end", tag))
            return
        self.found.append((tag, source[name.end() : min(end, name.end() + MAX_TAG)]))
        if tag in _RAW_END:
            self._skip_raw(tag)

    def _declaration(self, comment: bool) -> None:
        start = self.at
        if comment:
            # `<!-->` and `<!--->` are whole comments, so the end may overlap the opening dashes (HTML 13.2.5.43).
            end = self._find("-->", start + 2)
            if end >= 0:
                self.at = end + 3
                return
        end = self._find(">", start)
        if end < 0:
            self._text(self.source[start:])
            self.at = len(self.source)
        else:
            self.at = end + 1

    def _tag_end(self, position: int) -> int:
        """Where the tag's `>` stands; one inside a quoted value does not count. -1 if there is none."""
        source = self.source
        while True:
            if ">" in self._absent:
                return -1
            stop = _TAG_STOP.search(source, position)
            if stop is None:
                self._absent.add(">")
                return -1
            position = stop.end()
            if stop[0] == ">":
                return stop.start()
            before = source[max(0, stop.start() - 10) : stop.start()].rstrip()
            if before.endswith("="):
                closing = self._find(stop[0], position)
                if closing >= 0:
                    position = closing + 1

    def _skip_raw(self, tag: str) -> None:
        if tag in self._absent:
            return
        closing = _RAW_END[tag].search(self.source, self.at)
        if closing is None:  # never closed: what follows is shown rather than lost
            self._absent.add(tag)
            return
        if tag == "textarea":
            self._text(self.source[self.at : closing.start()])
        self.at = closing.start()


def attributes_of(inside: str) -> dict[str, str]:
    """What stands in a tag behind its name: name -> value, the first of a name counts."""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(inside):
        value = next((group for group in match.groups()[1:] if group is not None), "")
        found.setdefault(match[1].lower(), unescape(value))
    return found
