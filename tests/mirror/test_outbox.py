from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.conflicts import Clash
from connector.core.model import BULK, LEGAL_MOVES, Intent, IntentState, Kind
from connector.errors import StateError
from connector.mirror.backup import adopt
from connector.mirror.db import Mirror
from tests.mirror.world import NOW, SHOP, copy, wish

S = IntentState
LATER = NOW + timedelta(minutes=5)


def keys(found: list[Intent]) -> list[str]:
    return [item.key for item in found]


def due(mirror: Mirror, at: datetime = NOW) -> list[str]:
    return keys(mirror.outbox.due(SHOP, at, 100))


def go(mirror: Mirror, key: str, *states: IntentState, **given_too: object) -> Intent:
    """Move an intent through states."""
    for state in states:
        intent = mirror.outbox.by_key(SHOP, key)
        assert intent is not None
        mirror.outbox.move(intent, state, now=NOW, **given_too)  # type: ignore[arg-type]
    moved = mirror.outbox.by_key(SHOP, key)
    assert moved is not None
    return moved


class TestAdding:
    def test_a_wish_becomes_a_row_with_everything_that_was_wished(self, mirror: Mirror) -> None:
        made = mirror.outbox.add(SHOP, [wish("a", after="z", origin="command")])[0]
        assert (made.shop, made.key, made.reference, made.group, made.after) == (SHOP, "a", "psc1/a", "thread:1", "z")
        assert (made.payload, made.decided_on, made.origin) == ({"text": "héllo"}, {"status": "open"}, "command")
        assert (made.state, made.attempts, made.sent_at, made.result, made.error) == (S.PLANNED, 0, None, {}, "")
        assert made.created_at == NOW
        assert mirror.outbox.get(made.id) == made

    def test_the_same_wish_twice_is_one_row_and_both_callers_get_it(self, mirror: Mirror) -> None:
        first = mirror.outbox.add(SHOP, [wish("a"), wish("b")])
        second = mirror.outbox.add(SHOP, [wish("c"), wish("b", group="other"), wish("a")])
        assert keys(second) == ["c", "b", "a"]
        assert second[1:] == [first[1], first[0]]
        assert mirror.outbox.states(SHOP) == {"planned": 3}

    def test_the_same_key_in_two_shops_is_two_wishes(self, mirror: Mirror) -> None:
        mirror.outbox.add("rome", [wish("a")])
        assert mirror.outbox.by_key(SHOP, "a") is None
        assert mirror.outbox.add(SHOP, [wish("a")])[0].shop == SHOP


