"""Working with the page: finding a thread, answering it, passing it on, the quarantine; and what the log says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from connector.core.model import MailState
from connector.web.texts import Texts, catalogues
from connector.wiring.office import HEARD
from connector.wiring.pushing import lease
from tests.source import REPOSITORY
from tests.web.conftest import BASE, post

WEB = REPOSITORY / "connector" / "web"


@pytest.fixture
def thread(world):
    """A thread of its own with a customer's question."""
    row = {"id_shop": 1, "id_lang": 1, "id_contact": 1, "email": "zoë@customer.test", "token": "t" * 12}
    number = world.shop.put_row("customer_threads", row | {"status": "open"})
    world.shop.touch("customer_threads", number)
    world.shop.contact_form(number, "Où est mon Étagère bleue?")
    world.shop.update_row("customer_threads", number, status="open")
    world.sync()
    return number


def test_an_answer_goes_through_the_outbox_and_its_state_is_shown_until_it_is_done(site, thread):
    client = site.signed_in()
    at = f"/threads/main/{thread}"
    done = post(client, f"{at}/reply", at, text="It is\r\non its way.")
    assert (done.status_code, len(site.sent)) == (303, 3)
    ids = [number for _, number in site.sent]
    assert site.world.shop.rows("customer_messages", id_customer_thread=thread, id_employee=1) == []
    waiting = client.get(done.headers["Location"], base_url=BASE).text
    assert waiting.count('class="badge planned"') == 3
    assert '<noscript><meta http-equiv="refresh"' in waiting
    site.push()
    after = client.get(done.headers["Location"], base_url=BASE).text
    assert after.count('class="badge confirmed"') == 3
    assert "http-equiv" not in after
    assert "It is\non its way." in after
    (message,) = [m for m in site.world.ours() if m["id_customer_thread"] == thread]
    assert message["message"] == "It is\non its way."
    (told,) = site.heard.named("web.acted")
    assert told == {"user": "alice", "action": "thread.reply", "shop": "main", "thread_id": thread, "intent_ids": ids}


def test_a_note_mails_nobody_and_a_users_employee_writes(site, thread):
    mails = len(site.world.smtp.received)
    staff = [row["id"] for row in site.world.shop.rows("employees") if row["active"]]
    site.users.put("alice", "answer", None, {"main": int(staff[-1])})
    post(site.signed_in(), f"/threads/main/{thread}/reply", text="only for us", private="1")
    site.push()
    (message,) = [m for m in site.world.ours() if m["id_customer_thread"] == thread]
    assert (message["private"], message["id_employee"], len(site.world.smtp.received)) == (1, staff[-1], mails)
    site.users.put("alice", "answer", None, {"main": 4711})
    answer = post(site.signed_in(), f"/threads/main/{thread}/reply", text="as nobody")
    assert ("no employee" in answer.text, "as nobody" in answer.text, site.sent) == (True, True, [])


def test_status_and_forward(site, thread):
    client = site.signed_in()
    assert post(client, f"/threads/main/{thread}/status", status="pending1").status_code == 303
    assert post(client, f"/threads/main/{thread}/status", status="gone").status_code == 400
    site.push()
    assert site.world.shop.row("customer_threads", thread)["status"] == "pending1"
    refused = post(client, f"/threads/main/{thread}/forward", address="partner@elsewhere.test")
    assert (refused.status_code, site.sent) == (400, [])
    post(client, f"/threads/main/{thread}/forward", address="partner@elsewhere.test", comment="please look")
    site.push()
    assert site.world.smtp.received[-1].rcpt_to == ("partner@elsewhere.test",)
    assert [keys["action"] for keys in site.heard.named("web.acted")] == ["thread.status", "thread.forward"]


def test_a_status_is_on_its_way_until_the_mirror_has_heard_of_it(site, thread):
    """The outbox knows it a moment earlier, and the page would be shown with the old one."""
    client = site.signed_in()
    post(client, f"/threads/main/{thread}/status", status="pending1")
    watch = f"/changes/main?watch={site.sent[0][1]}"
    site.push()
    assert 'data-waits=""' in client.get(watch, base_url=BASE).text
    with lease(site.app, "main"):
        site.app.mirror.rows.patch("main", "customer_threads", thread, {"status": "open"})
    assert 'data-waits="1"' in client.get(watch, base_url=BASE).text
    site.world.clock.sleep(HEARD.total_seconds() + 1)
    assert 'data-waits=""' in client.get(watch, base_url=BASE).text


def test_a_template_is_filled_and_what_it_needs_is_asked_for(site, thread):
    client = site.signed_in()
    asked = client.get(f"/threads/main/{thread}?template=shipped", base_url=BASE).text
    assert 'name="value_link"' in asked
    filled = client.get(
        f"/threads/main/{thread}?template=shipped&value_link=https://x.example/1&value_firstname=Zoé&value_order=AB"
        "&value_lastname=Z",
        base_url=BASE,
    ).text
    assert "https://x.example/1" in filled.partition("<textarea")[2].partition("</textarea>")[0]


