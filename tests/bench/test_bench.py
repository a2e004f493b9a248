"""The benchmark works from end to end on a small shop. No time is asserted, and the peer is left out: it needs a
network."""

import ast
import json
import subprocess
import sys

import pytest

from bench import replies
from bench.results import at_least, at_most, disturbed, table
from tests.source import REPOSITORY, imports, modules


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "result.json"
    command = [
        sys.executable,
        "-m",
        "bench",
        "--orders",
        "150,300",
        "--peer",
        "no",
        "--replies",
        "3",
        "--mails",
        "40",
        "--threads",
        "120",
        "--messages",
        "30",
        "--result",
        str(path),
    ]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text()), done.stdout


def test_every_comparison_is_made_at_each_size(outcome):
    result, printed = outcome
    names = [line["name"] for line in result["lines"]]
    for size in ("150 orders", "300 orders"):
        for comparison in ("first pull / floor", "idle cycle, requests", "idle cycle, our CPU", "delta of"):
            assert any(name.startswith(comparison) and size in name for name in names), (comparison, size)
    assert "first pull / floor, 150 orders, no service time" in names
    assert "peak memory, 300 orders / 150 orders" in names
    assert "decode orders, XML / JSON" in names
    for page in ("open threads", "waiting", "rare word", "frequent word", "thread", "service"):
        assert f"page, {page}, median / limit, 120 threads" in names
    assert "sweep, whole rows / ours, 150 orders" in names
    assert all(name in printed for name in names)


def test_the_floor_makes_the_requests_that_the_pull_made(outcome):
    for facts in outcome[0]["facts"].values():
        pull, floor = facts["first pull, genuine speed"], facts["floor, genuine speed"]
        assert pull["requests"] == floor["requests"] > 20
        assert floor["service_seconds"] == pytest.approx(pull["service_seconds"])
        assert floor["bytes"] > 1000


def test_what_is_pushed_is_what_a_bare_client_posts(outcome):
    found = outcome[0]["facts"]["150"]["push, genuine speed"]
    assert (found["ours"]["counts"]["confirmed"], found["floor"]["posts"]) == (30, 30)
    line = next(one for one in outcome[0]["lines"] if one["name"].startswith("push of 30 messages, rate"))
    assert line["ratio"] == pytest.approx(line["other"] / line["ours"])


def test_what_was_measured_is_whole(outcome):
    for orders, facts in outcome[0]["facts"].items():
        assert facts["shop_rows"]["orders"] == int(orders)
        assert facts["first pull, genuine speed"]["rows"] > int(orders)
        assert facts["first pull, genuine speed"]["peak"] > 10
        assert facts["first pull, genuine speed"]["stolen"] >= 0
        assert facts["idle"]["counts"]["new"] == 0
        assert facts["delta"]["counts"]["new"] == facts["delta"]["changed"]["messages"] == 100
        assert facts["sweep by id lists"]["requests"] > 0


def test_an_idle_cycle_asks_each_resource_once(outcome):
    for facts in outcome[0]["facts"].values():
        assert facts["idle"]["requests"] == len(facts["idle"]["watched"])


def test_replies_are_timed_or_it_is_said_why_not(outcome):
    result, _ = outcome
    lines = [line["name"] for line in result["lines"] if line["name"].startswith("reply to shop through IDLE")]
    facts = result["facts"]["150"]["reply to shop"]
    if replies.can():
        assert len(lines) == 3
        assert len(facts["arrived"]["all"]) == 3
        assert 0 < facts["arrived"]["median"] <= facts["arrived"]["p95"]
    else:
        assert (lines, facts) == ([], {"not measured": replies.MISSING})
    assert "reply to shop" not in result["facts"]["300"]


def test_every_mail_of_the_bag_is_fetched_and_decided_on(outcome):
    lines = [line["name"] for line in outcome[0]["lines"] if line["name"].startswith("collect and decide")]
    facts = outcome[0]["facts"]["150"]["mails"]
    if replies.can():
        assert len(lines) == 3
        assert facts["ours"]["counts"] == {"fetched": 40, "decided": 40}
        assert facts["parsed"]["mails"] == facts["read"]["mails"] == 40
        assert facts["read"]["characters"] > 40 * 300
    else:
        assert (lines, facts) == ([], {"not measured": replies.MISSING})


def test_without_a_peer_no_environment_is_made_for_it(outcome):
    assert not any("prestapyt" in name for facts in outcome[0]["facts"].values() for name in facts)


def test_a_ratio_says_whether_its_target_is_met():
    assert at_most("a", 1.2, 1.0, "s", 1.2).met is True
    assert at_most("a", 1.3, 1.0, "s", 1.2).met is False
    assert at_least("a", 1.0, 3.5, "s", 3.0).ratio == 3.5
    assert at_least("a", 1.0, 2.5, "s", 3.0).met is False
    assert at_most("a", 1.3, 1.0, "s").met is None
    assert "NOT MET" in table([at_most("a", 1.3, 1.0, "s", 1.2)])


def test_a_measurement_that_the_host_disturbed_is_named():
    calm, stolen = {"seconds": 10.0, "stolen": 0.4}, {"seconds": 10.0, "stolen": 2.0}
    facts = {"150 orders": {"idle": calm, "mails": {"ours": stolen, "read": calm}, "delta": {"seconds": 1.0}}}
    assert list(disturbed(facts)) == [("150 orders, mails, ours", 0.2)]


def test_the_package_knows_nothing_of_the_bench_and_neither_imports_the_peer():
    assert [module for module, tree in modules().items() for name, _ in imports(tree) if name.startswith("bench")] == []
    found = {
        (path.name, name)
        for path in (REPOSITORY / "bench").glob("*.py")
        for name, _ in imports(ast.parse(path.read_text(encoding="utf-8")))
        if "prestapyt" in name
    }
    assert {name for name, _ in found} == {"peer_prestapyt.py"}
