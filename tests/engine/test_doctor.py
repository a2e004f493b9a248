"""Single checks of an examination: what they make of rights, clocks, grants, disks, and of their own faults."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from string import Formatter

import pytest

from connector.core.model import ShopInfo
from connector.engine.doctor import mail, place
from connector.engine.doctor.finding import Finding, State, attempt, counts, fail, ok, outcome, skip, warn
from connector.engine.doctor.rights import rights
from connector.engine.doctor.shop import CLOCK, Contact
from connector.errors import CheckFound, ConnectorError, Exit, NotPermitted, ShopUnavailable
from connector.words_parts.doctor import SAID, WORDS
from tests.source import modules

NOW = datetime(2025, 1, 31, 12, tzinfo=UTC)


class Grant:
    """A login by OAuth."""

    name = "support"

    def __init__(self, *states: str, renewed: datetime | None = NOW) -> None:
        self.states = list(states)
        self.renewed = renewed

    def state(self) -> str:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def renewed_at(self) -> datetime | None:
        return self.renewed


def told(findings: list[Finding]) -> list[tuple[State, str]]:
    return [(one.state, one.code) for one in findings]


def at(clock: datetime | None) -> Finding:
    """What is said of a shop whose server tells this time."""
    info = ShopInfo("shop", "8.2.1", {}, clock)
    contact = Contact("main", "https://shop.test", lambda: info, lambda: True, (), lambda: NOW)
    (found,) = [one for one in contact.findings() if one.check == CLOCK]
    return found


@pytest.mark.parametrize(("seconds", "state"), [(0, "ok"), (29, "ok"), (-29, "ok"), (31, "warn"), (-3600, "warn")])
def test_a_clock_that_is_off_is_warned_of(seconds: int, state: str) -> None:
    found = at(NOW + timedelta(seconds=seconds))
    assert found.state == state
    if state == "warn":
        assert found.facts == {"seconds": abs(seconds), "side": "ahead of" if seconds > 0 else "behind"}


def test_a_shop_that_tells_no_time_is_not_judged() -> None:
    assert at(None).state is State.SKIP


def test_an_old_shop_needs_put_and_a_new_one_must_not_have_it() -> None:
    def codes(has_patch: bool) -> set[str]:
        needed = {"GET", "POST", "PUT", "PATCH"}
        info = ShopInfo("shop", "", {"customer_threads": frozenset(needed)})
        return {one.code for one in rights("main", info, ["customer_threads"], has_patch) if one.state is State.WARN}

    assert codes(has_patch=True) == {"doctor.may_write"}  # PUT
    assert codes(has_patch=False) == {"doctor.may_write"}  # PATCH, which it cannot have
    info = ShopInfo("shop", "", {"customer_threads": frozenset({"GET", "POST", "PUT"})})
    assert [one.code for one in rights("main", info, ["customer_threads"], False)][-1] == "shop.rights_beyond"


def test_what_the_attempt_tells_of_a_grant_is_not_told_twice() -> None:
    dead = fail("mailbox.login", "main.support", NotPermitted("oauth.grant_dead"))
    assert told(list(mail.with_grant("main", Grant("oauth.grant_dead"), [dead], NOW))) == [(State.FAIL, dead.code)]
    mended = ok("mailbox.login", "main.support", "mailbox.login")
    assert told(list(mail.with_grant("main", Grant("oauth.token_refused", ""), [mended], NOW))) == told([mended])
    asked_not = skip("mailbox.login", "main.support", "doctor.offline")
    known = told(list(mail.with_grant("main", Grant("oauth.grant_dead"), [asked_not], NOW)))
    assert known == [(State.FAIL, "oauth.grant_dead"), *told([asked_not])]


@pytest.mark.parametrize(
    ("renewed", "code"),
    [(NOW, "oauth.grant"), (NOW - timedelta(days=61), "doctor.grant_old"), (None, "doctor.grant_unused")],
)
def test_the_age_of_a_grant(renewed: datetime | None, code: str) -> None:
    assert [one.code for one in mail.login_findings("main", Grant("", renewed=renewed), NOW)] == [code]


@pytest.mark.parametrize(
    ("revision", "damage", "size", "room", "expected"),
    [
        ("0007", "", 10, 10**10, ["mirror.schema", "mirror.disk"]),
        ("0006", "", 10, 10**10, ["doctor.schema_old", "mirror.disk"]),
        ("0008", "", 10, 10**10, ["mirror.newer_schema", "mirror.disk"]),
        ("", "row missing from index", 10, 10**10, ["mirror.damaged", "mirror.disk"]),
        ("0007", "", 10**9, 10**9 - 1, ["mirror.schema", "doctor.disk_low"]),
        ("0007", "", 10, 1000, ["mirror.schema", "doctor.disk_full"]),
        ("0007", "", 10, None, ["mirror.schema", "doctor.room_unknown"]),
    ],
)
def test_the_mirror_and_its_room(revision: str, damage: str, size: int, room: int | None, expected: list[str]) -> None:
    state = place.MirrorState("/m.db", revision, "0007", damage, size, room)
    assert [one.code for one in place.mirror(state)] == expected


def test_a_fault_of_a_check_is_a_finding() -> None:
    def broken() -> list[Finding]:
        raise ZeroDivisionError

    (found,) = attempt("shop.clock", "main", broken)
    assert (found.state, found.code, found.facts["error"]) == (State.FAIL, "doctor.fault", "ZeroDivisionError")


def test_warnings_are_no_failure_and_of_failures_the_first_of_a_fixed_order_counts() -> None:
    noted = [warn("a", "", CheckFound("doctor.own_imap")), skip("b", "", "doctor.offline"), ok("c", "", "rules")]
    assert (outcome(noted), counts(noted)) == (Exit.OK, {"ok": 1, "warn": 1, "fail": 0, "skip": 1})
    errors: list[ConnectorError] = [ShopUnavailable("shop.unreachable"), NotPermitted("state.other_owner")]
    assert outcome([*noted, *(fail("d", "", error) for error in errors)]) is Exit.NO_PERMISSION


def test_every_sentence_is_used_and_no_code_has_two_meanings() -> None:
    texts = {
        node.value
        for name, tree in modules().items()
        if not name.startswith("words_parts/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert sorted(SAID.keys() - texts) == []
    assert sorted(SAID.keys() & WORDS.keys()) == []
    assert all(name.isidentifier() for text in SAID.values() for _, name, _, _ in Formatter().parse(text) if name)