class TestOrder:
    def test_of_each_group_only_the_first_is_due_oldest_group_first(self, mirror: Mirror) -> None:
        mirror.outbox.add(SHOP, [wish("a1", "a"), wish("b1", "b"), wish("a2", "a"), wish("b2", "b")])
        assert due(mirror) == ["a1", "b1"]
        go(mirror, "a1", S.SENDING)
        assert due(mirror) == ["b1"]
        go(mirror, "a1", S.CONFIRMED)
        assert due(mirror) == ["b1", "a2"]
        assert keys(mirror.outbox.due(SHOP, NOW, 1)) == ["b1"]

    def test_what_comes_by_the_thousand_lets_all_others_go_first(self, mirror: Mirror) -> None:
        mirror.outbox.add(SHOP, [wish("a", "a", origin=BULK), wish("b", "b", origin=BULK), wish("c", "c")])
        assert due(mirror) == ["c", "a", "b"]

    @pytest.mark.parametrize("state", [S.SENDING, S.IN_DOUBT, S.CONFLICT])
    def test_one_that_is_stuck_holds_up_its_own_group_only(self, mirror: Mirror, state: IntentState) -> None:
        mirror.outbox.add(SHOP, [wish("a1", "a"), wish("a2", "a"), wish("b1", "b")])
        go(mirror, "a1", S.SENDING, *([] if state is S.SENDING else [state]), due_at=LATER)
        assert due(mirror) == ["b1"]

    @pytest.mark.parametrize("state", [S.CONFIRMED, S.CANCELLED, S.FAILED])
    def test_one_that_is_over_lets_the_next_pass(self, mirror: Mirror, state: IntentState) -> None:
        mirror.outbox.add(SHOP, [wish("a1", "a"), wish("a2", "a")])
        go(mirror, "a1", state)
        assert due(mirror) == ["a2"]

    def test_a_doubtful_one_is_due_for_its_look_up_when_the_settle_time_is_over(self, mirror: Mirror) -> None:
        mirror.outbox.add(SHOP, [wish("a1", "a"), wish("a2", "a")])
        go(mirror, "a1", S.SENDING)
        go(mirror, "a1", S.IN_DOUBT, due_at=LATER)
        assert due(mirror) == []
        assert mirror.outbox.next_due(SHOP) == LATER
        assert due(mirror, LATER) == ["a1"]
        go(mirror, "a1", S.IN_DOUBT, due_at=LATER + timedelta(hours=1))
        assert due(mirror, LATER) == []

    def test_what_comes_after_another_waits_until_that_is_confirmed(self, mirror: Mirror) -> None:
        mirror.outbox.add(SHOP, [wish("create", "a"), wish("mail", "b", after="create"), wish("lost", "c", after="?")])
        assert due(mirror) == ["create"]
        go(mirror, "create", S.SENDING)
        assert due(mirror) == []
        go(mirror, "create", S.CONFIRMED)
        assert due(mirror) == ["mail"]

    @pytest.mark.parametrize("state", [S.FAILED, S.CANCELLED])
    def test_a_chain_whose_first_link_broke_stays_planned_and_says_what_it_waits_for(
        self, mirror: Mirror, state: IntentState
    ) -> None:
        mirror.outbox.add(SHOP, [wish("create", "a"), wish("text", "a", after="create"), wish("next", "a")])
        go(mirror, "create", state)
        assert due(mirror) == ["next"]  # what waits for something broken holds nobody up
        shown = {item["key"]: item["waits_for"] for item in mirror.queries.intents(SHOP)}
        assert shown["text"] == {"key": "create", "state": state.value, "why": "after"}
        assert shown["next"] is None
        assert mirror.outbox.get(mirror.outbox.by_key(SHOP, "text").id).state is S.PLANNED

    def test_in_a_mirror_that_was_brought_back_nobody_waits_for_a_doubt_that_waits_itself(self, mirror: Mirror) -> None:
        mirror.outbox.add(SHOP, [wish("text", "a"), wish("status", "a", after="text"), wish("next", "a")])
        adopt(mirror.database)
        assert due(mirror, NOW.replace(year=NOW.year + 9)) == ["text"]
        go(mirror, "text", S.PLANNED)  # looked up, and not there
        assert due(mirror, NOW.replace(year=NOW.year + 9)) == ["next"]  # looked up before anything is sent
        go(mirror, "next", S.PLANNED)
        assert due(mirror) == ["text"]
        go(mirror, "text", S.SENDING, S.CONFIRMED)
        assert due(mirror, NOW.replace(year=NOW.year + 9)) == ["status"]

    def test_in_a_mirror_that_was_brought_back_a_doubt_is_over_when_what_it_follows_has_failed(
        self, mirror: Mirror
    ) -> None:
        mirror.outbox.add(SHOP, [wish("text", "a"), wish("status", "b", after="text")])
        adopt(mirror.database)
        assert mirror.outbox.stranded(SHOP) == []
        go(mirror, "text", S.PLANNED, S.FAILED)
        assert keys(mirror.outbox.stranded(SHOP)) == ["status"]
        assert go(mirror, "status", S.CANCELLED).state is S.CANCELLED

    def test_filing_a_mail_has_its_own_group_per_copy(self, mirror: Mirror) -> None:
        filing = [wish(f"mail.file:{n}", f"file:{n}", kind=Kind.MAIL_FILE) for n in (1, 2)]
        mirror.outbox.add(SHOP, filing)
        go(mirror, "mail.file:1", S.SENDING)
        assert due(mirror) == ["mail.file:2"]

    def test_a_failed_one_that_is_sent_again_waits_for_a_later_one_on_its_way(self, mirror: Mirror) -> None:
        mirror.outbox.add(SHOP, [wish("a1", "a"), wish("a2", "a"), wish("a3", "a")])
        go(mirror, "a1", S.FAILED)
        go(mirror, "a2", S.SENDING)
        go(mirror, "a1", S.PLANNED)
        assert due(mirror) == []
        go(mirror, "a2", S.IN_DOUBT)
        assert due(mirror) == ["a2"]
        go(mirror, "a2", S.CONFIRMED)
        assert due(mirror) == ["a1"]

    def test_only_restricts_without_jumping_the_queue(self, mirror: Mirror) -> None:
        made = mirror.outbox.add(SHOP, [wish("a1", "a"), wish("a2", "a"), wish("b1", "b")])
        assert keys(mirror.outbox.due(SHOP, NOW, 9, only=[made[1].id, made[2].id])) == ["b1"]
        assert mirror.outbox.due(SHOP, NOW, 9, only=[]) == []

    def test_a_clock_that_was_set_back_holds_up_nothing_new(self, mirror: Mirror) -> None:
        mirror.outbox.add(SHOP, [wish("a1", "a")])
        assert due(mirror, NOW - timedelta(days=1)) == ["a1"]
        go(mirror, "a1", S.PLANNED, due_at=LATER)
        assert due(mirror, NOW) == []

    def test_waiting_for_follows_the_chain(self, mirror: Mirror) -> None:
        wishes = [wish("a"), wish("b", after="a"), wish("c", after="b"), wish("d", after="c"), wish("x")]
        mirror.outbox.add(SHOP, wishes)
        go(mirror, "b", S.CANCELLED)
        assert keys(mirror.outbox.waiting_for(SHOP, "a")) == ["c", "d"]
        assert mirror.outbox.waiting_for(SHOP, "d") == []


