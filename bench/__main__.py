"""`make bench`, `python -m bench`: measure, print the table of ratios, write everything as JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bench import peer
from bench.processes import ROOT
from bench.results import Line, disturbed, table
from bench.scenes import Scenes, memory
from bench.shop import running

CACHE = ROOT / ".bench"


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="This program beside the floor and a peer.")
    orders = os.environ.get("BENCH_ORDERS", "10000,100000")
    parser.add_argument(
        "--orders", default=orders, help="sizes of the shop, comma-separated [BENCH_ORDERS, %(default)s]"
    )
    parser.add_argument(
        "--peer",
        default=os.environ.get("BENCH_PEER", "all"),
        choices=("all", "first", "no"),
        help="run prestapyt at all sizes, at the first, or not at all [BENCH_PEER, %(default)s]",
    )
    parser.add_argument(
        "--replies",
        type=int,
        default=os.environ.get("BENCH_REPLIES", "20"),
        help="how many replies are timed from mailbox to shop, at least 2 [BENCH_REPLIES, %(default)s]",
    )
    parser.add_argument(
        "--mails",
        type=int,
        default=os.environ.get("BENCH_MAILS", "10000"),
        help="how many mails are collected and decided on [BENCH_MAILS, %(default)s]",
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=os.environ.get("BENCH_THREADS", "100000"),
        help="on a mirror of how many threads the page is timed [BENCH_THREADS, %(default)s]",
    )
    parser.add_argument(
        "--messages",
        type=int,
        default=os.environ.get("BENCH_MESSAGES", "1000"),
        help="how many queued messages are pushed [BENCH_MESSAGES, %(default)s]",
    )
    result = Path(os.environ.get("BENCH_RESULT", CACHE / "result.json"))
    parser.add_argument("--result", type=Path, default=result, help="where to write JSON [BENCH_RESULT, %(default)s]")
    found = parser.parse_args(argv)
    try:
        found.orders = [int(part) for part in found.orders.split(",")]
    except ValueError:
        parser.error(f"sizes such as 1000,10000, not {found.orders}")
    if found.replies < 2:
        parser.error("at least 2 replies: one has no distribution")
    if found.mails < 1 or found.messages < 1:
        parser.error("at least 1 mail and 1 message")
    if found.threads < 60:
        parser.error("at least 60 threads")
    return found


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def main(argv: list[str]) -> int:
    wanted = _arguments(argv)
    began = time.monotonic()
    python = None
    if wanted.peer != "no":
        say("an environment for prestapyt ...")
        python = peer.environment(CACHE / "prestapyt")
    done: list[Scenes] = []
    for place, orders in enumerate(wanted.orders):
        say(f"a shop of {orders:,} orders ...")
        with running(orders) as shop:
            scenes = Scenes(shop, say, python if wanted.peer == "all" or place == 0 else None)
            scenes.run(
                all_of_it=place == 0,
                replies=wanted.replies,
                mails=wanted.mails,
                messages=wanted.messages,
                threads=wanted.threads,
            )
        done.append(scenes)
    lines = [*(line for scenes in done for line in scenes.lines), *memory(done)]
    _write(wanted.result, lines, done)
    print(table(lines))
    for name, share in disturbed({scenes.size: scenes.facts for scenes in done}):
        say(f"disturbed: {name}: the host of this machine gave {share:.0%} of the time to others")
    say(f"{time.monotonic() - began:.0f} s; everything measured: {wanted.result}")
    return 0


def _write(path: Path, lines: list[Line], done: list[Scenes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "lines": [line.as_json() for line in lines],
        "facts": {str(scenes.shop.orders): scenes.facts | {"shop_rows": scenes.shop.rows} for scenes in done},
    }
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
