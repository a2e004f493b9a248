"""The report as a file: whole in itself, the same each time, harmless whatever things are called."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from connector.report.page import render
from connector.report.texts import catalogues
from tests.report import data

TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "p", "h1", "bdi", "span", "nav", "a", "main", "section",
    "h2", "h3", "ul", "li", "div", "figure", "figcaption", "svg", "desc", "g", "path", "text", "table", "caption",
    "thead", "tbody", "tr", "th", "td", "details", "summary", "footer",
}  # fmt: skip


class Reader(HTMLParser):
    """Tags with their attributes, and all text outside of styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] != "style":
            self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_nothing_is_loaded_and_nothing_runs(pages, language):
    page = pages[language]
    for wrong in (
        "http:",
        "https:",
        "//",
        "url(",
        "@import",
        "javascript:",
        "<script",
        "<img",
        "<iframe",
        "<link",
        "expression(",
    ):
        assert wrong not in page.lower(), wrong
    found = Reader(page)
    assert {tag for tag, _ in found.tags} <= TAGS
    names = {name for _, attributes in found.tags for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in ("src", "srcset", "xlink:href", "action")]
    assert all(attributes["href"].startswith("#") for attributes in found.of("a"))
    policy = next(one["content"] for one in found.of("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_a_name_is_a_name_in_tables_and_plots(pages):
    page, words = pages["en"], Reader(pages["en"]).words
    plots = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    for name in ("<script>alert(1)</script>", "$\\frac{a}{b}$ & \"quoted\" 'twice'", "{{ 7 * 7 }} {this} %s w0",
                 "木の椅子 🪑"):  # fmt: skip
        assert name in words, name
    assert "&lt;script&gt;alert(1)" in plots
    assert "$\\frac{a}{b}$" in plots
    assert "木の椅子 🪑" in plots
    assert "bell and turned" in words  # what cannot be seen, or would turn its neighbours, is a blank
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\ufffe]", page)
    assert not re.search(r">w\d+<", page)  # every word has come back into its plot


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_plot_has_words_and_a_table_for_who_does_not_see_it(pages, language):
    found = Reader(pages[language])
    ids = [attributes["id"] for _, attributes in found.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    plots = found.of("svg")
    assert len(plots) >= 15
    for plot in plots:
        assert plot["role"] == "img"
        assert set(plot["aria-labelledby"].split()) <= set(ids)
    for block in re.findall(r'<section class="block".*?</section>', pages[language], re.DOTALL):
        assert block.count("<table") >= block.count("<svg"), block[:200]
    assert found.of("th")
    assert all(attributes.get("scope") in ("col", "row") for attributes in found.of("th"))


def test_the_numbers_stand_there_as_the_language_writes_them(pages):
    words = Reader(pages["en"]).words
    for number in ("€3,703,703.67", "October 2026", "September 2026", "4.5 hours", "2.3 days", "1,200", "+50%"):
        assert any(number in word for word in words), number
    assert 'dir="rtl"' in pages["ar"]
    assert 'lang="ar"' in pages["ar"]
    german = Reader(render(data.empty(), "de").decode()).words
    assert any("Oktober 2026" in word for word in german)


def test_the_same_data_give_the_same_bytes_in_every_process(pages):
    code = (
        "import sys; from connector.report.page import render; from tests.report import data;"
        "sys.stdout.buffer.write(render(data.report(), 'en'))"
    )
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=root, env={"PYTHONHASHSEED": "7"},
                          capture_output=True, check=False)  # fmt: skip
    assert told.stderr == b""
    assert told.stdout.decode() == pages["en"]


@pytest.mark.parametrize("language", list(catalogues()))
def test_a_shop_without_anything_has_a_report(language):
    page = render(data.empty(), language).decode()
    assert "<svg" not in page
    texts = catalogues()[language]
    assert texts["waiting.nobody"] in page.replace("&#39;", "'")
    assert texts["empty"] in page.replace("&#39;", "'")
    assert "{" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def test_a_period_without_data_beside_one_with_some():
    full, none = data.report(), data.empty()
    mixed = replace(none, customers=replace(full.customers, before=none.customers.before))
    page = render(mixed, "fr").decode()
    assert "octobre 2026" in page.lower()
    assert "–" in page


def test_a_year_is_drawn_by_month_and_a_week_has_its_number():
    page = render(replace(data.empty("2026"), customers=data.report("2026").customers), "en").decode()
    assert "Dec 2026" in page
    assert "Dec 5, 2026" not in page
    assert "Week 40 of 2026" in render(data.empty("2026-W40"), "en").decode()


def test_every_language_has_every_text_with_the_same_places():
    every = catalogues()
    assert set(every) >= {"en", "fr", "it", "es", "de", "ar"}
    for language, texts in every.items():
        assert texts.keys() == every["en"].keys(), language
        for key, text in texts.items():
            places = sorted(re.findall(r"\{\w+\}", text))
            assert places == sorted(re.findall(r"\{\w+\}", every["en"][key])), (language, key)
            assert text.strip() == text != "", (language, key)


def test_no_text_is_there_for_nothing():
    folder = Path(sys.modules["connector.report"].__path__[0])
    sources = "".join(path.read_text() for path in [*folder.glob("*.py"), *folder.glob("templates/*")])
    made = ("status.", "automatic.", "times.first_answer.", "times.closing.", "mail.")
    unused = [key for key in catalogues()["en"] if f'"{key}"' not in sources and f"'{key}'" not in sources]
    assert [key for key in unused if not key.startswith(made)] == []
