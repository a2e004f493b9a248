from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from sqlalchemy import event

from connector.core.model import Contact, Customer, Employee
from connector.mirror.db import Mirror, open_mirror
from tests.mirror.world import BY_NAME, CUSTOMERS, MESSAGES, NOW, SHOP, STATES, THREADS, customer, message, row, thread


def fill(mirror: Mirror, name: str, *rows: object) -> None:
    mirror.rows.store(SHOP, BY_NAME[name], rows, None)  # type: ignore[arg-type]


class TestThreads:
    def test_a_thread_comes_whole(self, mirror: Mirror) -> None:
        mirror.rows.store(SHOP, THREADS, [thread(1, id_order=None, status=None)], None)
        found = mirror.lookups.thread(SHOP, 1)
        assert (found.email, found.token, found.status, found.id_order) == ("anna@example.org", "Tok1", "", None)
        assert (found.id_shop, found.id_lang, found.id_customer, found.id_contact, found.date_add) == (1, 1, 1, 1, NOW)
        assert mirror.lookups.thread(SHOP, 2) is None
        assert mirror.lookups.thread("rome", 1) is None

    def test_a_token_is_compared_with_its_case(self, mirror: Mirror) -> None:
        mirror.rows.store(SHOP, THREADS, [thread(1, token="AbC"), thread(2, token="abc")], None)
        assert [t.id for t in mirror.lookups.threads_by_token(SHOP, "abc")] == [2]

    def test_open_threads_of_a_person_whatever_the_case_of_the_address(self, mirror: Mirror) -> None:
        emails = ["ÜNAL@Example.org", "ünal@example.org", "Ünal@example.org ", "unal@example.org"]
        rows = [thread(n, email=email, status="pending1") for n, email in enumerate(emails, 1)]
        mirror.rows.store(SHOP, THREADS, [*rows, thread(9, email=emails[0], status="closed")], None)
        assert [t.id for t in mirror.lookups.open_threads_by_email(SHOP, "üNAL@EXAMPLE.ORG")] == [1, 2, 3]


class TestMessages:
    def test_our_reference_is_found_exactly(self, mirror: Mirror) -> None:
        rows = [message(1, user_agent="Mozilla psc1/x"), message(2, user_agent="PSC1/ab")]
        mirror.rows.store(SHOP, MESSAGES, [*rows, message(3, user_agent="psc1/ab", id_employee=4, private=True)], None)
        found = mirror.lookups.message_by_reference(SHOP, "psc1/ab")
        assert (found.id, found.id_employee, found.private, found.text) == (3, 4, True, "text 3")
        assert mirror.lookups.message_by_reference(SHOP, "psc1/AB") is None


class TestPeople:
    def test_customers_by_address(self, mirror: Mirror) -> None:
        rows = [customer(1, "Anna@X.org", id_shop=1, id_lang=2), customer(2, "anna@x.ORG", is_guest=True), customer(3)]
        mirror.rows.store(SHOP, CUSTOMERS, rows, None)
        first, second = mirror.lookups.customers_by_email(SHOP, "anna@x.org")
        assert first == Customer(1, "Anna@X.org", 1, 2, is_guest=False, active=True, deleted=False)
        assert (second.id, second.is_guest) == (2, True)

    def test_employees_and_contacts(self, mirror: Mirror) -> None:
        fill(mirror, "employees", row(1, email="boss@x.org", active=True), row(2, email=None, active=False))
        names = ({"id_lang": 2, "name": "Kundendienst"}, {"id_lang": 1, "name": "Service"})
        fill(mirror, "contacts", row(1, names, email="c@x.org", customer_service=True), row(2, email="w@x.org"))
        assert mirror.lookups.employees(SHOP) == [Employee(1, "boss@x.org", True), Employee(2, "", False)]
        assert mirror.lookups.contacts(SHOP) == [
            Contact(1, "c@x.org", True, "Service"),
            Contact(2, "w@x.org", False, ""),
        ]


class TestSettings:
    def test_order_states_have_their_names_in_all_languages(self, mirror: Mirror) -> None:
        names = ({"id_lang": 2, "name": "Paid"}, {"id_lang": 1, "name": "Payé"})
        mirror.rows.store(SHOP, STATES, [row(2, names, paid=True, invoice=True)], None)
        state = mirror.lookups.order_states(SHOP)[0]
        assert state.names == ("Payé", "Paid")
        assert (state.paid, state.invoice, state.shipped, state.deleted) == (True, True, False, False)

    def test_a_setting_for_all_shops_goes_before_one_for_a_single_shop(self, mirror: Mirror) -> None:
        rows = [
            row(1, name="PS_TIMEZONE", value="Asia/Tokyo", id_shop=2),
            row(9, name="PS_TIMEZONE", value="Europe/Paris"),
        ]
        fill(mirror, "configurations", *rows)
        assert mirror.lookups.configuration(SHOP, "PS_TIMEZONE") == "Europe/Paris"
        assert mirror.lookups.configuration(SHOP, "PS_LANG_DEFAULT") is None

    def test_languages_payments_and_the_default_shop(self, mirror: Mirror) -> None:
        assert mirror.lookups.default_shop(SHOP) == 1
        fill(mirror, "languages", row(1, iso_code="FR"), row(2, iso_code="de"))
        fill(
            mirror,
            "order_payments",
            row(1, order_reference="A"),
            row(2, order_reference="A"),
            row(3, order_reference="B"),
        )
        fill(
            mirror, "shops", row(1, active=False), row(2, active=True, deleted=True), row(3, active=True, deleted=False)
        )
        assert mirror.lookups.languages(SHOP) == {1: "fr", 2: "de"}
        assert mirror.lookups.payments(SHOP, "A") == 2
        assert mirror.lookups.default_shop(SHOP) == 3


