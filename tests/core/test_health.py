"""Is a shop well? The same answer for status, monitoring, /readyz and the ping."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.core.health import Finding, LegState, Level, Limits, Vitals, check_line, judge, span, worst

LIMITS = Limits(warning=900, critical=3600)
EVERY = {"pull": 60.0, "sweep": 600.0, "collect": 30.0, "push": 15.0}
PULL = LegState("pull", "ok", lag=40.0)
WELL = Vitals("main", legs=[PULL, LegState("collect/service", "ok", lag=12.0), LegState("deletions", "ok", lag=90_000)])


def codes(seen: Vitals) -> dict[str, Level]:
    return {finding.code: finding.level for finding in judge(seen, LIMITS, EVERY)}


def test_a_shop_whose_legs_are_fresh_is_well():
    assert judge(WELL, LIMITS, EVERY) == []
    assert worst([]) is Level.OK


def test_nothing_is_known_of_a_shop_that_was_never_synced():
    assert codes(Vitals("main")) == {"never_synced": Level.UNKNOWN}


@pytest.mark.parametrize(("lag", "level"), [(901, Level.WARNING), (3601, Level.CRITICAL)])
def test_a_leg_that_falls_behind_is_told(lag, level):
    assert codes(replace(WELL, legs=[replace(PULL, lag=lag)])) == {"behind": level}


def test_a_leg_is_not_behind_before_three_of_its_pauses_are_over():
    late = [LegState("sweep", "ok", lag=1700.0)]
    assert judge(replace(WELL, legs=late), LIMITS, EVERY) == []
    assert judge(replace(WELL, legs=late), LIMITS, {}) != []


def test_a_failing_leg_warns_until_it_is_too_far_behind():
    failing = replace(PULL, outcome="failed", error="shop.unreachable")
    assert codes(replace(WELL, legs=[failing])) == {"leg_failed": Level.WARNING}
    assert codes(replace(WELL, legs=[replace(failing, lag=4000)]))["behind"] is Level.CRITICAL
    assert codes(replace(WELL, legs=[replace(failing, lag=None)]))["never_succeeded"] is Level.CRITICAL


@pytest.mark.parametrize(("error", "code"), [("guard.lost_mirror", "guard_tripped"), ("shop.key_refused", "refused")])
def test_what_only_a_person_can_mend_is_critical_at_once(error, code):
    assert codes(replace(WELL, legs=[replace(PULL, outcome="failed", error=error)])) == {code: Level.CRITICAL}
    assert codes(replace(WELL, reauthorise=["service"])) == {"reauthorise": Level.CRITICAL}
    assert codes(replace(WELL, unexplained=1)) == {"not_accounted": Level.CRITICAL}
    assert codes(replace(WELL, missing=1)) == {"not_accounted": Level.CRITICAL}


def test_what_waits_for_a_person_warns():
    seen = replace(WELL, intents={"failed": 1}, conflicts=1, quarantined_mails=2, quarantined_rows=1, duplicates=1)
    assert set(codes(seen).values()) == {Level.WARNING}
    assert len(codes(seen)) == 5


def test_a_change_that_waits_too_long_is_told_and_a_doubtful_one_never_wakes_anybody():
    assert codes(replace(WELL, oldest={"planned": 60})) == {}
    assert codes(replace(WELL, oldest={"planned": 1000})) == {"outbox_stuck": Level.WARNING}
    assert codes(replace(WELL, oldest={"planned": 5000})) == {"outbox_stuck": Level.CRITICAL}
    assert codes(replace(WELL, oldest={"in_doubt": 500_000})) == {"outbox_stuck": Level.WARNING}
    assert codes(replace(WELL, oldest={"conflict": 500_000})) == {}


def test_critical_beats_unknown_beats_warning():
    found = [Finding(level, "main", "x", "x") for level in (Level.WARNING, Level.UNKNOWN, Level.CRITICAL)]
    assert worst(found) is Level.CRITICAL
    assert worst(found[:2]) is Level.UNKNOWN


def test_the_line_says_the_worst_first_and_carries_data_behind_one_bar():
    seen = replace(WELL, conflicts=1, reauthorise=["ser|vice"])
    line = check_line([seen], judge(seen, LIMITS, EVERY), LIMITS)
    text, _, data = line.partition("|")
    assert text.startswith("PRESTASHOP-CONNECTOR CRITICAL - main: login ser/vice must be renewed; main: 1 conflict")
    assert "'main pull lag'=40s;900;3600;0" in data
    assert "|" not in data
    assert "\n" not in line
    assert check_line([WELL], [], LIMITS).startswith("PRESTASHOP-CONNECTOR OK - 1 shop well | ")


def test_many_findings_are_cut_with_their_number():
    found = [Finding(Level.WARNING, "main", "x", f"thing {n}") for n in range(9)]
    assert "and 3 more" in check_line([WELL], found, LIMITS)


def test_spans_are_for_people():
    assert [span(s) for s in (5, 119, 120, 7199, 7200, 200_000)] == ["5 s", "119 s", "2 min", "119 min", "2 h", "2 d"]
