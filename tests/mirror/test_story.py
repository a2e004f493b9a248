from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.core.timeline import KINDS
from connector.mirror.db import Mirror, open_mirror
from connector.mirror.story import SqlStory
from connector.mirror.story_sources import About, Span
from connector.mirror.tables import build
from tests.mirror.story_world import ANNA, BEN, GUEST, OLD, RESOURCES, fill
from tests.mirror.world import NOW, SHOP
from tests.support import databases

FRENCH, DEFAULT = (2, 1), (None, 1)


@pytest.fixture(scope="module", params=databases.KINDS)
def mirror(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """Filled once; the tests of this module only read."""
    with databases.on(request.param):
        url = databases.new_mirror(Path(tmp_path_factory.mktemp("story")), RESOURCES)
        opened = open_mirror(url, RESOURCES, now=lambda: NOW)
        fill(opened)
        yield opened
        opened.close()
        databases.forget(url)


@pytest.fixture
def story(mirror: Mirror) -> SqlStory:
    return SqlStory(mirror.database, build(RESOURCES))


def whom(story: SqlStory, who: int | str) -> About:
    about = story.person(SHOP, who)
    assert about is not None
    return about


def stream(story: SqlStory, who: int | str, **asked: Any) -> list[dict[str, Any]]:
    entries, mark = story.entries(whom(story, who), DEFAULT, limit=1000, **asked)
    assert mark is None
    json.dumps(entries)
    return entries


def brief(entries: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(one["kind"], one["id"]) for one in entries]


class TestWhoItIs:
    @pytest.mark.parametrize("who", [ANNA, GUEST, "ANNA@example.org "])
    def test_an_account_a_guest_and_the_address_are_one_person(self, story: SqlStory, who: int | str) -> None:
        head = story.header(whom(story, who), FRENCH)
        assert [(one["id"], one["is_guest"]) for one in head["accounts"]] == [(GUEST, True), (ANNA, False)]
        assert (head["name"], head["email"], head["language"]) == ("Anna Müller", "Anna@Example.org", "fr")
        assert (head["groups"], head["newsletter"], head["optin"]) == (["Client"], True, False)
        assert head["registered_local"] == "2025-03-29 17:36:00"

    def test_sums_are_by_currency_and_only_of_orders_that_count(self, story: SqlStory) -> None:
        head = story.header(whom(story, ANNA), DEFAULT)
        assert (head["orders"], head["valid_orders"]) == (4, 3)
        assert head["spent"] == [
            {"currency": "EUR", "amount": "20.200000"},
            {"currency": "USD", "amount": "7.500000"},
        ]
        assert head["last_order"]["id"] == 14
        assert head["last_order"]["state"] == "Shipped"

    def test_what_is_open_and_what_came_back(self, story: SqlStory) -> None:
        head = story.header(whom(story, ANNA))
        assert [one["id"] for one in head["open_threads"]] == [24, 21]
        assert (head["threads"], head["open_threads_number"]) == (3, 2)
        assert (head["bounced_mails"], head["quarantined_mails"]) == (1, 2)

    def test_consents_of_an_account_out_of_use_do_not_count(self, story: SqlStory) -> None:
        assert story.header(whom(story, BEN))["newsletter"] is False

    def test_somebody_who_only_wrote_has_a_story_and_no_account(self, story: SqlStory) -> None:
        head = story.header(whom(story, "sister@example.org"))
        assert (head["name"], head["accounts"], head["orders"], head["threads"]) == (None, [], 0, 1)
        assert head["email"] == "sister@example.org"

    @pytest.mark.parametrize("who", [99, "nobody@example.org", "", "daemon@mx.test"])
    def test_nobody_is_nobody(self, story: SqlStory, who: int | str) -> None:
        assert story.person(SHOP, who) is None

    def test_the_same_address_in_another_shop_is_another_story(self, story: SqlStory) -> None:
        about = story.person("rome", "anna@example.org")
        assert about is not None
        assert story.header(about)["name"] == "Other Müller"
        entries, _ = story.entries(about)
        assert [(one["kind"], one["reference"]) for one in entries] == [("order", "ROME")]


class TestTheStream:
    def test_has_everything_of_the_person_the_newest_first(self, story: SqlStory) -> None:
        assert brief(stream(story, ANNA)) == [
            ("slip", 2), ("slip", 1), ("return", 1), ("payment", 3), ("order", 14), ("order", 13), ("shipment", 2),
            ("order", 12), ("message", 9), ("message", 8), ("message", 6), ("message", 5), ("message", 4),
            ("message", 3), ("message", 2), ("message", 1), ("state", 2), ("state", 3), ("mail", 6), ("bounce", 4),
            ("mail", 1), ("note", 1), ("thread", 2), ("thread", 1), ("invoice", 1), ("state", 1), ("payment", 1),
            ("shipment", 1), ("order", 11),
        ]  # fmt: skip

    def test_of_somebody_else_has_only_theirs(self, story: SqlStory) -> None:
        assert brief(stream(story, "ben@example.org")) == [
            ("message", 7), ("state", 4), ("payment", 2), ("order", 15), ("mail", 5),
        ]  # fmt: skip

    def test_a_row_without_a_date_is_the_oldest(self, story: SqlStory) -> None:
        assert [(one["id"], one["local"]) for one in stream(story, OLD)] == [(17, "2025-03-30 11:15:00"), (16, None)]

    def test_while_the_zone_is_unknown_the_shops_own_times_put_rows_in_order(self, story: SqlStory) -> None:
        at_eleven = Span(since=NOW.replace(hour=11, minute=0), until=NOW.replace(hour=12))
        assert [(one["id"], one["at"]) for one in stream(story, OLD, span=at_eleven)] == [(17, None)]
        assert story.header(whom(story, OLD))["last_order"]["id"] == 17

    def test_times_are_given_in_utc_and_as_the_shop_writes_them(self, story: SqlStory) -> None:
        (one,) = stream(story, ANNA, kinds=["invoice"])
        assert (one["at"], one["local"]) == ("2025-03-30T09:15:00Z", "2025-03-30 11:15:00")
        assert (one["reference"], one["number"], one["amount"], one["currency"]) == ("REF11", 41, "10.100000", "EUR")

    def test_states_have_names_in_the_readers_language(self, story: SqlStory) -> None:
        about = whom(story, ANNA)
        french, _ = story.entries(about, FRENCH, kinds=["state"])
        # The state without a French name has the shop's default one.
        assert [one["state"] for one in french] == ["Expédié", "Packed", "Payé"]
        assert [one["state"] for one in stream(story, ANNA, kinds=["state"])] == ["Shipped", "Packed", "Paid"]
        assert [(one["id_employee"], one["employee"]) for one in french] == [(5, "Bob Lee"), (6, None), (None, None)]

    def test_a_shipment_has_the_carriers_page_of_the_parcel(self, story: SqlStory) -> None:
        without, with_number = stream(story, ANNA, kinds=["shipment"])
        assert (with_number["carrier"], with_number["link"]) == ("Parcels", "https://parcels.test/1Z%209")
        assert (without["carrier"], without["link"]) == ("Van", None)

    def test_a_payment_of_a_split_order_is_shown_once(self, story: SqlStory) -> None:
        assert [one["reference"] for one in stream(story, ANNA, kinds=["payment"])] == ["SPLIT", "REF11"]

    def test_a_slip_is_worth_goods_and_shipping_with_tax(self, story: SqlStory) -> None:
        slips = stream(story, ANNA, kinds=["slip"])
        assert [(one["amount"], one["currency"]) for one in slips] == [("2.500000", "USD"), ("4.000000", "EUR")]

    def test_of_the_notes_on_an_order_those_that_are_in_no_thread(self, story: SqlStory) -> None:
        assert [one["text"] for one in stream(story, ANNA, kinds=["note"])] == ["paid by card"]

    def test_a_status_that_was_seen_to_change_says_whose_change_it_was(self, story: SqlStory) -> None:
        changes = stream(story, ANNA, kinds=["thread"])
        assert [(one["id_thread"], one["was"], one["became"], one["origin"]) for one in changes] == [
            (22, "pending1", "closed", "ours"),
            (22, "closed", "pending1", "shop"),
        ]


class TestMessages:
    @pytest.fixture
    def messages(self, story: SqlStory) -> dict[int, dict[str, Any]]:
        return {one["id"]: one for one in stream(story, ANNA, kinds=["message"])}

    def test_say_who_wrote_them(self, messages: dict[int, dict[str, Any]]) -> None:
        assert (messages[1]["by"], messages[1]["customer"]) == ("customer", "Anna Müller")
        assert (messages[2]["by"], messages[2]["employee"]) == ("employee", "Bob Lee")
        assert (messages[8]["customer"], messages[8]["email"]) == (None, "sister@example.org")
        assert messages[9]["sent_from"] == "anna@example.org"
        assert messages[1]["sent_from"] is None

    def test_are_as_a_person_reads_them(self, messages: dict[int, dict[str, Any]]) -> None:
        assert messages[1]["text"] == "Where is it?\nAnna"

    def test_of_machines_are_marked(self, messages: dict[int, dict[str, Any]]) -> None:
        assert (messages[4]["automatic"], messages[4]["by"]) == ("auto_reply", "customer")
        assert (messages[5]["automatic"], messages[5]["by"]) == ("rule", "program")
        assert [number for number, one in messages.items() if one["automatic"]] == [5, 4]

    def test_that_are_private_are_marked(self, messages: dict[int, dict[str, Any]]) -> None:
        assert [number for number, one in messages.items() if one["private"]] == [4, 3]

    def test_whose_mail_came_back_say_so(self, messages: dict[int, dict[str, Any]]) -> None:
        assert [number for number, one in messages.items() if one["came_back"]] == [6]


class TestParts:
    @pytest.mark.parametrize("limit", [1, 29])
    def test_the_pages_together_are_the_stream(self, story: SqlStory, limit: int) -> None:
        about, found = whom(story, ANNA), list[dict[str, Any]]()
        page, mark = story.entries(about, DEFAULT, limit=limit)
        while mark is not None:
            assert len(page) == limit
            found += page
            page, mark = story.entries(about, DEFAULT, limit=limit, span=Span(before=mark))
        assert found + page == stream(story, ANNA)

    def test_a_time_from_then_on_and_before_then(self, story: SqlStory) -> None:
        span = Span(since=NOW + timedelta(minutes=30), until=NOW + timedelta(minutes=60))
        assert brief(stream(story, ANNA, span=span)) == [("state", 2)]

    def test_every_kind_can_be_asked_for_alone(self, story: SqlStory) -> None:
        every = stream(story, ANNA)
        for kind in KINDS:
            alone = stream(story, ANNA, kinds=[kind])
            assert alone
            assert alone == [one for one in every if one["kind"] == kind]


class TestOrders:
    def test_an_order_has_what_is_about_it(self, story: SqlStory) -> None:
        about = story.orders(SHOP, 12)
        assert about is not None
        entries, _ = story.entries(about, DEFAULT)
        assert brief(entries) == [("slip", 2), ("shipment", 2), ("order", 12), ("message", 8), ("mail", 6)]
        head = story.header(about, DEFAULT)
        assert (head["reference"], head["customer"]["id"], head["orders"][0]["currency"]) == ("REF12", GUEST, "USD")
        assert (head["threads"], head["quarantined_mails"], head["paid"]) == (1, 1, [])

    def test_a_reference_means_all_orders_that_have_it(self, story: SqlStory) -> None:
        about = story.orders(SHOP, "SPLIT")
        assert about is not None
        assert [one["id"] for one in story.header(about)["orders"]] == [13, 14]
        assert story.header(about)["paid"] == [{"currency": "EUR", "amount": "10.100000"}]
        entries, _ = story.entries(about)
        assert brief(entries) == [("payment", 3), ("order", 14), ("order", 13)]

    @pytest.mark.parametrize("which", [99, "NONE"])
    def test_an_order_that_is_not_there_has_none(self, story: SqlStory, which: int | str) -> None:
        assert story.orders(SHOP, which) is None


class TestErasedPeople:
    """Last in this module: it empties Ben's rows."""

    def test_their_story_goes_on_without_who_they_were(self, mirror: Mirror, story: SqlStory) -> None:
        before = brief(stream(story, BEN))
        held = mirror.privacy.find(SHOP, ANNA)
        assert [one["became"] for one in mirror.privacy.thread_changes(held)] == ["pending1", "closed"]
        assert mirror.privacy.erase(SHOP, BEN, "keyed hash") is not None
        assert story.person(SHOP, "ben@example.org") is None
        head = story.header(whom(story, BEN))
        assert (head["name"], head["email"], head["erased"]) == (None, None, "2025-03-30T09:15:00Z")
        assert (head["orders"], head["valid_orders"], head["threads"]) == (1, 1, 1)
        entries = stream(story, BEN)
        assert brief(entries) == [one for one in before if one[0] != "mail"]
        assert [(one["text"], one["erased"]) for one in entries if one["kind"] == "message"] == [("", True)]
        assert "ben@" not in json.dumps([head, entries]).casefold()