def test_what_is_not_mapped_answers_with_nothing(tmp_path: Path) -> None:
    mirror = open_mirror(f"sqlite:///{tmp_path / 'bare.db'}", [])
    ask = mirror.lookups
    answers = [
        ask.thread(SHOP, 1), ask.threads_by_token(SHOP, "t"), ask.open_threads_by_email(SHOP, "a@b"),
        ask.message_by_reference(SHOP, "psc1/x"), ask.active_shops(SHOP),
        ask.customers_by_email(SHOP, "a@b"), ask.employees(SHOP), ask.contacts(SHOP), ask.order_states(SHOP),
        ask.configuration(SHOP, "PS_TIMEZONE"), ask.payments(SHOP, "A"), ask.languages(SHOP),
        mirror.queries.thread_list(), mirror.queries.thread_view(SHOP, 1), mirror.queries.order_view(SHOP, 1),
        mirror.queries.table_counts(SHOP),
    ]  # fmt: skip
    mirror.close()
    assert not any(answers)
    assert mirror.lookups.default_shop(SHOP) == 1


class TestWhatAMailMayBeAbout:
    def test_threads_of_a_person_written_in_lately_come_newest_first(self, mirror: Mirror) -> None:
        mirror.rows.store(SHOP, THREADS, [thread(n, email="ANNA@example.org") for n in (1, 2, 3)], None)
        days = {1: (40, 1), 2: (3,), 3: (31,)}
        rows = [
            message(10 * n + i, id_customer_thread=n, date_add=NOW - timedelta(days=d))
            for n, ages in days.items()
            for i, d in enumerate(ages)
        ]
        mirror.rows.store(SHOP, MESSAGES, rows, None)
        since = NOW - timedelta(days=30)
        asked = ["anna@EXAMPLE.org", "bob@example.org"]
        found = mirror.lookups.recent_threads(SHOP, asked, since)
        assert {email: [t.id for t in threads] for email, threads in found.items()} == {
            "anna@EXAMPLE.org": [1, 2],
            "bob@example.org": [],
        }
        assert mirror.lookups.recent_threads("rome", ["anna@example.org"], since) == {"anna@example.org": []}

    def test_of_very_many_threads_of_a_person_the_five_newest_are_enough(self, mirror: Mirror) -> None:
        emails = {n: "anna@example.org" if n % 2 else "bob@example.org" for n in range(1, 21)}
        mirror.rows.store(SHOP, THREADS, [thread(n, email=email) for n, email in emails.items()], None)
        rows = [message(n, id_customer_thread=n, date_add=NOW - timedelta(days=n // 4)) for n in emails]
        mirror.rows.store(SHOP, MESSAGES, rows, None)
        found = mirror.lookups.recent_threads(SHOP, set(emails.values()), NOW - timedelta(days=30))
        assert [t.id for t in found["anna@example.org"]] == [3, 1, 7, 5, 11]
        assert [t.id for t in found["bob@example.org"]] == [2, 6, 4, 10, 8]

    def test_orders_of_customers(self, mirror: Mirror) -> None:
        rows = [row(n, reference=f"REF{n}", id_customer=c) for n, c in ((1, 5), (2, 5), (3, 6))]
        fill(mirror, "orders", *rows)
        assert [(o.id, o.reference, o.id_customer) for o in mirror.lookups.orders_of(SHOP, [5])] == [
            (2, "REF2", 5),
            (1, "REF1", 5),
        ]
        assert mirror.lookups.orders_of(SHOP, []) == []


class TestIndexes:
    def test_no_look_up_goes_through_all_rows_of_a_shop(self, on_sqlite: Mirror) -> None:
        """SQLite would rather do that than sort a handful of rows."""
        asked: list[tuple[str, object]] = []
        engine = on_sqlite.database.engine

        @event.listens_for(engine, "before_cursor_execute")
        def note(connection, cursor, statement, parameters, context, many) -> None:  # type: ignore[no-untyped-def]
            asked.append((statement, parameters))

        look = on_sqlite.lookups
        look.threads_by_token(SHOP, "abc")
        look.threads_by_tokens(SHOP, ["abc", "def"])
        look.open_threads_by_email(SHOP, "anna@example.org")
        look.recent_threads(SHOP, ["anna@example.org"], NOW)
        look.orders_of(SHOP, [1])
        look.message_by_reference(SHOP, "psc1/ab")
        look.messages_by_references(SHOP, ["psc1/ab"])
        look.messages(SHOP, 1)
        look.customers_by_email(SHOP, "anna@example.org")
        look.customers_by_emails(SHOP, ["anna@example.org"])
        look.newest_history(SHOP, 1)
        look.payments(SHOP, "REF1")
        event.remove(engine, "before_cursor_execute", note)
        with on_sqlite.database.read() as connection:
            for statement, parameters in asked:
                if statement.startswith("SELECT"):
                    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
                    steps = [row[3] for row in plan if re.match(r"(SEARCH|SCAN) (?!\(subquery|anon_)", row[3])]
                    assert [step for step in steps if "(shop=? AND" not in step] == [], statement
        assert len(asked) >= 12
