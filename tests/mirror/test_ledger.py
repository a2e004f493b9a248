from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from connector.core.decisions import Bounced
from connector.core.model import Baseline, Kind, MailState, Role, Thread
from connector.errors import DataError, StateError
from connector.mirror.db import Mirror
from tests.mirror.world import NOW, SHOP, copy, wish


class TestBaseline:
    def test_there_is_none_until_it_is_set_and_it_can_be_set_anew(self, mirror: Mirror) -> None:
        assert mirror.ledger.baseline(SHOP, "support", "INBOX") is None
        mirror.ledger.set_baseline(SHOP, "support", "INBOX", Baseline(7, 100, NOW, 7))
        anew = Baseline(2**32 - 1, 1, NOW + timedelta(days=1), 3 * 2**32 - 1)
        mirror.ledger.set_baseline(SHOP, "support", "INBOX", anew)
        assert mirror.ledger.baseline(SHOP, "support", "INBOX") == anew
        assert mirror.ledger.baseline(SHOP, "support", "Sent") is None


class TestEntering:
    def test_a_copy_is_kept_with_its_bytes(self, mirror: Mirror) -> None:
        assert mirror.ledger.enter(SHOP, [copy(5, role=Role.STAFF, backfill=True)]) == 1
        kept = mirror.ledger.received(SHOP, 10)[0]
        assert (kept.shop, kept.mailbox, kept.folder, kept.role, kept.uidvalidity, kept.uid) == (
            SHOP, "support", "INBOX", Role.STAFF, 7, 5,
        )  # fmt: skip
        assert (kept.state, kept.reason, kept.backfill, kept.size) == (MailState.RECEIVED, "", True, 100)
        assert (kept.internaldate, kept.message_id) == (NOW + timedelta(minutes=5), "m5@example.org")
        assert mirror.ledger.raw(kept.blob) == b"Subject: Question 5\r\n\r\nbody"
        assert mirror.ledger.get(kept.id) == kept

    def test_entering_again_changes_nothing_also_after_the_decision(self, mirror: Mirror) -> None:
        mirror.ledger.enter(SHOP, [copy(1), copy(2)])
        first = mirror.ledger.received(SHOP, 1)[0]
        mirror.ledger.conclude(first, MailState.IGNORED, "own")
        assert mirror.ledger.enter(SHOP, [copy(1, subject="other"), copy(2), copy(3), copy(3)]) == 1
        assert mirror.ledger.known_uids(SHOP, "support", "INBOX", 7) == {1, 2, 3}
        assert mirror.ledger.get(first.id).state is MailState.IGNORED
        assert mirror.ledger.get(first.id).subject == "Question 1"

    def test_a_uid_is_another_mail_in_another_folder_or_after_uidvalidity_changed(self, mirror: Mirror) -> None:
        copies = [copy(1), copy(1, folder="Sent"), copy(1, uidvalidity=8), copy(1, mailbox="sales")]
        assert mirror.ledger.enter(SHOP, copies) == 4
        assert mirror.ledger.enter("rome", [copy(1)]) == 1
        assert mirror.ledger.known_uids(SHOP, "support", "INBOX", 8) == {1}

    def test_equal_bytes_are_stored_once(self, mirror: Mirror) -> None:
        mirror.ledger.enter(SHOP, [copy(1, raw=b"same"), copy(2, raw=b"same"), copy(3, raw=b"")])
        with mirror.database.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM blob")).scalar() == 2
        assert [mirror.ledger.raw(c.blob) for c in mirror.ledger.received(SHOP, 9)] == [b"same", b"same", b""]

    def test_hostile_headers_do_not_stop_it(self, mirror: Mirror) -> None:
        nasty = copy(1, message_id="x" * 100_000, subject="\udcff\0 hi", from_addr="a\udc80@x.org")
        assert mirror.ledger.enter(SHOP, [nasty, copy(2)]) == 2
        assert len(mirror.ledger.by_message_id(SHOP, ["x" * 100_000])) == 1

    def test_bytes_that_are_gone_are_said_to_be(self, mirror: Mirror) -> None:
        with pytest.raises(DataError) as refused:
            mirror.ledger.raw("0" * 64)
        assert refused.value.code == "mirror.bytes_gone"