def test_threads_are_found_by_words_names_numbers_and_filters(site, thread):
    client = site.signed_in()

    def shown(**query: str) -> bool:
        return f'/threads/main/{thread}"' in client.get("/threads", base_url=BASE, query_string=query).text

    assert shown()
    for words in ("étagère", "ETAGERE", "etag bleue", "zoë@customer.test", "customer zoe", str(thread), f"#{thread}"):
        assert shown(q=words), words
    for words in ("etagere rouge", "nothing-of-this", '"', "* OR NEAR(", "🙂"):
        assert not shown(q=words), words
    assert shown(status="", contact="1", language="1")
    assert not shown(contact="99")
    assert not shown(status="closed")
    assert shown(waiting="1")
    post(client, f"/threads/main/{thread}/reply", text="answered")
    site.push()
    assert not shown(status="", waiting="1")
    assert shown(status="closed", order="longest")


def test_a_mail_in_quarantine_is_put_into_a_thread_decided_anew_or_dropped(site, thread):
    people = site.world.people
    for n in range(3):
        site.world.deliver(people.spoofed(99_000 + n, "y" * 12, f"who{n}@customer.test", wrong_token=True))
    site.world.sync()
    client = site.signed_in()
    first, second, third = [
        copy.id for copy in site.app.mirror.ledger.listing("main", [MailState.QUARANTINED])
        if copy.from_addr.startswith("who")
    ]  # fmt: skip
    assert f'/mails/main/{first}"' in client.get("/quarantine", base_url=BASE).text
    done = post(client, f"/quarantine/main/mail/{first}/assign", thread=f"#{thread}")
    assert f"/threads/main/{thread}?watch=" in done.headers["Location"]
    site.push()
    assert any(
        "new address" in m["message"] for m in site.world.shop.rows("customer_messages", id_customer_thread=thread)
    )
    shown = client.get(f"/threads/main/{thread}", base_url=BASE).text
    assert "from another address: <bdi>who0@customer.test</bdi>" in shown
    assert post(client, f"/quarantine/main/mail/{first}/assign", thread=str(thread)).status_code == 400
    assert post(client, f"/quarantine/main/mail/{second}/retry").status_code == 303
    assert post(client, f"/quarantine/main/mail/{third}/drop").status_code == 303
    states = [site.app.mirror.ledger.get(number).state for number in (second, third)]
    assert states == [MailState.RECEIVED, MailState.IGNORED]
    actions = [(keys["action"], keys["copy_id"], keys["user"]) for keys in site.heard.named("web.acted")]
    assert actions == [("quarantine.assign", first, "alice"), ("quarantine.retry", second, "alice"),
                       ("quarantine.drop", third, "alice")]  # fmt: skip


def test_the_next_thread_is_the_one_that_waits_longest(site, thread):
    client = site.signed_in()
    first = client.get("/next/main", base_url=BASE).headers["Location"]
    number = first.rpartition("/")[2]
    assert client.get(f"/next/main?not={number}", base_url=BASE).headers["Location"] != first
    for row in site.world.shop.rows("customer_threads", status="open"):
        if row["id"] != thread:
            site.world.shop.update_row("customer_threads", row["id"], status="closed")
            site.world.shop.touch("customer_threads", row["id"])
    site.world.sync()
    assert client.get("/next/main", base_url=BASE).headers["Location"] == f"/threads/main/{thread}"
    assert "/threads?" in client.get(f"/next/main?not={thread}", base_url=BASE).headers["Location"]


def test_the_story_stands_beside_the_thread(site, world):
    thread = next(row for row in world.shop.rows("customer_threads") if row["id_customer"] and row["email"])
    text = site.signed_in().get(f"/threads/main/{thread['id']}", base_url=BASE).text
    story = text.partition('<aside class="story"')[2]
    assert '<li class="entry ' in story
    assert "Valid orders" in story


def test_the_language_is_the_browsers_until_somebody_chooses(site):
    client = site.signed_in()
    arabic = client.get("/threads", base_url=BASE, headers={"Accept-Language": "ar-EG,en;q=0.5"}).text
    assert '<html lang="ar" dir="rtl">' in arabic
    assert '<html lang="en" dir="ltr">' in client.get("/threads", base_url=BASE).text
    post(client, "/language", language="ar", to="/status")
    assert 'dir="rtl"' in client.get("/threads", base_url=BASE).text


def test_a_fault_of_ours_is_told_to_the_log_and_not_to_the_browser(site, monkeypatch):
    from connector.wiring.office import AppOffice

    def broken(*_):
        raise ZeroDivisionError("secret detail of anna@customer.test")

    client = site.signed_in()
    monkeypatch.setattr(AppOffice, "mails_aside", broken)
    answer = client.get("/quarantine", base_url=BASE)
    assert (answer.status_code, "secret detail" in answer.text) == (500, False)
    assert len(site.heard.named("web.failed")) == 1


@pytest.mark.parametrize("language", sorted(set(catalogues()) - {"en"}))
def test_a_catalogue_has_every_text_and_its_placeholders(language):
    english, other = catalogues()["en"], catalogues()[language]
    assert sorted(other) == sorted(english)
    for key, text in english.items():
        assert set(_placeholders(text)) == set(_placeholders(other[key])), key
    assert Texts(language).direction == ("rtl" if language == "ar" else "ltr")


def _placeholders(text: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", text)


def test_every_text_that_a_page_asks_for_is_there():
    used: set[str] = set()
    for path in [*WEB.glob("templates/*.html"), *WEB.glob("*.py")]:
        used |= set(re.findall(r"\bt\('([a-z_0-9.]+)'[,)]", path.read_text()))
    known = tomllib.loads(Path(WEB / "locales" / "en.toml").read_text())
    assert used
    assert used - set(known) == set()
