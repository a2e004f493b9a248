from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from connector.mirror.db import Mirror
from tests.mirror.world import NOW


def test_per_leg_the_last_run_and_the_last_success_are_told(mirror: Mirror) -> None:
    good = mirror.runs.begin("paris", "pull", "r1", NOW)
    mirror.runs.finish(good, NOW + timedelta(seconds=2), "ok", {"rows": 5})
    bad = mirror.runs.begin("paris", "pull", "r2", NOW + timedelta(minutes=1))
    mirror.runs.finish(bad, NOW + timedelta(minutes=2), "failed", {}, "shop.unreachable")
    mirror.runs.begin("paris", "collect", "r3", NOW)
    mirror.runs.begin("rome", "pull", "r4", NOW)
    collect, pull = mirror.runs.last("paris")
    assert (collect["leg"], collect["finished_at"], collect["outcome"]) == ("collect", None, "")
    assert collect["last_success_at"] is None
    assert pull == {
        "leg": "pull",
        "run_id": "r2",
        "started_at": NOW + timedelta(minutes=1),
        "finished_at": NOW + timedelta(minutes=2),
        "outcome": "failed",
        "counts": {},
        "error": "shop.unreachable",
        "last_success_began": NOW,
        "last_success_at": NOW + timedelta(seconds=2),
    }
    assert mirror.runs.last("nowhere") == []


def test_old_runs_go_but_the_last_success_stays(mirror: Mirror) -> None:
    mirror.runs.finish(mirror.runs.begin("paris", "pull", "old", NOW), NOW, "ok", {})
    for _ in range(110):
        mirror.runs.begin("paris", "pull", "r", NOW + timedelta(days=1))
    for _ in range(100):
        mirror.runs.begin("paris", "pull", "r", NOW + timedelta(days=90))
    with mirror.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM run")).scalar() == 101
    assert mirror.runs.last("paris")[0]["last_success_at"] == NOW
