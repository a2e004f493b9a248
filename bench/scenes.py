"""The comparisons of one shop, in the order in which they are made, and the lines that follow from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import mailbag, pages, pulls, pushing
from bench import replies as timed
from bench.processes import Child
from bench.results import Line, at_least, at_most
from bench.shop import Shop
from connector import config, packagedata
from connector.core.mapping import Resource

Say = Callable[[str], None]

FLOOR, PEER, MEMORY, IDLE_CPU, REPLY, MAILBAG, PAGE, PUSH = 1.2, 3.0, 1.1, 0.1, 1.0, 1.5, 0.1, 0.9
OWN_SYNC = 1.1  # milliseconds a small mail, syncImap of a genuine shop
ROUNDS = 3
SPEEDS = {True: "genuine speed", False: "no service time"}


@dataclass
class Scenes:
    """What one size has shown. lines: for the table; facts: everything, for the JSON file."""

    shop: Shop
    say: Say
    python: Path | None
    lines: list[Line] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    peak: float = 0.0

    def __post_init__(self) -> None:
        self.mapped: list[Resource] = [r for r in packagedata.resources() if self.shop.rows.get(r.name)]
        self.size = f"{self.shop.orders:,} orders"

    def run(self, *, all_of_it: bool, replies: int, mails: int, messages: int, threads: int) -> None:
        """all_of_it: also what says at a second size nothing new: no service time, the forms of lists and sweeps, and
        so many replies, mails and queued messages, and the page on so many threads."""
        self.say(f"{self.size}: rendering once ...")
        self.shop.warm([r.name for r in self.mapped])
        if all_of_it:
            with pulls.ours(self.shop) as ours:
                self._first_pull(ours, genuine=False)
            self._forms()
        with pulls.ours(self.shop) as ours:
            self._first_pull(ours, genuine=True, rounds=ROUNDS if all_of_it else 1)
            self._sweeps(ours, other_forms=all_of_it)
            self._idle(ours)
            self._delta(ours)
        if all_of_it:
            self._mailbag(mails)  # before a reply is in the shop: an empty mirror would count as lost then
            self._replies(replies)
            for genuine in (False, True):
                self._pushes(messages, genuine=genuine)
            self._pages(threads)

    # --- first pull ----------------------------------------------------------------------------------------------

    def _first_pull(self, ours: pulls.Ours, *, genuine: bool, rounds: int = 1) -> None:
        """rounds: how often each party is measured, in turns; the best of each counts."""
        speed = SPEEDS[genuine]
        self.shop.genuine(genuine)
        tries: list[pulls.Measured] = []
        floors: list[pulls.Measured] = []
        for number in range(1, rounds + 1):
            again = f" ({number} of {rounds})" if rounds > 1 else ""
            self.say(f"{self.size}, {speed}: first pull{again} ...")
            if number < rounds:
                with pulls.ours(self.shop) as fresh:
                    tries.append(fresh.do("pull"))
            else:
                tries.append(ours.do("pull"))
            self.say(f"{self.size}, {speed}: the same requests, thrown away{again} ...")
            floors.append(pulls.floor(self.shop, tries[-1].log.urls, self._connections()))
        pull = min(tries, key=lambda one: one.seconds)
        floor = min(floors, key=lambda one: one.seconds)
        rows = {name: count for name, count in ours.rows().items() if name in self.shop.rows}
        short = {name: count for name, count in rows.items() if name in self._whole and count != self.shop.rows[name]}
        if short:
            raise RuntimeError(f"the mirror is not the shop: {short} of {self.shop.rows}")
        limit = FLOOR if genuine else None
        self._add(at_most(f"first pull / floor, {self.size}, {speed}", pull.seconds, floor.seconds, "s", limit))
        self.facts[f"first pull, {speed}"] = pull.as_json() | {"rows": sum(rows.values())}
        self.facts[f"floor, {speed}"] = floor.as_json()
        if genuine:
            self.peak = max(float(one.facts["peak"]) for one in tries)
        if self.python is None:
            return
        self.say(f"{self.size}, {speed}: prestapyt ...")
        copies = [pulls.prestapyt(self.shop, self.python, [r.name for r in self.mapped]) for _ in range(rounds)]
        peer = min(copies, key=lambda one: one.seconds)
        limit = PEER if genuine else None
        self._add(
            at_least(f"first pull, prestapyt / ours, {self.size}, {speed}", pull.seconds, peer.seconds, "s", limit)
        )
        self.facts[f"prestapyt, {speed}"] = peer.as_json()

    @property
    def _whole(self) -> set[str]:
        """Resources that the mirror holds completely; of some, settings above all, only named rows are wanted."""
        return {r.name for r in self.mapped if not r.only}

    def _connections(self) -> int:
        """How many requests the program makes at a time, by default."""
        return int(config.ShopSettings.model_fields["connections"].default)

    # --- what comes after ----------------------------------------------------------------------------------------

    def _idle(self, ours: pulls.Ours) -> None:
        self.say(f"{self.size}: nothing has changed ...")
        crowded = ours.do("pull")
        self.shop.calm()
        ours.do("pull")
        runs = [ours.do("pull") for _ in range(3)]
        best = min(runs, key=lambda run: float(run.facts["cpu"]))
        watched = best.log.resources - {""}
        self._add(
            at_most(f"idle cycle, requests / watched resources, {self.size}", len(best.log.urls), len(watched), "", 1)
        )
        self._add(at_most(f"idle cycle, our CPU / limit, {self.size}", best.facts["cpu"], IDLE_CPU, "s CPU", 1))
        name = f"idle cycle after an import, requests / watched resources, {self.size}"
        self._add(at_most(name, len(crowded.log.urls), len(crowded.log.resources - {""}), ""))
        self.facts["idle after an import"] = crowded.as_json()
        self.facts["idle"] = best.as_json() | {"watched": sorted(watched)}
        full = self.facts.get(f"prestapyt, {SPEEDS[True]}")
        if full:
            name = f"idle cycle, prestapyt's full read / ours, {self.size}"
            self._add(at_least(name, best.seconds, full["seconds"], "s"))

    def _delta(self, ours: pulls.Ours) -> None:
        self.say(f"{self.size}: {pulls.CHANGES} changed orders and as many messages ...")
        changed = self.shop.change(pulls.CHANGES)
        delta = ours.do("pull")
        counts = delta.facts["counts"]
        wanted = (changed["messages"], changed["orders"] + changed["threads"])
        if (counts["new"], counts["changed"]) != wanted:
            raise RuntimeError(f"{wanted} rows were added and changed, {counts} were pulled")
        floor = pulls.floor(self.shop, delta.log.urls, 1)
        name = f"delta of {pulls.CHANGES} orders and messages / its requests, {self.size}"
        self._add(at_most(name, delta.seconds, floor.seconds, "s"))
        name = f"delta, requests / watched resources, {self.size}"
        self._add(at_most(name, len(delta.log.urls), len(self.facts["idle"]["watched"]), ""))
        self.facts["delta"] = delta.as_json() | {"changed": changed}

    def _sweeps(self, ours: pulls.Ours, *, other_forms: bool) -> None:
        """One run of the sweeps as the program makes them, beside the other forms that the webservice has."""
        self.say(f"{self.size}: sweeps ...")
        swept = [r for r in self.mapped if r.sweeps]
        sweep = ours.do("sweep")
        self.facts["sweep by id lists"] = sweep.as_json()
        if not other_forms:
            return
        forms = {
            "plain ids of all resources": [u for r in self.mapped for u in pulls.pages(self.shop, r.name, "")],
            "swept fields of each row": [u for r in swept for u in pulls.pages(self.shop, r.name, _fields(r))],
            "whole rows": [u for r in swept for u in pulls.pages(self.shop, r.name, "full")],
        }
        for form, urls in forms.items():
            found = pulls.floor(self.shop, urls, 1)
            self.facts[f"sweep: {form}"] = found.as_json()
            self._add(at_least(f"sweep, {form} / ours, {self.size}", sweep.seconds, found.seconds, "s"))

    def _replies(self, count: int) -> None:
        if not timed.can():
            self.say(f"reply to shop through IDLE: not measured, {timed.MISSING}")
            self.facts["reply to shop"] = {"not measured": timed.MISSING}
            return
        self.say(f"{self.size}: {count} replies, told by IDLE ...")
        found = self.facts["reply to shop"] = timed.measure(self.shop, count)
        arrived, told = found["arrived"], found["told"]
        self._add(at_most("reply to shop through IDLE, median / limit", arrived["median"], REPLY, "s", 1))
        self._add(at_most("reply to shop through IDLE, p95 / limit", arrived["p95"], REPLY, "s"))
        name = "reply to shop through IDLE, median / until the server tells"
        self._add(at_most(name, arrived["median"], told["median"], "s"))

    def _pages(self, threads: int) -> None:
        self.say(f"the page on a mirror of {threads:,} threads ...")
        found = self.facts["pages"] = pages.measure(threads)
        for name, seconds in found["pages"].items():
            self._add(at_most(f"page, {name}, median / limit, {threads:,} threads", seconds["median"], PAGE, "s", 1))

    def _pushes(self, count: int, *, genuine: bool) -> None:
        speed = SPEEDS[genuine]
        self.shop.genuine(genuine)
        self.say(f"{count:,} queued messages, {speed} ...")
        found = self.facts[f"push, {speed}"] = pushing.measure(self.shop, count)
        ours, bare = found["ours"]["seconds"], found["floor"]["seconds"]
        name = f"push of {count:,} messages, rate / bare client's, {speed}"
        self._add(at_least(name, ours, bare, "s", PUSH if genuine else None))

    def _mailbag(self, count: int) -> None:
        if not timed.can():
            self.facts["mails"] = {"not measured": timed.MISSING}
            return
        self.say(f"{self.size}: {count:,} mails ...")
        found = self.facts["mails"] = mailbag.measure(self.shop, count)
        ours, parsed, read = (found[name]["seconds"] for name in ("ours", "parsed", "read"))
        self._add(at_most(f"collect and decide, {count:,} mails / fetched and parsed", ours, parsed, "s", MAILBAG))
        self._add(at_most(f"collect and decide, {count:,} mails / fetched, parsed and read", ours, read, "s"))
        self._add(at_most("collect and decide, one mail / PrestaShop's own sync", 1000 * ours / count, OWN_SYNC, "ms"))

    def _forms(self) -> None:
        """At full speed: only the decoding and the bytes differ."""
        self.say(f"{self.size}: XML and JSON ...")
        self.shop.genuine(False)
        for name in ("orders", "customers", "customer_messages"):
            with Child.module("forms_process") as child:
                found = {
                    form: child.ask(
                        "read",
                        base=self.shop.url,
                        key=self.shop.key,
                        resource=name,
                        urls=pulls.pages(self.shop, name, "full", form),
                        form=form,
                    )
                    for form in ("JSON", "XML")
                }
            json, xml = found["JSON"], found["XML"]
            rows = json["rows"]
            if rows != xml["rows"]:
                raise RuntimeError(f"{name}: {rows} rows as JSON, {xml['rows']} as XML")
            per_row = 1e6 / rows
            self._add(
                at_least(f"decode {name}, XML / JSON", json["cpu"] * per_row, xml["cpu"] * per_row, "us CPU a row")
            )
            self._add(
                at_least(f"transfer {name}, XML / JSON", json["bytes"] / rows, xml["bytes"] / rows, "bytes a row")
            )
            self.facts[f"forms of {name}"] = found

    def _add(self, line: Line) -> None:
        self.lines.append(line)


def _fields(resource: Resource) -> str:
    return f"[{','.join(['id', *sorted({sweep.field for sweep in resource.sweeps if sweep.field})])}]"


def memory(sizes: list[Scenes]) -> list[Line]:
    """The peak of the first pull at each size beside the smallest shop's."""
    first = sizes[0]
    return [
        at_most(f"peak memory, {size.size} / {first.size}", size.peak, first.peak, "MiB", MEMORY) for size in sizes[1:]
    ]
