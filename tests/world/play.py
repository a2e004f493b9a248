"""Shop, mailbox, staff and customers act by chance between our steps, and everything that can go wrong does.

A seed decides all of it. `Play.run` acts, lets the program come to rest and tells what is wrong then; `Play.trace` is
what has happened, the same for the same seed.
"""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import get_args

from connector import config, packagedata
from connector.core.model import FINAL, IntentState, MailState
from connector.errors import ConnectorError
from connector.sandbox import smtp
from connector.sandbox.people import People
from connector.sandbox.shop import Misbehave, faults
from connector.wiring.backup import copy_mirror, restore_mirror
from tests.support.stage import LEGS, SHOP, Stage
from tests.support.steps import Steps

ALL_LEGS = ("pull", *LEGS)
JUMPS = (700, 15_000, 90_000, -7_000)
"""Seconds. Far from the pauses between two tries: these have a grain of chance in them that no seed decides."""
_WRITES = ("POST", "PUT", "PATCH")
_SLEEPING = ("delay", "late_write")
_FAULTS = [kind for kind in get_args(faults.Kind) if kind not in _SLEEPING]
_DOWN = ("unavailable", "drop_before", "error_before", "html_200")
_RESTING = {MailState.IMPORTED, MailState.IGNORED, MailState.QUARANTINED}


