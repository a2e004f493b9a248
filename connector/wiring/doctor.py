"""The examination of an installation, put together without an App of its mirror: what is broken must not stop it.

Reads the mirror as it stands. What a shop is set up with is read into a mirror of the moment, which goes at the end; a
shop that is not asked or does not answer is judged by what the mirror has of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial

from connector import config, packagedata
from connector.core.mapping import Resource
from connector.engine.doctor import ground, mail, place, shop, work
from connector.engine.doctor.finding import Finding, State, attempt, ok, skip, warn
from connector.engine.ports import Lookups
from connector.errors import CheckFound, ConnectorError
from connector.mirror.checkup import Checkup, checkup
from connector.ops import process
from connector.ops.logs import EventLog
from connector.wiring import overview
from connector.wiring.accounts import Accounts
from connector.wiring.app import App

MAPPINGS = "mappings"


class _Quiet(EventLog):
    """What the examination does on the way is no news."""

    def emit(self, name: str, /, **keys: object) -> None:
        del name, keys


def examine(
    settings: config.Settings,
    names: Sequence[str],
    *,
    online: bool,
    refused: Callable[[], None],
) -> Iterator[Finding]:
    """All findings, as they are found. names: the shops to look at. online: ask shops, mailboxes and mail servers.
    refused: raises NotPermitted when this process must not work in the state directory."""
    yield from _settings(settings)
    there = [*place.directory(settings.state_dir, refused)]
    foreign = any(one.state is State.FAIL for one in there)
    yield from there
    yield from place.files(settings.state_dir)
    files = list(_mappings(settings))
    yield from files
    sound = _sound(settings, broken=any(one.state is State.FAIL for one in files))
    resources = packagedata.resources(sound.mappings_dir)
    with ExitStack() as stack:
        kept: Checkup | None = None
        state: place.MirrorState | ConnectorError | None
        try:
            kept = stack.enter_context(checkup(settings.mirror_url, resources, password=settings.mirror_password))
            state = _state(kept)
        except ConnectorError as error:
            state = error
        yield from place.mirror(state)
        usable = isinstance(state, place.MirrorState) and state.usable
        app = stack.enter_context(_momentary(sound)) if online else None
        for name in names:
            yield from _shop(settings, name, resources, kept if usable else None, app, foreign=foreign)


def ask(settings: config.Settings) -> Iterator[Finding]:
    """What the far sides say: shops, keys, mailboxes, mail servers. Needs no mirror."""
    with _momentary(settings) as app:
        for name in settings.shops:
            yield from _contact(app, name).findings()
            yield from _mail(settings, name, app, foreign=False)


# --- the installation -----------------------------------------------------------------------------------------------


def _settings(settings: config.Settings) -> Iterator[Finding]:
    for text in settings.warnings:
        yield warn("settings", "", CheckFound("doctor.unwise", text=text))
    if not settings.warnings:
        yield ok("settings", "", "settings", shops=len(settings.shops))


def _mappings(settings: config.Settings) -> Iterator[Finding]:
    """Mappings, rules and templates, each by itself."""
    parts: dict[str, Callable[[], object]] = {
        MAPPINGS: lambda: packagedata.checked_mappings(settings.mappings_dir),
        "rules": lambda: packagedata.checked_rules(
            settings.mappings_dir, {name: s.forward_to for name, s in settings.shops.items()}
        ),
        "templates": lambda: packagedata.checked_templates(settings.mappings_dir),
    }

    def look(check: str, read: Callable[[], object]) -> Iterator[Finding]:
        read()
        yield ok(check, "", check)

    for check, read in parts.items():
        yield from attempt(check, "", partial(look, check, read))


def _sound(settings: config.Settings, *, broken: bool) -> config.Settings:
    """The settings, with the shipped mappings in place of own ones that are wrong."""
    return settings.model_copy(update={"mappings_dir": None}) if broken else settings


def _state(kept: Checkup | None) -> place.MirrorState | None:
    if kept is None:
        return None
    return place.MirrorState(kept.name, kept.revision, kept.known, kept.damage, kept.size, kept.room)


@contextmanager
def _momentary(settings: config.Settings) -> Iterator[App]:
    """An App whose mirror is empty and goes at the end."""
    with tempfile.TemporaryDirectory(prefix="prestashop-connector-") as folder:
        app = App(settings, _Quiet(), mirror_url=f"sqlite:///{folder}/mirror.db")
        try:
            yield app
        finally:
            app.close()


# --- one shop -------------------------------------------------------------------------------------------------------


def _shop(
    settings: config.Settings,
    name: str,
    resources: Sequence[Resource],
    kept: Checkup | None,
    app: App | None,
    *,
    foreign: bool,
) -> Iterator[Finding]:
    contact = _contact(app, name) if app is not None else None
    if contact is None:
        yield skip(shop.REACH, name, "doctor.offline")
    else:
        yield from contact.findings()
    read = app if contact is not None and contact.info is not None else None
    yield from attempt(shop.REACH, name, lambda: _ground(settings, name, resources, kept, read))
    yield from _mail(settings, name, app, foreign=foreign)
    if kept is None:
        yield from (skip(check, name, "doctor.no_mirror_here") for check in work.CHECKS)
    else:
        holder, intents, mails = kept.leases.holder, kept.outbox.states, kept.ledger.states
        found = partial(overview.findings, settings, kept, name, datetime.now(UTC))
        asked = (partial(intents, name), partial(mails, name))
        parts = work.Work(name, partial(holder, name), process.is_dead, found, *asked)
        yield from parts.findings()


def _contact(app: App, name: str) -> shop.Contact:
    return shop.Contact(
        name,
        app.shop_settings(name).url,
        partial(app.probe, name),
        app.client(name).can_patch,
        app.resources,
        lambda: datetime.now(UTC),
    )


def _ground(
    settings: config.Settings, name: str, resources: Sequence[Resource], kept: Checkup | None, app: App | None
) -> Iterator[Finding]:
    """app: of a shop that answers."""
    s = settings.shops[name]
    lookups: Lookups
    absent: dict[str, str]
    if app is not None:
        lookups, absent = app.mirror.lookups, _read(app, name)
    elif kept is not None:
        lookups, read = kept.lookups, kept.rows.cursors(name)
        absent = {table: "doctor.never_read" for table in ground.TABLES if table not in read}
    else:
        why = "doctor.no_mirror_here"
        yield from (skip(check, name, why) for check in ground.NEEDS)
        return
    unmapped = set(ground.TABLES) - set(ground.tables_of(resources))
    yield from ground.Ground(
        name,
        lookups,
        absent | dict.fromkeys(unmapped, "doctor.not_mapped"),
        s.timezone,
        s.employee,
        s.id_shop,
        [ground.BoxFacts(box, m.id_shop, m.id_lang, m.contact, m.employee) for box, m in s.mailboxes.items()],
        packagedata.statuses(),
    ).findings()


def _read(app: App, name: str) -> dict[str, str]:
    """Read the small tables of a shop into the mirror of the moment; which are not there, and why."""
    app.take_lease(name)
    report = app.pull(name).run(ground.TABLES)
    reasons = {"forbidden": "doctor.no_right", "version": "doctor.not_in_version"}
    absent = {}
    for table in ground.TABLES:
        found = report.resources.get(table)
        if found is None or found.error is not None:
            absent[table] = "doctor.not_read"
        elif found.skipped in reasons:
            absent[table] = reasons[found.skipped]
    return absent


def _mail(settings: config.Settings, name: str, app: App | None, *, foreign: bool) -> Iterator[Finding]:
    """foreign: this process must leave no file in the state directory, and renewed tokens would be one."""
    s = settings.shops[name]
    accounts = app.accounts if app is not None else Accounts(settings)
    everybody = accounts.logins(name)  # mailboxes, then the mail server
    by_token = [box for box, m in s.mailboxes.items() if m.oauth is not None]
    logins = dict(zip(by_token, everybody, strict=False))
    of_sender = everybody[len(by_token)] if len(everybody) > len(by_token) else None
    for box, m in s.mailboxes.items():
        target = m.move_to if m.after == "move" else ""
        folders = (*m.folders, *m.sent_folders)
        proofs = _proofs(s.smtp, box) if s.smtp is not None else []
        tried: Iterator[Finding]
        if app is None or (foreign and box in logins):
            tried = iter([skip(mail.LOGIN, f"{name}.{box}", _why_not(app))])
        else:
            session = partial(app.mailbox, name, box)
            tried = mail.Box(name, box, session, folders, proofs, m.after, target, m.idle).findings()
        yield from mail.with_grant(name, logins.get(box), tried, datetime.now(UTC))
    if app is None or (foreign and of_sender is not None):
        tried = iter([skip(mail.SMTP, name, _why_not(app))])
    else:
        sender = app.sender(name)
        tried = mail.sender_findings(name, sender.check if sender is not None else None)
    yield from mail.with_grant(name, of_sender, tried, datetime.now(UTC))


def _why_not(app: App | None) -> str:
    return "doctor.offline" if app is None else "doctor.foreign_tokens"


def _proofs(smtp: config.SmtpSettings, box: str) -> list[str]:
    """Folders of a mailbox that the mail server's settings name."""
    named = ((smtp.proof_mailbox, smtp.proof_folder), (smtp.copy_mailbox, smtp.copy_folder))
    return [folder for mailbox, folder in named if mailbox == box]
