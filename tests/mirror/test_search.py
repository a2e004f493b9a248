"""The index of words follows every row, in both databases; and the page's list of threads."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from connector import packagedata
from connector.mirror import search
from connector.mirror.db import Mirror, open_mirror
from connector.mirror.inbox import FEW, Wanted
from tests.mirror.world import (
    BY_NAME,
    CUSTOMERS,
    MESSAGES,
    NOW,
    ORDERS,
    RESOURCES,
    SHOP,
    THREADS,
    customer,
    message,
    order,
    thread,
)


def found(mirror: Mirror, words: str, shop: str = SHOP) -> list[int]:
    with mirror.database.read() as connection:
        return search.Search(mirror_tables(mirror)).threads(connection, shop, words)[0]


def mirror_tables(mirror: Mirror):
    return mirror.queries._tables


@pytest.fixture
def filled(mirror: Mirror) -> Mirror:
    rows = mirror.rows
    rows.store(
        SHOP, CUSTOMERS, [customer(1), customer(2, "bob@example.org", firstname="Bob", lastname="Ångström")], None
    )
    rows.store(SHOP, ORDERS, [order(7)], None)
    threads = [thread(1), thread(2, id_customer=2, email="bob@example.org", id_order=7), thread(3, id_customer=None)]
    rows.store(SHOP, THREADS, threads, None)
    texts = {1: (1, "Où est mon Étagère?"), 2: (1, "noch da"), 3: (2, "The étagère is blue"), 4: (3, "أين طلبي؟")}
    rows.store(SHOP, MESSAGES, [message(n, t, message=said) for n, (t, said) in texts.items()], None)
    return mirror


def test_words_are_found_without_case_and_accents_and_all_of_them_count(filled: Mirror) -> None:
    assert found(filled, "etagere") == [2, 1]
    assert found(filled, "ÉTAGÈRE blue") == [2]
    assert found(filled, "étagère nowhere") == []
    assert found(filled, "طلبي") == [3]
    assert found(filled, "angstrom") == [2]
    assert found(filled, "bob@example.org") == [2]
    assert found(filled, "REF7") == [2]
    assert found(filled, "#3") == [3]


def test_only_when_nothing_has_a_word_its_beginning_is_enough(filled: Mirror) -> None:
    filled.rows.store(SHOP, MESSAGES, [message(9, 3, message="blueprint")], None)
    assert found(filled, "blue") == [2]
    assert found(filled, "bluep") == [3]


@pytest.mark.parametrize(
    "words", ['"', "' OR 1=1 --", "NEAR(", "a* AND", "!!!", "&|!", "🙂", "", " ", "x" * 5000, "\0"]
)
def test_no_text_is_a_question_to_the_database(filled: Mirror, words: str) -> None:
    assert found(filled, words) in ([], [1], [2], [3])


def test_what_a_changed_or_removed_row_said_is_found_no_more(filled: Mirror) -> None:
    filled.rows.store(SHOP, MESSAGES, [message(3, 2, message="it is green now")], None)
    assert (found(filled, "étagère"), found(filled, "green")) == ([1], [2])
    filled.rows.patch(SHOP, "customer_messages", 3, {"message": "patched"})
    assert (found(filled, "green"), found(filled, "patched")) == ([], [2])
    filled.rows.remove(SHOP, MESSAGES, [3])
    assert found(filled, "patched") == []


def test_no_word_of_an_erased_person_is_left(mirror_url: str) -> None:
    """Nor in the file: an index of words could be read like a text."""
    mirror = open_mirror(mirror_url, packagedata.resources(), now=lambda: NOW)
    named = {one.name: one for one in packagedata.resources()}
    mirror.rows.store(SHOP, named["customers"], [customer(1, firstname="Unicornia")], None)
    mirror.rows.store(SHOP, named["customer_threads"], [thread(1), thread(2, email="b@x.org", id_customer=None)], None)
    for n in range(1, 20):
        mirror.rows.store(SHOP, named["customer_messages"], [message(n, 1, message=f"zebracorn{n} words")], None)
    mirror.rows.store(SHOP, named["customer_messages"], [message(30, 2, message="words of another")], None)
    assert found(mirror, "zebracorn7") == found(mirror, "unicornia") == [1]
    assert mirror.privacy.erase(SHOP, "anna@example.org", "f" * 64) is not None
    assert [found(mirror, words) for words in ("zebracorn", "unicornia", "anna", "words")] == [[], [], [], [2]]
    mirror.close()
    if mirror_url.startswith("sqlite"):
        content = Path(mirror_url.removeprefix("sqlite:///")).read_bytes()
        assert b"corn" not in content
        assert b"unicornia" not in content


def test_shops_do_not_see_each_others_words(filled: Mirror) -> None:
    filled.rows.store("lyon", THREADS, [thread(1)], None)
    filled.rows.store("lyon", MESSAGES, [message(1, 1, message="étagère à Lyon")], None)
    assert (found(filled, "lyon"), found(filled, "lyon", "lyon")) == ([], [1])
    assert found(filled, "étagère", "lyon") == [1]


def test_a_mirror_of_an_older_program_is_indexed_once_at_start(mirror_url: str) -> None:
    first = open_mirror(mirror_url, RESOURCES, now=lambda: NOW)
    first.rows.store(SHOP, THREADS, [thread(1)], None)
    first.rows.store(SHOP, MESSAGES, [message(1, 1, message="étagère")], None)
    with first.database.write() as connection:
        drop(connection)
    first.close()
    again = open_mirror(mirror_url, RESOURCES, now=lambda: NOW)
    assert found(again, "etagere") == [1]
    with again.database.read() as connection:
        assert search.missing(connection, mirror_tables(again)) == []
    again.close()


def drop(connection) -> None:
    """As if the program had never made the index."""
    if connection.dialect.name == "postgresql":
        names = (
            connection.execute(text("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'search%'")).scalars().all()
        )
        for name in names:
            connection.execute(text(f"DROP INDEX {name}"))
        return
    for kind in ("trigger", "table"):
        query = text("SELECT name FROM sqlite_master WHERE type = :kind AND name LIKE 'search%'")
        for name in connection.execute(query, {"kind": kind}).scalars().all():
            if kind == "trigger" or name == "search_shops" or name.endswith("_words"):
                connection.execute(text(f"DROP {kind.upper()} {name}"))


# --- the list -------------------------------------------------------------------------------------------------------


def listed(mirror: Mirror, wanted: Wanted, after: str = "", limit: int = 50) -> list[int]:
    return [row["id"] for row in mirror.inbox.threads(SHOP, wanted, after, limit).threads]


def test_threads_come_by_their_newest_message_in_pages(filled: Mirror) -> None:
    assert listed(filled, Wanted()) == [3, 2, 1]
    assert listed(filled, Wanted(longest_first=True)) == [1, 2, 3]
    first = filled.inbox.threads(SHOP, Wanted(), limit=2)
    assert ([row["id"] for row in first.threads], bool(first.more)) == ([3, 2], True)
    assert listed(filled, Wanted(), first.more) == [1]
    one = next(row for row in first.threads if row["id"] == 2)
    assert (one["customer"], one["order_reference"], one["snippet"]) == ("Bob Ångström", "REF7", "The étagère is blue")


def test_filters_and_who_waits(filled: Mirror) -> None:
    filled.rows.store(SHOP, THREADS, [thread(1, status="closed", id_contact=2)], None)
    assert listed(filled, Wanted(status="open")) == [3, 2]
    assert listed(filled, Wanted(status="closed")) == [1]
    assert listed(filled, Wanted(contact=2)) == [1]
    assert listed(filled, Wanted(words="étagère", status="open")) == [2]
    answers = [message(10, 2, id_employee=1), message(11, 3, id_employee=1, private=True)]
    filled.rows.store(SHOP, MESSAGES, answers, None)
    assert listed(filled, Wanted(waiting=True)) == [3, 1]


def test_very_many_threads_come_in_the_same_order(filled: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    few = [listed(filled, Wanted(status=status, waiting=w)) for status in ("", "open") for w in (False, True)]
    monkeypatch.setattr("connector.mirror.inbox.FEW", 0)
    assert few == [listed(filled, Wanted(status=status, waiting=w)) for status in ("", "open") for w in (False, True)]
    first = filled.inbox.threads(SHOP, Wanted(longest_first=True), limit=2)
    assert (listed(filled, Wanted(), first.more), first.unsorted) == ([1], True)
    assert FEW


def test_a_mirror_without_messages_lists_nothing(sqlite_url: str) -> None:
    bare = open_mirror(sqlite_url.replace("mirror.db", "bare.db"), [BY_NAME["customers"]])
    assert bare.inbox.threads(SHOP, Wanted(words="x")).threads == []
    bare.close()