class TestMoves:
    def test_sending_is_counted_and_dated_and_the_rest_is_kept(self, mirror: Mirror) -> None:
        mirror.outbox.add(SHOP, [wish("a")])
        sent = go(mirror, "a", S.SENDING)
        assert (sent.state, sent.attempts, sent.sent_at) == (S.SENDING, 1, NOW)
        back = go(mirror, "a", S.PLANNED, due_at=LATER, error="shop.busy", error_detail="503")
        assert (back.due_at, back.error, back.error_detail) == (LATER, "shop.busy", "503")
        done = go(mirror, "a", S.SENDING, S.CONFIRMED, remote_id=9, result={"id": 9}, payload={"text": "cut"})
        assert (done.attempts, done.remote_id, done.result, done.payload, done.error) == (
            2,
            9,
            {"id": 9},
            {"text": "cut"},
            "",
        )

    @pytest.mark.parametrize("origin", list(S))
    def test_only_the_legal_moves_are_made(self, mirror: Mirror, origin: IntentState) -> None:
        ways = {S.SENDING: [S.SENDING], S.IN_DOUBT: [S.SENDING, S.IN_DOUBT], S.PLANNED: []}
        for target in S:
            mirror.outbox.add(SHOP, [wish(f"to {target}")])
            intent = go(mirror, f"to {target}", *ways.get(origin, [origin]))
            if target in LEGAL_MOVES[origin]:
                assert mirror.outbox.move(intent, target, now=NOW).state is target
            else:
                with pytest.raises(StateError) as refused:
                    mirror.outbox.move(intent, target, now=NOW)
                assert refused.value.code == "outbox.illegal_move"

    def test_of_two_that_move_the_same_row_the_second_is_told(self, mirror: Mirror) -> None:
        intent = mirror.outbox.add(SHOP, [wish("a")])[0]
        mirror.outbox.move(intent, S.SENDING, now=NOW)
        with pytest.raises(StateError) as refused:
            mirror.outbox.move(intent, S.SENDING, now=NOW)
        assert refused.value.code == "outbox.moved_elsewhere"
        assert refused.value.facts["found"] == "sending"
        assert mirror.outbox.get(intent.id).attempts == 1

    def test_after_a_crash_what_was_being_sent_is_doubtful_and_due(self, mirror: Mirror) -> None:
        mirror.outbox.add(SHOP, [wish("a", "a"), wish("b", "b")])
        mirror.outbox.add("rome", [wish("a")])
        go(mirror, "a", S.SENDING)
        assert [(i.key, i.state) for i in mirror.outbox.doubtful_after_crash(SHOP, LATER)] == [("a", S.IN_DOUBT)]
        assert mirror.outbox.doubtful_after_crash(SHOP, LATER) == []
        assert due(mirror, LATER) == ["a", "b"]

    def test_a_conflict_is_noted_with_both_sides_until_somebody_resolves_it(self, mirror: Mirror) -> None:
        mirror.outbox.add(SHOP, [wish("a")])
        sides = Clash("changed_meanwhile", "open", "closed", "pending1")
        intent = go(mirror, "a", S.CONFLICT, error="changed_meanwhile", error_detail="state 4", clash=sides)
        (noted,) = mirror.conflicts.listing(SHOP)
        assert (noted.intent_id, noted.clash, noted.detail, noted.resolution) == (intent.id, sides, "state 4", "")
        assert mirror.conflicts.get(noted.id) == noted
        go(mirror, "a", S.CANCELLED)
        assert mirror.conflicts.listing(SHOP) == []
        (noted,) = mirror.conflicts.listing(SHOP, resolved=True)
        assert (noted.resolution, noted.resolved_by, noted.resolved_at) == ("shop", "person", NOW)

    @pytest.mark.parametrize(("state", "side"), [(S.CANCELLED, "shop"), (S.SENDING, "ours")])
    def test_what_the_policy_decides_is_noted_as_decided(self, mirror: Mirror, state: S, side: str) -> None:
        mirror.outbox.add(SHOP, [wish("a")])
        intent = go(mirror, "a", state, clash=Clash("changed_meanwhile", "open", "closed", "pending1"))
        assert mirror.conflicts.listing(SHOP) == []
        (noted,) = mirror.conflicts.of_intent(intent.id)
        assert (noted.resolution, noted.resolved_by) == (side, "policy")

    def test_what_was_put_off_is_counted_until_it_is_wanted_again(self, mirror: Mirror) -> None:
        mirror.outbox.add(SHOP, [wish("a")])
        go(mirror, "a", S.PLANNED, delayed=True)
        assert go(mirror, "a", S.PLANNED, delayed=True).delays == 2
        assert mirror.outbox.revive(go(mirror, "a", S.FAILED), None, NOW).delays == 0

    def test_when_nothing_was_sent_there_is_nothing_to_look_up(self, mirror: Mirror) -> None:
        mirror.outbox.add(SHOP, [wish("a"), wish("b", "b")])
        assert go(mirror, "a", S.SENDING, S.PLANNED).sent_at is None
        doubtful = go(mirror, "b", S.SENDING, S.IN_DOUBT, S.CANCELLED)
        assert mirror.outbox.revive(doubtful, None, LATER).sent_at == NOW

    def test_what_follows_from_a_move_is_committed_with_it_or_not_at_all(self, mirror: Mirror) -> None:
        (intent,) = mirror.outbox.add(SHOP, [wish("a")])
        mirror.outbox.move(intent, S.FAILED, now=NOW, error="shop_refused", then=[wish("note")])
        assert mirror.outbox.by_key(SHOP, "note").state is S.PLANNED
        with pytest.raises(StateError):
            mirror.outbox.move(intent, S.FAILED, now=NOW, then=[wish("second")])
        assert mirror.outbox.by_key(SHOP, "second") is None

    @pytest.mark.parametrize("state", [S.FAILED, S.CANCELLED, S.CONFLICT])
    def test_what_waits_for_something_that_came_to_nothing_is_found(self, mirror: Mirror, state: IntentState) -> None:
        mirror.outbox.add(SHOP, [wish("a"), wish("b", after="a"), wish("c", after="b"), wish("d", after="?")])
        assert mirror.outbox.stranded(SHOP) == []
        go(mirror, "a", state)
        assert keys(mirror.outbox.stranded(SHOP)) == ["b"]

    def test_changes_of_ours_that_came_in_between_are_found(self, mirror: Mirror) -> None:
        mirror.outbox.add(SHOP, [wish("a"), wish("b"), wish("c", "c"), wish("d", "d", kind=Kind.THREAD_STATUS)])
        for key in ("c", "a", "d"):
            go(mirror, key, S.CONFIRMED)
        late = mirror.outbox.by_key(SHOP, "b")
        assert late is not None
        assert keys(mirror.outbox.confirmed_since(late)) == ["a", "c"]
        assert keys(mirror.outbox.confirmed_since(late, in_group=True)) == ["a"]
        young = replace(late, created_at=NOW + timedelta(seconds=1))
        assert keys(mirror.outbox.confirmed_since(young)) == []


