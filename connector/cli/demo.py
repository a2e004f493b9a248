"""`demo`: the whole job on parts of its own: a shop, a mailbox, a mail server and the people who write.

The parts come from `connector.sandbox` (real HTTP, IMAP and SMTP on loopback); the program in the middle is the same
that runs beside a real shop, with a settings file written for the occasion.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector import config
from connector.cli.output import safe, say, table
from connector.cli.session import Options, lease, submit
from connector.cli.sync import show
from connector.core.identity import is_reference
from connector.core.model import Intent, IntentState, MailState
from connector.engine.cycle import CycleReport, cycle
from connector.errors import Exit, UsageError
from connector.ops import logs
from connector.wiring import App

if TYPE_CHECKING:
    from connector.sandbox.mailbox import SandboxMailbox
    from connector.sandbox.people import Scene
    from connector.sandbox.shop import SandboxShop
    from connector.sandbox.smtp import SandboxSmtp

USER = "support@shop.test"
PASSWORD = "sandbox"  # noqa: S105 - of a mailbox that lives for a minute on loopback
SETTLE = 3.0


@click.command()
@click.option("--prestashop", "version", default="8.2.1", show_default=True, help="1.6.1.24, 1.7.8.11, 8.2.1 or 9.0.0.")
@click.option("--orders", default=200, show_default=True, type=click.IntRange(20, 200_000), help="Size of the shop.")
@click.option("--seed", default=1, show_default=True, type=int, help="Another seed, another shop.")
@click.option("--genuine-speed", is_flag=True, help="Let the shop answer as slowly as a genuine one.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep settings and mirror here.")
@click.pass_obj
def demo(options: Options, version: str, orders: int, seed: int, genuine_speed: bool, keep: Path | None) -> int:
    """Watch the whole job on a shop, a mailbox and people of the demo's own. Touches nothing outside."""
    try:
        from connector.sandbox import mailbox as mailboxes
        from connector.sandbox import shop as shops
        from connector.sandbox import smtp as mail_servers
    except ModuleNotFoundError as error:
        raise UsageError("demo.no_sandbox", module=error.name or "?") from None
    if version not in shops.VERSIONS:
        raise UsageError("demo.unknown_version", version=version, known=", ".join(shops.VERSIONS))
    folder = keep or Path(tempfile.mkdtemp(prefix="prestashop-connector-demo-"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if keep is not None and (folder / "mirror.db").exists():
        raise UsageError("demo.folder_in_use", path=str(folder))
    began = time.monotonic()
    say(f"Starting a PrestaShop {version} with {orders} orders, a mailbox and a mail server on this machine ...")
    try:
        service = shops.LIKE_GENUINE if genuine_speed else None
        shop = shops.SandboxShop(version, orders=orders, seed=seed, service=service)
        box, mail_server = mailboxes.SandboxMailbox({USER: PASSWORD}), mail_servers.SandboxSmtp()
        with shop.serve() as server, box as mailbox, mail_server as smtp:
            path = _write_settings(folder, shop, server.url, mailbox, smtp)
            logs.configure("debug" if options.verbose else "error", "auto", (), sys.stderr)
            app = App(config.load(path), logs.EventLog())
            try:
                well = _Story(app, shop, mailbox, smtp, seed).tell()
            finally:
                app.close()
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    say()
    if keep is not None:
        path = folder / "config.toml"
        say(f"Kept: {path}; look around with `prestashop-connector --config {path} status`")
    say(f"{'All of it went well' if well else 'SOMETHING IS WRONG, see above'} ({time.monotonic() - began:.0f} s).")
    return int(Exit.OK if well else Exit.FOUND)


def _write_settings(folder: Path, shop: SandboxShop, url: str, mailbox: SandboxMailbox, smtp: SandboxSmtp) -> Path:
    path = folder / "config.toml"
    employee = next(row["id"] for row in shop.rows("employees") if row["active"])
    contact = next(row["id"] for row in shop.rows("contacts") if row["customer_service"])
    path.write_text(
        f"""\
# Settings of the demo: what a real shop needs is no more than this.
state_dir = "{folder}"

[shops.demo]
url = "{url}"
key = "{shop.full_key}"
employee = {employee}
connect_timeout = 1
read_timeout = 1          # so short only because a lost answer is part of the show
settle_seconds = {SETTLE:.0f}

[shops.demo.mailboxes.support]
host = "{mailbox.host}"
port = {mailbox.port}
security = "plain"        # loopback only; a real mailbox uses ssl
user = "{USER}"
password = "{PASSWORD}"
folders = ["INBOX"]
sent_folders = ["Sent"]
create_threads = true
contact = {contact}
employee = {employee}

[shops.demo.smtp]
host = "{smtp.host}"
port = {smtp.port}
security = "plain"
sender = "{USER}"
""",
        encoding="utf-8",
    )
    path.chmod(0o600)
    return path


class _Story:
    """The demo, step by step. Each step prints what happened and checks it against the shop itself."""

    def __init__(self, app: App, shop: SandboxShop, mailbox: SandboxMailbox, smtp: SandboxSmtp, seed: int) -> None:
        self.app = app
        self.shop = shop
        self.mailbox = mailbox
        self.smtp = smtp
        self.seed = seed
        self.faults: list[str] = []

    def tell(self) -> bool:
        self._first_sync()
        scenes = self._people_write()
        self._second_sync(scenes)
        self._commands()
        self._customer_answers()
        self._nothing_to_do()
        self._proof()
        return not self.faults

    def _check(self, fact: bool, words: str) -> None:
        if not fact:
            self.faults.append(words)
            say(f"  WRONG: {words}")

    def _sync(self) -> CycleReport:
        with lease(self.app, "demo"):
            return cycle(self.app.legs("demo"), self.app.events, lambda: False)

    def _title(self, text: str) -> None:
        say(f"\n== {text}")

    # --- the steps ------------------------------------------------------------------------------------------------

    def _first_sync(self) -> None:
        self._title("1. First sync: the shop's rows arrive in the mirror, the mailbox gets its baseline")
        report = self._sync()
        show(report)
        self._check(report.code is Exit.OK, f"the first sync ended with {int(report.code)}")
        for resource in ("customers", "orders", "customer_threads", "customer_messages"):
            mirrored, real = self.app.mirror.rows.count("demo", resource), self.shop.count(resource)
            self._check(mirrored == real, f"{resource}: {mirrored} in the mirror, {real} in the shop")

    def _people_write(self) -> list[Scene]:
        from connector.sandbox.people import People, SandboxThread

        self._title("2. People write mails: customers, staff (Sent folder), machines, a stranger")
        languages = {row["id"]: str(row["iso_code"]) for row in self.shop.rows("languages")}
        by_status: dict[str, list[SandboxThread]] = {}
        for row in self.shop.rows("customer_threads"):
            if "@" in str(row["email"]) and row["token"]:
                lang = languages.get(row["id_lang"], "en")
                thread = SandboxThread(row["id"], str(row["token"]), str(row["email"]), lang)
                by_status.setdefault(str(row["status"]), []).append(thread)
        chosen = [*by_status.get("closed", [])[:2], *by_status.get("open", [])[:2], *by_status.get("pending1", [])[:1]]
        now = datetime.now(UTC)
        people = People(self.seed, now, support=USER)
        scenes = people.story(chosen)
        for scene in scenes:
            self.mailbox.deliver(USER, scene.folder, scene.raw, now)
        say("  " + ", ".join(f"{count} {label}" for label, count in Counter(s.label for s in scenes).items()))
        return scenes

    def _second_sync(self, scenes: list[Scene]) -> None:
        from connector.sandbox.shop import Misbehave

        self._title("3. Second sync: every mail finds its place; one answer of the shop is lost on the way")
        before = self.shop.count("customer_messages")
        self.shop.misbehave(Misbehave(kind="drop_after", method="POST", resource="customer_messages", times=1))
        report = self._sync()
        self._where_mails_went(scenes)
        _pushes(report)
        self._check(report.code is Exit.OK, f"the second sync ended with {int(report.code)}")
        imported = self.app.mirror.ledger.states("demo").get("imported", 0)
        added = self.shop.count("customer_messages") - before
        self._check(added == imported, f"{imported} mails imported, {added} new messages in the shop")

    def _where_mails_went(self, scenes: list[Scene]) -> None:
        rows = []
        copies = self.app.mirror.ledger.listing("demo", list(MailState))
        labels: dict[tuple[str, int], str] = {}
        for folder in ("INBOX", "Sent"):
            uids = sorted(copy.uid for copy in copies if copy.folder == folder)
            delivered = [scene.label for scene in scenes if scene.folder == folder]
            labels |= {(folder, uid): label for uid, label in zip(uids, delivered, strict=False)}
        for copy in copies:
            place = f"thread {copy.id_thread}, message {copy.id_message}" if copy.id_message else "-"
            rows.append((labels.get((copy.folder, copy.uid), "?"), copy.from_addr, copy.state, copy.reason, place))
        table(("mail", "from", "state", "why", "where"), rows, widest=44)
        self._check(len(rows) == len(scenes), f"{len(scenes)} mails delivered, {len(rows)} in the ledger")

    def _commands(self) -> None:
        self._title("4. Commands: answer a customer, ship an order, give its tracking number")
        app, desk = self.app, self.app.desk("demo")
        new = next(
            (c for c in app.mirror.ledger.listing("demo", [MailState.IMPORTED]) if c.reason == "new_thread"), None
        )
        thread_id = new.id_thread if new and new.id_thread else self.shop.rows("customer_threads")[0]["id"]
        say(f"  $ prestashop-connector thread reply {thread_id} --message '...'")
        self._done(
            submit(app, "demo", desk.reply(thread_id, "Hello,\n\nit is on its way. Thank you for your patience!"))
        )
        self._check(len(self.smtp.received) == 1, f"{len(self.smtp.received)} mails left by SMTP, 1 expected")
        self._check(self._status(thread_id) == "closed", "the answered thread is not closed")
        order = self._order_to_ship()
        say(f"  $ prestashop-connector order status {order} shipped --mail-customer")
        histories = self.shop.count("order_histories")
        mails = len(self.shop.mails_sent)
        self._done(submit(app, "demo", desk.order_status(order, "shipped", mail=True)))
        self._check(self.shop.count("order_histories") == histories + 1, "not exactly one row of history was added")
        self._check(len(self.shop.mails_sent) == mails + 1, "the shop did not send exactly one mail")
        say(f"  $ prestashop-connector order track {order} 1Z999AA10123456784")
        self._done(submit(app, "demo", desk.order_track(order, "1Z999AA10123456784")))
        numbers = [row["tracking_number"] for row in self.shop.rows("order_carriers", id_order=order)]
        self._check(numbers == ["1Z999AA10123456784"], f"the order's tracking numbers are {numbers}")
        self._check(desk.order_status(order, "shipped") == [], "the same status again is not refused")

    def _order_to_ship(self) -> int:
        """An order that is paid and processed, with an invoice and one shipment."""
        for row in self.shop.rows("orders"):
            ready = row["current_state"] in (2, 3) and row["invoice_number"]
            if ready and self.shop.count("order_carriers", id_order=row["id"]) == 1:
                return int(row["id"])
        return int(self.shop.rows("orders")[0]["id"])

    def _status(self, thread_id: int) -> str:
        row = self.shop.row("customer_threads", thread_id)
        return str(row["status"]) if row else ""

    def _customer_answers(self) -> None:
        from connector.sandbox.people import People

        self._title("5. The customer answers that mail: it joins by our signed Message-ID and re-opens the thread")
        if not self.smtp.received:
            return
        import email

        sent = email.message_from_bytes(self.smtp.received[-1].raw)
        people = People(self.seed + 1, datetime.now(UTC), support=USER)
        raw = people.reply_by_reference(
            str(sent["Message-ID"]).strip("<> "), str(sent["To"]), text="Great, thank you!", subject="Re: your mail"
        )
        self.mailbox.deliver(USER, "INBOX", raw, datetime.now(UTC))
        report = self._sync()
        show(report)
        copy = self.app.mirror.ledger.listing("demo", list(MailState))[-1]
        self._check(copy.reason == "thread_by_message_id", f"the answer was decided as {copy.reason}")
        self._check(self._status(copy.id_thread or 0) == "open", "the thread was not re-opened")

    def _nothing_to_do(self) -> None:
        self._title("6. The same again: nothing to do")
        before = self._counts()
        report = self._sync()
        show(report)
        self._check(self._counts() == before, "a sync without news changed the shop")
        pushed = report.results["push"].counts.get("confirmed", 0)
        self._check(not pushed, f"a sync without news pushed {pushed} changes")

    def _counts(self) -> dict[str, int]:
        return {name: self.shop.count(name) for name in ("customer_messages", "customer_threads", "order_histories")}

    def _proof(self) -> None:
        self._title("7. Proof: what the shop holds now")
        references = Counter(
            str(row["user_agent"])
            for row in self.shop.rows("customer_messages")
            if is_reference(str(row["user_agent"]))
        )
        twice = [reference for reference, count in references.items() if count > 1]
        self._check(not twice, f"{len(twice)} messages are there twice")
        say(f"  {len(references)} messages of ours, each exactly once")
        say("  intents: " + _count(self.app.mirror.outbox.states("demo")))
        say("  mails:   " + _count(self.app.mirror.ledger.states("demo")))
        waiting = self.app.mirror.queries.quarantined_mails("demo")
        for mail in waiting:
            say(f"  waits for a person: mail:{mail['id']} {mail['reason']} ({safe(mail['from_addr'] or 'no sender')})")

    def _done(self, intents: list[Intent]) -> None:
        for intent in intents:
            remote = f" #{intent.remote_id}" if intent.remote_id else ""
            say(f"    {intent.kind} {intent.state}{remote}")
            self._check(intent.state is IntentState.CONFIRMED, f"{intent.kind} is {intent.state} ({intent.error})")


def _pushes(report: CycleReport) -> None:
    """Each push and its confirmation; doubts that were looked up are shown as such."""
    doubted: set[int] = set()
    last: dict[int, Any] = {}
    for name in ("push", "push_again"):
        result = report.results.get(name)
        for intent in getattr(result.report, "outcomes", []) if result else []:
            if intent.state is IntentState.IN_DOUBT:
                doubted.add(intent.id)
            last[intent.id] = intent
    for intent in last.values():
        note = "  (its answer was lost: looked up by its reference, not sent again)" if intent.id in doubted else ""
        say(f"  pushed {intent.kind:<15} {intent.state} #{intent.remote_id or '-'}{note}")


def _count(states: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"
