"""The report in a real browser: light, dark, from right to left, on a phone and on paper."""

from __future__ import annotations

import pytest

from tests.support import chromium

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
COLOURS = (
    "[getComputedStyle(document.body).backgroundColor,"
    " getComputedStyle(document.querySelector('svg text')).fill,"
    " getComputedStyle(document.querySelector('svg path')).fill]"
)


@pytest.fixture(scope="module")
def browser():
    with chromium.browser() as started:
        yield started


@pytest.fixture(scope="module")
def files(tmp_path_factory, pages):
    folder = tmp_path_factory.mktemp("report")
    for language, page in pages.items():
        (folder / f"{language}.html").write_text(page, encoding="utf-8")
    return folder


def test_it_is_readable_everywhere_and_asks_the_network_for_nothing(browser, files):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    told: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: told.append(message.text))
    page.on("dialog", lambda dialog: told.append(dialog.message))
    for language in ("en", "ar"):
        page.goto(f"file://{files}/{language}.html")
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(WIDER) == 0, (language, width)
    assert asked == [f"file://{files}/{language}.html" for language in ("en", "ar")]
    assert told == []
    # Mirrored: the names beside the bars stand on the right of them.
    middle = "(() => { const plot = document.querySelector('.plot svg').getBoundingClientRect();"
    middle += " const word = document.querySelector('.plot svg text').getBoundingClientRect();"
    assert page.evaluate(f"{middle} return word.left > plot.left + plot.width / 2 }})()")

    page.goto(f"file://{files}/en.html")
    light = page.evaluate(COLOURS)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(COLOURS)
    assert all(one != other for one, other in zip(light, dark, strict=True))
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(COLOURS)[1:] == light[1:]  # nobody prints white on white
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()