class TestListing:
    def test_counts_and_lists(self, mirror: Mirror) -> None:
        wishes = [wish("a", "a"), wish("b", "b", kind=Kind.THREAD_STATUS), wish("c", "c")]
        mirror.outbox.add(SHOP, wishes)
        mirror.outbox.add("rome", [wish("r")])
        go(mirror, "c", S.FAILED)
        assert mirror.outbox.states(SHOP) == {"planned": 2, "failed": 1}
        assert keys(mirror.outbox.listing(SHOP, [S.FAILED])) == ["c"]
        assert keys(mirror.outbox.listing(None)) == ["a", "b", "c", "r"]
        assert keys(mirror.outbox.listing(SHOP, limit=2)) == ["b", "c"]
        assert mirror.outbox.next_due("nobody") is None

    def test_intents_are_found_by_the_copy_they_come_from(self, mirror: Mirror) -> None:
        mirror.ledger.enter(SHOP, [copy(1)])
        source = mirror.ledger.received(SHOP, 1)[0]
        mirror.outbox.add(SHOP, [wish("a", copy_id=source.id), wish("b")])
        assert keys(mirror.outbox.of_copy(source.id)) == ["a"]


def test_whatever_happens_no_group_has_two_in_flight_and_the_order_is_kept(mirror: Mirror) -> None:
    """Random wishes, sends, outcomes and interventions; each example is a shop of its own in one mirror."""
    shops = count()

    @settings(max_examples=50, deadline=None)
    @given(st.data())
    def play(data: st.DataObject) -> None:
        shop, now, made = f"shop{next(shops)}", NOW, 3
        mirror.outbox.add(shop, [wish("0", "a"), wish("1", "a"), wish("2", "b", data.draw(st.sampled_from(["", "0"])))])
        for _ in range(data.draw(st.integers(4, 12))):
            now += timedelta(seconds=1)
            step = data.draw(st.sampled_from(["wish", "send", "outcome", "fail", "retry", "cancel"]))
            every = mirror.outbox.listing(shop)
            ready = mirror.outbox.due(shop, now, 99)
            hold(mirror, every, ready)
            if step == "wish":
                after = data.draw(st.sampled_from(["", "", *(str(n) for n in range(made))]))
                mirror.outbox.add(shop, [wish(str(made), data.draw(st.sampled_from("ab")), after)])
                made += 1
            elif step == "send":
                for intent in ready:
                    mirror.outbox.move(intent, S.SENDING if intent.state is S.PLANNED else S.PLANNED, now=now)
            else:
                origins, targets = STEPS[step]
                movable = [one for one in every if one.state in origins]
                if movable:
                    chosen, target = data.draw(st.sampled_from(movable)), data.draw(st.sampled_from(targets))
                    due_at = now + timedelta(seconds=data.draw(st.integers(0, 2)))
                    mirror.outbox.move(chosen, target, now=now, due_at=due_at)

    play()


