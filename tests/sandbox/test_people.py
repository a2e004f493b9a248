"""The people of the sandbox write what real people and machines write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.errors import MailUnreadable
from connector.mailbox.mime import decode, identify
from connector.sandbox.people import QUESTIONS, SUBJECTS, People, SandboxThread

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
THREADS = [
    SandboxThread(12, "AbCdEfGhIjKl", "anna@customer.test", "en", "Anna"),
    SandboxThread(13, "ZyXwVuTsRqPo", "jörg.maß@customer.test".replace("ö", "oe").replace("ß", "ss"), "de", "Jörg Maß"),
]


@pytest.fixture
def people() -> People:
    return People(7, START)


def test_the_same_seed_and_start_write_the_same_bytes() -> None:
    one, two = (People(7, START).story(THREADS) for _ in range(2))
    assert one == two
    assert People(8, START).story(THREADS) != one


def test_the_story_goes_forward_in_time_and_has_one_of_everything(people: People) -> None:
    scenes = people.story(THREADS)
    assert {scene.label for scene in scenes} == {
        "reply", "thanks", "staff-reply", "foreign-address", "wrong-token", "auto-reply", "bounce", "newsletter",
        "shop-notification", "new-question", "copy", "broken", "too-deep",
    }  # fmt: skip
    assert [scene.at for scene in scenes] == sorted(scene.at for scene in scenes)
    assert START < scenes[0].at < scenes[-1].at < START + timedelta(hours=4)
    assert {scene.folder for scene in scenes if scene.label == "staff-reply"} == {"Sent"}


def test_every_mail_of_the_story_can_be_named_and_all_but_the_deep_one_read(people: People) -> None:
    for scene in people.story(THREADS):
        assert b"\n" not in scene.raw.replace(b"\r\n", b"") or scene.label == "broken"
        assert len(identify(scene.raw).mail_key) == 64
        if scene.label == "too-deep":
            with pytest.raises(MailUnreadable):
                decode(scene.raw)
        elif scene.label != "broken":
            mail = decode(scene.raw)
            assert mail.text.strip()
            assert mail.problems == ()
            assert mail.date is not None


@pytest.mark.parametrize("lang", sorted(SUBJECTS))
def test_a_reply_carries_the_token_in_its_folded_subject(people: People, lang: str) -> None:
    raw = people.reply_to_shop_mail(12, "AbCdEfGhIjKl", "anna@customer.test", "Ännchen", lang)
    mail = decode(raw)
    assert mail.subject == "Re: [Sandbox Shop] " + SUBJECTS[lang].format(id=12, token="AbCdEfGhIjKl")
    assert (mail.from_addr, mail.from_name) == ("anna@customer.test", "Ännchen")
    assert "\n> " in mail.text
    assert all(len(line) <= 78 for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n"))


@pytest.mark.parametrize("lang", sorted(QUESTIONS))
@pytest.mark.parametrize("html_only", [False, True])
def test_a_question_reads_the_same_as_text_and_as_html(people: People, lang: str, html_only: bool) -> None:
    mail = decode(people.new_question("new@customer.test", "", lang, html_only=html_only))
    assert mail.subject == QUESTIONS[lang][0]
    assert mail.text.strip() == QUESTIONS[lang][1]
    assert mail.from_html is html_only


def test_machines_carry_the_marks_of_machines(people: People) -> None:
    automatic = decode(people.auto_reply(12, "AbCdEfGhIjKl", "anna@customer.test"))
    assert (automatic.header("auto-submitted") or "").startswith("auto-replied")
    bounce = decode(people.bounce("psc1.ours@shop.test"))
    assert (bounce.report_type, bounce.enclosed_ids) == ("delivery-status", ("psc1.ours@shop.test",))
    assert decode(people.newsletter()).header("list-id")
    notice = decode(people.shop_notification("anna@customer.test", "Hello?"))
    assert "[no_sync]" in notice.subject
    assert notice.reply_to == ("anna@customer.test",)


def test_a_stranger_with_a_wrong_token_does_not_know_the_right_one(people: People) -> None:
    raw = people.spoofed(12, "AbCdEfGhIjKl", "stranger@elsewhere.test", wrong_token=True)
    assert "AbCdEfGhIjKl" not in decode(raw).subject
    assert "AbCdEfGhIjKl" in decode(people.spoofed(12, "AbCdEfGhIjKl", "stranger@elsewhere.test")).subject


def test_a_reply_by_reference_names_its_ancestor(people: People) -> None:
    mail = decode(people.reply_by_reference("psc1.ours@shop.test", "anna@customer.test"))
    assert mail.in_reply_to == mail.references == ("psc1.ours@shop.test",)


def test_staff_write_to_the_customer(people: People) -> None:
    mail = decode(people.staff_reply("anna@customer.test", 12, "AbCdEfGhIjKl"))
    assert (mail.from_addr, mail.to) == ("support@shop.test", ("anna@customer.test",))