class TestFinding:
    def test_mails_to_decide_on_come_by_arrival_across_folders(self, mirror: Mirror) -> None:
        mirror.ledger.enter(SHOP, [copy(1, internaldate=NOW + timedelta(hours=2)), copy(2, internaldate=NOW)])
        mirror.ledger.enter(SHOP, [copy(1, folder="Sent", internaldate=NOW + timedelta(hours=1))])
        assert [(c.folder, c.uid) for c in mirror.ledger.received(SHOP, 9)] == [("INBOX", 2), ("Sent", 1), ("INBOX", 1)]
        assert len(mirror.ledger.received(SHOP, 2)) == 2

    def test_copies_of_one_mail_and_answers_to_one_are_found(self, mirror: Mirror) -> None:
        mirror.ledger.enter(
            SHOP, [copy(1, key="k" * 64), copy(1, folder="Archive", key="k" * 64), copy(2, message_id="")]
        )
        assert [c.folder for c in mirror.ledger.same_mail(SHOP, "k" * 64)] == ["INBOX", "Archive"]
        assert len(mirror.ledger.by_message_id(SHOP, ["m1@example.org", "M1@example.org", "", "?"])) == 2
        assert mirror.ledger.by_message_id(SHOP, [""]) == []
        assert mirror.ledger.same_mail("rome", "k" * 64) == []

    def test_imported_customers_mails_of_a_thread_come_oldest_first(self, mirror: Mirror) -> None:
        entered = [copy(3), copy(1), copy(2, role=Role.STAFF), copy(4)]
        mirror.ledger.enter(SHOP, entered)
        for found in mirror.ledger.received(SHOP, 9):
            state = MailState.PENDING if found.uid == 4 else MailState.IMPORTED
            mirror.ledger.conclude(found, state, "", id_thread=12)
        assert [c.uid for c in mirror.ledger.of_thread(SHOP, 12)] == [1, 3]

    def test_a_senders_mails_are_counted_up_to_the_one_in_hand(self, mirror: Mirror) -> None:
        others = [copy(4, backfill=True), copy(5, role=Role.STAFF), copy(6, from_addr="b@example.org")]
        same_second = [copy(7, internaldate=NOW), copy(8, internaldate=NOW)]
        mirror.ledger.enter(SHOP, [*same_second, copy(1), copy(2), copy(3), *others])
        by_uid = {c.uid: c for c in mirror.ledger.received(SHOP, 20)}
        hour = timedelta(hours=1)
        assert mirror.ledger.count_from(by_uid[7], hour) == 1
        assert mirror.ledger.count_from(by_uid[8], hour) == 2
        assert mirror.ledger.count_from(by_uid[3], hour) == 5
        assert mirror.ledger.count_from(by_uid[3], timedelta(seconds=1)) == 1