STEPS = {
    "outcome": ([S.SENDING], [S.CONFIRMED, S.IN_DOUBT, S.PLANNED, S.CONFLICT]),
    "fail": ([S.PLANNED, S.SENDING, S.IN_DOUBT], [S.FAILED]),
    "retry": ([S.FAILED, S.CONFLICT], [S.PLANNED]),
    "cancel": ([S.PLANNED, S.IN_DOUBT, S.FAILED, S.CONFLICT], [S.CANCELLED]),
}


def may_start(mirror: Mirror, intent: Intent) -> bool:
    """False for one that waits for another: it holds nobody up."""
    first = mirror.outbox.by_key(intent.shop, intent.after) if intent.after else None
    return not intent.after or (first is not None and first.state is S.CONFIRMED)


def hold(mirror: Mirror, every: list[Intent], ready: list[Intent]) -> None:
    """What must be true at every moment."""
    assert [one.id for one in ready] == sorted(one.id for one in ready)
    groups = [one.group for one in every if one.state in (S.SENDING, S.IN_DOUBT)]
    assert len(groups) == len(set(groups)), "two of one group in flight"
    assert len(ready) == len({one.group for one in ready}), "two of one group due"
    for intent in ready:
        assert not intent.after or mirror.outbox.by_key(intent.shop, intent.after).state is S.CONFIRMED
        if intent.state is S.PLANNED:
            before = [one for one in every if one.group == intent.group and one.id < intent.id]
            before = [one for one in before if one.state is not S.PLANNED or may_start(mirror, one)]
            assert all(one.state in (S.CONFIRMED, S.CANCELLED, S.FAILED) for one in before), "order"
            assert intent.group not in groups, "another one is on its way"
