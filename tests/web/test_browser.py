"""The page in a real browser: what a person does in a day, with and without JavaScript.

Pictures of every page go to the folder that WEB_PICTURES names, for people to look at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector import config
from connector.core.model import MailState
from connector.ops.logs import EventLog
from connector.web.users import Users
from connector.wiring import App
from connector.wiring.web import Page, users_file
from tests.support.chromium import browser as real_browser
from tests.support.world import World
from tests.web.conftest import CHEAP, PASSWORD

WAIT = 60_000
SIGNED_IN: list[Any] = []


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A shop of its own: people look at its pictures."""
    with World(tmp_path_factory.mktemp("browser") / "state") as here:
        here.begin()
        yield here


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with real_browser() as started:
        yield started


@pytest.fixture(scope="module")
def address(world: World, browser: Any) -> Iterator[str]:
    """The page as the command `web` serves it, which pushes what is wished there."""
    Users(users_file(config.load(world.config)), CHEAP).put("alice", "admin", PASSWORD, {})
    app = App(config.load(world.config), EventLog(strict=True), clock=world.clock)
    page = Page(app.events, pushing=True)
    page.adopt(app, "127.0.0.1:0")
    yield f"http://127.0.0.1:{page.port}"
    page.close()
    app.close()


class Person:
    """One browser window. problems: what the browser complained about, e.g. the policy."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.context = browser.new_context(base_url=address, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(WAIT)
        self.problems: list[str] = []
        self.page.on("console", lambda said: said.type == "error" and self.problems.append(said.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("dialog", lambda dialog: self.problems.append(f"dialog: {dialog.message}"))

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *exc: object) -> None:
        self.context.close()

    def sign_in(self) -> None:
        """Once for all windows; the others bring the cookie."""
        if SIGNED_IN:
            self.context.add_cookies(SIGNED_IN)
            self.page.goto("/threads")
            return
        self.page.goto("/threads")
        self.page.get_by_label("Name").fill("alice")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_role("heading", name="Threads").wait_for()
        self.page.wait_for_load_state()  # the keys work from then on
        SIGNED_IN.extend(self.context.cookies())

    def picture(self, name: str) -> None:
        if folder := os.environ.get("WEB_PICTURES"):
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


@pytest.fixture(scope="module")
def talk(world: World) -> dict[str, object]:
    """A customer with orders who asks for a shelf, and writes in Arabic, too."""
    thread = next(row for row in world.shop.rows("customer_threads", status="open") if row["id_customer"])
    world.shop.contact_form(
        int(thread["id"]), "Where is my kallax shelf?\n\nأين طلبي؟ أنا أنتظر منذ أسبوع.\n\nThank you!"
    )
    world.shop.update_row("customer_threads", thread["id"], status="open")
    world.deliver(world.people.spoofed(88_000, "z" * 12, "second@customer.test", wrong_token=True))
    world.sync()
    return thread


def test_a_day_at_the_page(browser, address, world, talk):
    """Sign in, find a thread, answer it, see it confirmed in the shop, close it, resolve a quarantine."""
    with Person(browser, address, color_scheme="light", viewport={"width": 1280, "height": 900}) as alice:
        page = alice.page
        alice.sign_in()
        page.keyboard.press("/")
        page.keyboard.type("KALLAX where")
        page.keyboard.press("Enter")
        page.wait_for_url("**q=KALLAX*")
        alice.picture("light-threads")
        assert page.locator("ul.threads a").count() == 1
        page.locator("ul.threads a").first.focus()
        page.keyboard.press("Enter")
        page.get_by_label("Your text").wait_for()
        page.wait_for_load_state()
        assert "Valid orders" in page.locator("aside").inner_text()
        page.keyboard.press("r")
        page.keyboard.type("Dear customer, it is on its way.")
        alice.picture("light-thread")
        page.get_by_role("button", name="Send").click()
        page.locator("#changes .badge.confirmed").nth(2).wait_for()
        page.locator(".message.employee", has_text="it is on its way").wait_for()
        alice.picture("light-confirmed")
        (stored,) = [m for m in world.ours() if m["id_customer_thread"] == talk["id"]]
        assert stored["message"] == "Dear customer, it is on its way."
        assert world.smtp.received[-1].rcpt_to == (talk["email"],)
        page.get_by_label("New status").select_option("pending1")
        page.get_by_role("button", name="Set status").click()
        page.locator("h1 .badge.pending1").wait_for()
        page.get_by_label("New status").select_option("closed")
        page.get_by_role("button", name="Set status").click()
        page.locator("h1 .badge.closed").wait_for()
        assert world.shop.row("customer_threads", int(talk["id"]))["status"] == "closed"
        page.get_by_role("link", name="Quarantine").click()
        alice.picture("light-quarantine")
        page.locator("ul.threads a").first.click()
        alice.picture("light-mail")
        page.get_by_label("Number of the thread").fill(str(talk["id"]))
        page.get_by_role("button", name="Put into a thread").click()
        page.locator("#changes .badge.confirmed").first.wait_for()
        page.locator("ol.messages .message", has_text="my new address").wait_for()
        page.get_by_role("link", name="Service").click()
        alice.picture("light-status")
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("heading", name="Sign in").wait_for()
        SIGNED_IN.clear()
        alice.picture("light-sign-in")
        assert alice.problems == []


def test_the_same_without_javascript(browser, address, world, talk):
    with Person(browser, address, java_script_enabled=False) as bob:
        bob.sign_in()
        page = bob.page
        page.goto(f"/threads/main/{talk['id']}")
        page.get_by_label("Your text").fill("Without any script.")
        page.get_by_role("button", name="Send").click()
        page.locator("#changes .badge.confirmed").nth(2).wait_for()
        page.locator(".message.employee", has_text="Without any script").wait_for()
        assert [m["message"] for m in world.ours() if m["id_customer_thread"] == talk["id"]][
            -1
        ] == "Without any script."


def test_dark_and_in_arabic_and_on_a_phone(browser, address, talk):
    sights = {
        "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
        "arabic": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
        "phone": {"color_scheme": "dark", "viewport": {"width": 360, "height": 780}},
    }
    for name, options in sights.items():
        with Person(browser, address, **options) as reader:
            reader.sign_in()
            page = reader.page
            if name == "arabic":
                page.get_by_label("Language").first.select_option("ar")
                page.locator("html[dir=rtl]").wait_for()
            for place, path in (
                ("threads", "/threads?status="),
                ("thread", f"/threads/main/{talk['id']}"),
                ("status", "/status"),
            ):
                page.goto(path)
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert wide <= 0, (name, path, "nobody scrolls sideways")
                reader.picture(f"{name}-{place}")
            assert reader.problems == []


def test_every_field_has_a_name_and_focus_is_seen(browser, address, talk):
    with Person(browser, address) as reader:
        reader.sign_in()
        page = reader.page
        for path in ("/threads", f"/threads/main/{talk['id']}", "/quarantine", "/status"):
            page.goto(path)
            unnamed = page.evaluate(
                "[...document.querySelectorAll('input:not([type=hidden]),select,textarea,button')]"
                ".filter(e => !e.labels?.length && !e.innerText.trim() && !e.ariaLabel).map(e => e.outerHTML)"
            )
            assert unnamed == [], path
            assert page.locator("main").count() == 1
            assert page.locator("h1").count() == 1
        page.goto("/threads")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_nothing_runs_in_a_customers_page(browser, address, world):
    """Even if the sanitiser let everything through: the frame's policy and its sandbox are two more walls."""
    page_source = (
        "<p>Hello</p><script>top.document.title='owned'</script><img src=x onerror=\"alert(1)\">"
        "<a href='https://example.org/'>out</a>"
    )
    raw = (
        "From: c@customer.test\r\nTo: s@shop.test\r\nSubject: a page\r\nMessage-ID: <p2@x>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/html\r\n\r\n{page_source}"
    )
    world.deliver(raw.encode())
    world.sync()
    with world.app() as app:
        copy = next(one for one in app.mirror.ledger.listing("main", list(MailState)) if one.subject == "a page")
    with Person(browser, address) as reader, pytest.MonkeyPatch.context() as patch:
        patch.setattr("connector.web.mails.clean", lambda source: source)
        reader.sign_in()
        reader.page.goto(f"/mails/main/{copy.id}")
        reader.page.locator("summary").click()
        frame = reader.page.frame_locator("iframe.page")
        frame.get_by_text("Hello").wait_for()
        assert reader.page.title() != "owned"
        assert not [one for one in reader.problems if one.startswith("dialog")]
        assert [one for one in reader.problems if "Content Security Policy" in one or "sandboxed" in one]