class TestConcluding:
    def test_the_decision_and_its_intents_are_stored_together(self, mirror: Mirror) -> None:
        mirror.ledger.enter(SHOP, [copy(1)])
        found = mirror.ledger.received(SHOP, 1)[0]
        wishes = [wish("create", kind=Kind.THREAD_CREATE), wish("text", after="create")]
        mirror.ledger.conclude(found, MailState.PENDING, "new thread", text_hash="h" * 64, intents=wishes)
        kept = mirror.ledger.get(found.id)
        made = mirror.outbox.of_copy(found.id)
        assert [item.key for item in made] == ["create", "text"]
        assert (kept.state, kept.reason, kept.text_hash, kept.intent_id) == (
            MailState.PENDING, "new thread", "h" * 64, made[1].id,
        )  # fmt: skip
        mirror.ledger.conclude(kept, MailState.IMPORTED, "", id_thread=12, id_message=34)
        final = mirror.ledger.get(found.id)
        assert final == replace(kept, state=MailState.IMPORTED, reason="", id_thread=12, id_message=34)
        assert mirror.ledger.received(SHOP, 9) == []

    def test_a_second_copy_refers_to_the_intent_of_the_first(self, mirror: Mirror) -> None:
        mirror.ledger.enter(SHOP, [copy(1), copy(2)])
        first, second = mirror.ledger.received(SHOP, 2)
        mirror.ledger.conclude(first, MailState.PENDING, "", intents=[wish("text")])
        mirror.ledger.conclude(second, MailState.PENDING, "", intents=[wish("text")])
        assert mirror.ledger.get(second.id).intent_id == mirror.ledger.get(first.id).intent_id
        assert mirror.outbox.states(SHOP) == {"planned": 1}

    def test_when_the_decision_cannot_be_stored_neither_are_its_intents(self, mirror: Mirror) -> None:
        mirror.ledger.enter(SHOP, [copy(1)])
        found = mirror.ledger.received(SHOP, 1)[0]
        with pytest.raises(DataError) as refused:
            mirror.ledger.conclude(replace(found, id=999), MailState.PENDING, "", intents=[wish("a", copy_id=found.id)])
        assert refused.value.code == "mirror.unknown_mail"
        assert mirror.outbox.states(SHOP) == {}

    def test_what_was_decided_in_a_transaction_is_known_to_the_next_question_in_it(self, mirror: Mirror) -> None:
        mirror.ledger.enter(SHOP, [copy(1), copy(2)])
        first, second = mirror.ledger.received(SHOP, 2)
        with mirror.ledger.together():
            mirror.ledger.conclude(first, MailState.PENDING, "", id_thread=7, intents=[wish("a")])
            assert mirror.ledger.states(SHOP) == {"pending": 1, "received": 1}
            assert mirror.outbox.by_key(SHOP, "a") is not None
            mirror.ledger.conclude(second, MailState.IGNORED, "copy")
        assert mirror.ledger.states(SHOP) == {"pending": 1, "ignored": 1}

    def test_a_failure_that_somebody_catches_within_a_transaction_still_spoils_it(self, mirror: Mirror) -> None:
        mirror.ledger.enter(SHOP, [copy(1)])
        (found,) = mirror.ledger.received(SHOP, 1)

        def decide() -> None:
            with mirror.ledger.together():
                mirror.ledger.conclude(found, MailState.PENDING, "", id_thread=2**70)
                with suppress(Exception):
                    mirror.ledger.states(SHOP)

        with pytest.raises(StateError):
            decide()
        assert mirror.ledger.states(SHOP) == {"received": 1}

    @pytest.mark.parametrize("moved", [0, 1, 2])
    def test_one_of_many_that_somebody_else_decided_on_spoils_all_of_a_transaction(
        self, mirror: Mirror, moved: int
    ) -> None:
        mirror.ledger.enter(SHOP, [copy(n) for n in range(1, 4)])
        found = mirror.ledger.received(SHOP, 3)
        mirror.ledger.conclude(found[moved], MailState.IGNORED, "by_command")

        def decide_on_all() -> None:
            with mirror.ledger.together():
                for one in found:
                    mirror.ledger.conclude(one, MailState.PENDING, "", intents=[wish(f"{one.uid}")])

        with pytest.raises(StateError) as refused:
            decide_on_all()
        assert refused.value.code == "ledger.moved_elsewhere"
        assert refused.value.facts == {"mail": found[moved].id, "found": "ignored", "expected": "received"}
        assert mirror.ledger.states(SHOP) == {"received": 2, "ignored": 1}
        assert mirror.outbox.states(SHOP) == {}

    def test_counts_and_lists_by_state(self, mirror: Mirror) -> None:
        assert mirror.ledger.any_rows(SHOP) is False
        mirror.ledger.enter(SHOP, [copy(n) for n in range(1, 5)])
        mirror.ledger.conclude(mirror.ledger.received(SHOP, 1)[0], MailState.QUARANTINED, "unreadable")
        assert mirror.ledger.any_rows(SHOP) is True
        assert mirror.ledger.states(SHOP) == {"quarantined": 1, "received": 3}
        assert [c.uid for c in mirror.ledger.listing(SHOP, [MailState.QUARANTINED])] == [1]
        assert [c.uid for c in mirror.ledger.listing(SHOP, [MailState.RECEIVED], limit=2)] == [3, 4]
        assert len(mirror.ledger.listing(SHOP, [])) == 4
        held = mirror.queries.quarantined_mails()
        assert [(m["uid"], m["reason"], m["internaldate"]) for m in held] == [(1, "unreadable", "2025-03-30T09:16:00Z")]
        assert mirror.queries.quarantined_mails("rome") == []


