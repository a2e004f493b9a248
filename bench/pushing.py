"""Many messages of the outbox into the shop, beside the same POSTs by a bare client."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.processes import Child, Facts
from bench.shop import Shop


def measure(shop: Shop, count: int) -> Facts:
    """ours: the push leg with so many queued messages; floor: its POSTs, of which there must be as many. Each twice in
    turn, the better one counts: a stall of the machine would be either's bad luck."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path, posts = shop.settings(Path(folder)), Path(folder) / "posts.jsonl"
        threads = [thread["id"] for thread in shop.threads(count)]
        found: dict[str, list[Facts]] = {"ours": [], "floor": []}
        with Child.module("ours_process", str(path)) as child, Child.module("push_floor_process") as floor:
            for _ in range(2):
                child.ask("queue", threads=threads, count=count)
                found["ours"].append(child.ask("push", file=str(posts)))
                found["floor"].append(floor.ask("post", base=shop.url, key=shop.key, file=str(posts)))
    best = {name: min(runs, key=lambda run: float(run["seconds"])) for name, runs in found.items()}
    if (best["ours"]["counts"]["confirmed"], best["floor"]["posts"]) != (count, count):
        raise RuntimeError(f"of {count} messages: {best}")
    return best