class Play:
    """`faulty`: what is written down of faults that were armed, kind -> times."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.seed = seed
        self.trace = list[str]()
        self.faulty = Counter[str]()
        self._chance = random.Random(seed)
        self._people = People(seed, datetime(2026, 1, 5, 9, tzinfo=UTC), support=stage.user)
        self._texts = dict[str, str]()
        self._kept = stage.folder / "copy.db"

    def run(self, actions: int) -> list[str]:
        stage = self.stage
        stage.begin()
        self._kept.unlink(missing_ok=True)
        stage.legs = ALL_LEGS
        try:
            for _ in range(actions):
                act = self._chance.choice(_ACTS)
                self.trace.append(f"{act.__name__.strip('_')}: {act(self)}")
            stage.shop.release()
            stage.shop.behave()
            stage.smtp._faults.clear()
            stage.clock.sleep(-3 * min(JUMPS))  # behind all that the clock has seen
            stage.settle(rounds=12)
            return [f"seed {self.seed}: {line}" for line in self._wrong()]
        finally:
            stage.legs = LEGS

    # --- people -----------------------------------------------------------------------------------------------------

    def _thread(self) -> dict[str, object]:
        rows = [row for row in self.stage.shop.rows("customer_threads") if "@" in row["email"] and row["token"]]
        return self._chance.choice(rows)

    def _customer_answers(self) -> str:
        thread, text = self._thread(), f"Answer {len(self._texts)} of seed {self.seed}."
        raw = self._people.reply_to_shop_mail(
            int(thread["id"]),  # type: ignore[call-overload]
            str(thread["token"]),
            str(thread["email"]),
            text=text,
        )
        self._texts[text] = _message_id(raw)
        self.stage.deliver(raw)
        return str(thread["id"])

    def _stranger_asks(self) -> str:
        email = f"stranger{len(self._texts)}.{self.seed}@customer.test"
        raw = self._people.new_question(email)
        self._texts[f"{email} Subject:"] = _message_id(raw)  # others may answer in the thread that it makes
        self.stage.deliver(raw)
        return email

    def _customer_uses_form(self) -> str:
        thread = self._thread()
        self.stage.shop.contact_form(int(thread["id"]), f"By the form, {len(self.trace)}.")  # type: ignore[call-overload]
        return str(thread["id"])

    def _staff_sets_status(self) -> str:
        thread, status = self._thread(), self._chance.choice(("open", "closed", "pending1", "pending2"))
        self.stage.shop.back_office_set_status(int(thread["id"]), status)  # type: ignore[call-overload]
        return f"{thread['id']} {status}"

    def _staff_wishes(self) -> str:
        thread, order = self._thread(), self._chance.choice(self.stage.shop.rows("orders"))
        message = f"A note, {len(self.trace)}."
        wishes: list[tuple[str, str, tuple[object, ...]]] = [
            ("desk", "thread_status", (thread["id"], self._chance.choice(("closed", "pending1", "pending2")))),
            ("desk", "order_status", (order["id"], self._chance.choice(("shipped", "delivered", "preparation")))),
            ("desk", "order_track", (order["id"], f"TRACK{len(self.trace)}")),
            ("notes", "order_note", (order["id"], message)),
            ("notes", "customer_groups", (order["id_customer"], (2,), ())),
        ]
        part, name, values = self._chance.choice(wishes)
        try:
            with self.stage.app() as app:
                found = getattr(getattr(app, part)(SHOP), name)(*values)
        except ConnectorError as refused:
            return f"{name} {values}: {refused.code}"
        return f"{name} {values}: {len(found)}"

    # --- what goes wrong ----------------------------------------------------------------------------------------------

    def _shop_spoils_writes(self) -> str:
        kind, method = self._chance.choice(_FAULTS), self._chance.choice(_WRITES)
        skip, times = self._chance.randrange(3), self._chance.randrange(1, 4)
        self.stage.shop.misbehave(Misbehave(kind, method=method, skip=skip, times=times, retry_after=0))
        self.faulty[f"shop {kind}"] += 1
        return f"{kind} {method} {skip} {times}"

    def _shop_is_down(self) -> str:
        kind = self._chance.choice(_DOWN)
        self.stage.shop.misbehave(Misbehave(kind, times=None, retry_after=0))  # type: ignore[arg-type]
        self.faulty[f"shop down, {kind}"] += 1
        self.stage.run()
        self.stage.shop.behave()
        return kind

    def _mails_go_wrong(self) -> str:
        kind = self._chance.choice([one for one in smtp.FAULTS if one != "hang_after_data"])
        self.stage.smtp.fail_next(kind)
        self.faulty[f"smtp {kind}"] += 1
        return kind

    def _clock_jumps(self) -> str:
        seconds = self._chance.choice(JUMPS)
        self.stage.clock.sleep(seconds)
        self.faulty["clock"] += 1
        return str(seconds)

    def _mailbox_is_renumbered(self) -> str:
        folder = self._chance.choice(("INBOX", "Sent"))
        self.stage.postbox.renumber(folder)
        self.faulty["uidvalidity"] += 1
        return folder

    def _old_mirror_comes_back(self) -> str:
        """The first time a copy is made; later it is put in the mirror's place."""
        settings = config.load(self.stage.config)
        if not self._kept.exists():
            self._kept.touch()
            copy_mirror(settings, self._kept)
            return "kept"
        self.stage.end_leases()
        for replaced in self.stage.folder.glob("mirror.db.replaced-*"):
            replaced.unlink()  # nobody restores twice in one second
        restore_mirror(settings, self._kept, force=True)
        self.faulty["old mirror"] += 1
        return "restored"

    # --- we -----------------------------------------------------------------------------------------------------------

    def _we_run(self) -> str:
        return "well" if self.stage.run() is not None else "not to the end"

    def _we_die(self) -> str:
        steps = Steps(self._chance.randrange(60), mark=self.stage.mark)
        self.stage.legs = LEGS  # a pull reads two resources at once: which is first is chance
        self.stage.run(steps)
        self.stage.legs = ALL_LEGS
        self.faulty["death"] += 1
        return steps.names[-1]

    # --- what it has come to ------------------------------------------------------------------------------------------

    def _wrong(self) -> list[str]:
        stage, wrong = self.stage, list[str]()
        with stage.app() as app:
            intents, told = app.mirror.outbox.listing(SHOP), app.mirror.duplicates.listing(SHOP)
            ledger = app.mirror.ledger.listing(SHOP, list(MailState), 1000)
        wrong += [] if told else [f"twice, and nobody says so: {one}" for one in stage.doubled()]
        wrong += [f"mail {copy.message_id} is {copy.state}" for copy in ledger if copy.state not in _RESTING]
        wrong += [
            f"no reason: mail {c.message_id}" for c in ledger if c.state is not MailState.IMPORTED and not c.reason
        ]
        for intent in intents:
            named = intent.state is IntentState.CONFIRMED or intent.error
            if not named or intent.state not in (*FINAL, IntentState.IN_DOUBT):
                wrong.append(f"{intent.key} is {intent.state} {intent.error}")
        wrong += self._mails_that_vanished({copy.message_id: copy.state for copy in ledger})
        wrong += self._mirror_differs()
        self.trace += sorted(f"{i.kind} {i.state} {i.error}" for i in intents)
        ours = {
            copy.message_id for copy in ledger if copy.message_id.startswith("psc1")
        }  # these have a grain of chance
        told = [(c.message_id if c.message_id not in ours else "ours", c.state, c.reason) for c in ledger]
        self.trace += sorted(f"mail {name} {state} {reason}" for name, state, reason in told)
        return wrong

    def _mails_that_vanished(self, states: dict[str, MailState]) -> list[str]:
        shop, wrong = self.stage.shop, list[str]()
        emails = {row["id"]: row["email"] for row in shop.rows("customer_threads")}
        texts = [f"{emails.get(row['id_customer_thread'])} {row['message']}" for row in shop.rows("customer_messages")]
        for text, message_id in self._texts.items():
            found = sum(text in one for one in texts)
            if found > 1 or (found == 0 and states.get(message_id) not in (MailState.IGNORED, MailState.QUARANTINED)):
                wrong.append(f"{text} is {found} times in the shop and {states.get(message_id)} here")
        return wrong

    def _mirror_differs(self) -> list[str]:
        tables = {resource.name: resource.table for resource in packagedata.resources()}
        wanted = {"customer_threads": ("id", "status"), "customer_messages": ("id",), "orders": ("id", "current_state")}
        wrong = list[str]()
        with closing(sqlite3.connect(self.stage.folder / "mirror.db")) as mirror:
            for name, columns in wanted.items():
                ours = set(mirror.execute(f'SELECT {", ".join(columns)} FROM "{tables[name]}"'))
                theirs = {tuple(row[column] for column in columns) for row in self.stage.shop.rows(name)}
                wrong += [f"{name}: the mirror has {row}" for row in sorted(ours - theirs)]
                wrong += [f"{name}: the shop has {row}" for row in sorted(theirs - ours)]
        return wrong


def _message_id(raw: bytes) -> str:
    return raw.split(b"Message-ID: <")[1].split(b">")[0].decode()


_PEOPLE = [Play._customer_answers, Play._stranger_asks, Play._customer_uses_form, Play._staff_sets_status]
_ACTS: list[Callable[[Play], str]] = [
    *_PEOPLE,
    Play._customer_answers,
    Play._staff_wishes,
    Play._staff_wishes,
    Play._shop_spoils_writes,
    Play._shop_spoils_writes,
    Play._shop_is_down,
    Play._mails_go_wrong,
    Play._clock_jumps,
    Play._mailbox_is_renumbered,
    Play._old_mirror_comes_back,
    Play._we_run,
    Play._we_run,
    Play._we_die,
    Play._we_die,
]