class TestQuarantine:
    def test_a_mail_that_may_pass_is_due_again_later_and_counts_its_attempts(self, mirror: Mirror) -> None:
        mirror.ledger.enter(SHOP, [copy(1), copy(2)])
        first, second = mirror.ledger.received(SHOP, 9)
        mirror.ledger.conclude(first, MailState.QUARANTINED, "token_unknown", trail="token:unknown", suggested=12)
        mirror.ledger.conclude(second, MailState.QUARANTINED, "empty")
        kept = mirror.ledger.get(first.id)
        assert (kept.attempts, kept.retry_at, kept.trail, kept.suggested) == (
            1, NOW + timedelta(seconds=300), "token:unknown", 12,
        )  # fmt: skip
        assert mirror.ledger.get(second.id).retry_at is None
        assert mirror.ledger.received(SHOP, 9) == []
        mirror.database.now = lambda: NOW + timedelta(seconds=300)
        assert [c.id for c in mirror.ledger.received(SHOP, 9)] == [first.id]
        mirror.ledger.conclude(kept, MailState.IMPORTED, "thread_by_token")
        assert mirror.ledger.get(first.id).retry_at is None

    def test_mails_of_a_thread_are_counted_within_the_window(self, mirror: Mirror) -> None:
        mirror.ledger.enter(SHOP, [copy(n, internaldate=NOW + timedelta(hours=n)) for n in range(4)])
        mirror.ledger.enter(SHOP, [copy(9, folder="Sent", role=Role.STAFF, internaldate=NOW)])
        for item in mirror.ledger.received(SHOP, 9):
            mirror.ledger.conclude(item, MailState.IMPORTED, "thread_by_token", id_thread=12)
        last = mirror.ledger.listing(SHOP, [MailState.IMPORTED])[3]
        assert mirror.ledger.count_in_thread(last, 12, timedelta(hours=2)) == 1
        assert mirror.ledger.count_in_thread(last, 12, timedelta(hours=9)) == 3
        assert mirror.ledger.count_in_thread(last, 13, timedelta(hours=9)) == 0

    def test_a_bounce_is_kept_once_per_mail_that_tells_of_it(self, mirror: Mirror) -> None:
        mirror.ledger.enter(SHOP, [copy(1)])
        (item,) = mirror.ledger.received(SHOP, 9)
        thread = Thread(12, "ann@example.org", "t", "open", 1, 1, 5, None, 2)
        lost = Bounced("psc1.12.a.b@shop", thread, 900, "failed", "5.1.1")
        for _ in range(2):
            mirror.ledger.conclude(item, MailState.IGNORED, "bounce_again", bounced=lost)
            item = mirror.ledger.get(item.id) or item
        assert mirror.ledger.bounced(SHOP, ["psc1.12.a.b@shop", "other"]) == {"psc1.12.a.b@shop"}
        assert mirror.ledger.bounced("rome", ["psc1.12.a.b@shop"]) == set()
        assert mirror.ledger.bounced(SHOP, []) == set()
        with mirror.database.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM bounce")).scalar() == 1
