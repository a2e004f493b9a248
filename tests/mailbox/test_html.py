"""HTML to text: what a person reads stays, whatever the page is built like."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.mailbox.html import to_text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("a  \n b&nbsp;&amp;&#33; &lt;c&gt;", "a b &! <c>"),
        ("<b>bo</b>ld <i>it</i>", "bold it"),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>", "- a\n- b\n\n  - c"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
        ("<table><tr><th>A<th>B</tr><tr><td>1</td><td>2</td></tr></table>", "A | B\n1 | 2"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>\n> > b\n\nc"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ('<a href="https://x.test/a">here</a>', "here <https://x.test/a>"),
        ('<a href="https://x.test/">x.test</a>', "x.test"),
        ('<a href="mailto:a@b.test">a@b.test</a>', "a@b.test"),
        ('<a href="javascript:alert(1)">here</a>', "here"),
        ('<img src="p.gif" width="1" height="1" alt="spy"><img alt="Logo"> <img alt="😀">', "[Logo] 😀"),
        ('a<img src="p" alt="spy" style="height: 1px"><img src="q" alt="spy" width="1px">b', "ab"),
        ("<head><title>t</title><style>p{}</style></head><script>if (a<b) x()</script>hi<!-- no -->", "hi"),
        ("<SCRIPT>x</SCRIPT >hi<!--[if mso]>no<![endif]-->", "hi"),
        ('<div style="Display : None">pre</div><span hidden>x</span>seen', "seen"),
        ("1 < 2 and 3 > 1", "1 < 2 and 3 > 1"),
        ('<p title="a>b">text</p>', "text"),
        ("one<hr>two", "one\n" + "-" * 20 + "\ntwo"),
    ],
)
def test_markup_becomes_readable_text(source: str, text: str) -> None:
    assert to_text(source) == text


@pytest.mark.parametrize(
    "source",
    [
        '<div style="display:none">only this</div>',
        "<!-- only this",
        "<script>only this",
        '<a href="only this',
        "<a <b <c only this",
        "<div" * 3 + ">" * 3 + "only this",
        "<title>x</title><textarea>only this</textarea>",
        "</only this",
        '<p style="display:none"><b>only</b> <i>this</i>',
    ],
)
def test_text_is_never_lost(source: str) -> None:
    assert "only" in to_text(source)
    assert "this" in to_text(source)


tags = st.sampled_from(
    ["<p>", "</p>", "<div>", "</div>", "<li>", "<td>", "</td>", "<a href='x'>", "</a>", "<!--", "-->", "<br", ">", "<",
     "<script>", "</script>", "<blockquote>", "</blockquote>", "<pre>", "</pre>", "<b a=\"", "'", "&#x", "&", ";", "<!",
     "<?", "</", "<ul>", "</ul>", "<table>", "\x00", "\ud800", "<div hidden>"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(tags, st.text(max_size=10)), max_size=40).map("".join))
def test_any_page_gives_clean_text(source: str) -> None:
    text = to_text(source)
    text.encode()
    assert "\x00" not in text


@settings(max_examples=60, deadline=None)
@given(st.lists(tags.filter(lambda tag: "hidden" not in tag and tag not in ("<!--", "<!", "<?", "</")), max_size=20))
def test_a_word_after_any_whole_tags_is_kept(before: list[str]) -> None:
    # What is open may swallow the word as a comment, a script or a value would; so everything is closed first.
    assert "kept" in to_text("".join(before) + "'\">--></script>" + "kept")


HOSTILE: dict[str, Callable[[int], str]] = {
    "nested": lambda n: "<div>" * (n * 5) + "x",
    "attributes": lambda n: "<b " + "a=1 " * (n * 5) + ">x",
    "unclosed comments": lambda n: "<!--" * (n * 10),
    "one long comment": lambda n: "<!--" + "x" * (n * 100),
    "open tags": lambda n: "<a" * (n * 10),
    "open end tags": lambda n: "</a" * (n * 10),
    "open quotes": lambda n: "<a b='" * (n * 5),
    "quotes in tags": lambda n: '<a "' * (n * 5),
    "nested quotes": lambda n: "<blockquote>x" * (n * 2),
    "unclosed scripts": lambda n: "<script>" * (n * 5),
    "wrong end tags": lambda n: "<b></i>" * (n * 3),
    "breaks": lambda n: "<br>" * (n * 5),
    "marked sections": lambda n: "<![CDATA[" * (n * 5),
    "digits": lambda n: "&#" + "9" * (n * 20),
    "lists": lambda n: "<ul><li>a" * (n * 2),
    "links": lambda n: "<a href='x'>" * n + "y" + "</a>" * n,
    "cells": lambda n: "<table>" + "<tr><td>a<td>b" * n,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_eight_times_the_page_takes_about_eight_times_as_long(name: str) -> None:
    def seconds(size: int) -> float:
        source = HOSTILE[name](size)
        started = time.process_time()
        to_text(source)
        return time.process_time() - started

    small = min(seconds(300) for _ in range(3))
    large = min(seconds(2_400) for _ in range(2))
    assert large < 8 * 3.5 * small + 0.05  # a quadratic reader takes 64 times as long


def test_a_page_that_stops_other_readers_is_read() -> None:
    assert to_text("<div>" * 50_000 + "deep") == "deep"
    assert to_text("<p " + "a=b " * 50_000 + ">wide</p>") == "wide"
    assert to_text("<blockquote>" * 3_000 + "quoted").endswith("quoted")
