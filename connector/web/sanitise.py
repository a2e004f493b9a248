"""A customer's HTML as it may be shown: no script, no style, no form, nothing that is fetched.

It is shown in a sandboxed frame under a policy of its own besides; each of the two would do alone.
"""

from __future__ import annotations

import re

from connector.errors import SettingsError

try:
    import nh3
except ModuleNotFoundError as error:
    raise SettingsError("web.library_missing", library=error.name or "nh3") from error

TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "center", "cite", "code", "dd", "del", "div", "dl", "dt", "em",
    "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "kbd", "li", "ol", "p", "pre", "q", "s", "samp", "small",
    "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "*": {"dir", "lang"},
    "a": {"href"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
LONGEST = 1_000_000
"""Characters that are looked at; a longer page is cut."""
MOST_TAGS = 10_000
"""Likewise: what lies deep inside takes time by the square of its depth."""
_REPEATED = re.compile(r"<(b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)[\s/]", re.IGNORECASE)


def clean(source: str) -> str:
    """Links lead out of the frame only by the reader's hand (noopener, noreferrer); pictures are left out."""
    return nh3.clean(
        _bounded(source[:LONGEST]),
        tags=TAGS,
        clean_content_tags={"script", "style", "title", "textarea", "noscript", "template", "svg", "math"},
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


def _bounded(source: str) -> str:
    """A parser opens what is not closed (`<b>`, `<font>`) again in every paragraph, three alike at most: 50 kB of ever
    different ones would become gigabytes. Without attributes they are alike."""
    kept, end = [], 0
    for found in _REPEATED.finditer(source):
        if found.start() < end:
            continue
        kept.append(f"{source[end : found.start()]}<{found[1]}>")
        end = source.find(">", found.end() - 1) + 1
        if not end:  # it never ends
            kept[-1] = kept[-1][: -len(found[1]) - 2]
            end = len(source)
            break
    pieces = "".join((*kept, source[end:])).split("<", MOST_TAGS + 1)
    return "<".join(pieces[: MOST_TAGS + 1])
