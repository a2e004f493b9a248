"""Customer service in figures, counted in SQL. Reads only."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, case, distinct, func, null, select

from connector.core.conversations import Conversation, Said, conversations
from connector.core.figures import (
    THREAD_AGES,
    WAITING_AGES,
    EmployeeFigures,
    Mails,
    NamedCount,
    ServiceNow,
    ServicePeriod,
    ThreadGroup,
)
from connector.core.model import MailState, Role
from connector.core.periods import Period
from connector.core.spread import ages, bounds, spread
from connector.mirror.dialect import in_batches
from connector.mirror.mapped import Ground
from connector.mirror.own_tables import bounce, mail, thread_change
from connector.mirror.waiting import Waiting

NEEDED = {
    "customer_threads": {"status", "id_contact", "id_lang", "date_add", "date_add_local"},
    "customer_messages": {"id_customer_thread", "id_employee", "private", "date_add", "date_add_local"},
    "employees": {"firstname", "lastname"},
    "languages": {"name"},
}
CLOSED = "closed"
AUTOMATIC = ("auto_reply", "auto_generated", "list", "bounce", "loop", "shop_notification")
_FILED = "_filed"
_EVERYBODY = 1_000_000_000


class SqlServiceFigures:
    """Of one shop. zone: the shop's, None when it is not known (what the mirror stamps itself is then taken by UTC
    days). Raises DataError `figures.unmapped`."""

    def __init__(self, ground: Ground, zone: tzinfo | None) -> None:
        ground.need(NEEDED)
        self._ground = ground
        self._db = ground.database
        self._tables = ground.tables
        self._shop = ground.shop
        self._zone = zone or UTC
        self._threads = ground.tables.main["customer_threads"]
        self._messages = ground.tables.main["customer_messages"]

    # --- now ------------------------------------------------------------------------------------------------------

    def now(self, at: datetime) -> ServiceNow:
        """All threads, and who waits at this moment (UTC). A thread whose moment is not known has no age."""
        with self._db.read() as connection:
            groups = self._groups(connection, at)
            waiting = Waiting(self._db, self._tables).threads(self._shop, _EVERYBODY)
            behind = self._of_threads(connection, at, [row["id"] for row in waiting])
            contacts = self._contacts(connection, {row.id_contact for row in groups if row.id_contact})
            languages = self._languages(connection)
        since = sorted(datetime.fromisoformat(row["waiting_since"]) for row in waiting if row["waiting_since"])
        by_age = _thread_groups(groups, "age", {}, Counter(row.age for row in behind))
        ages_ = {group.id: group for group in by_age}
        return ServiceNow(
            at=at,
            threads=sum(row.number for row in groups),
            statuses=_statuses(groups),
            contacts=_thread_groups(groups, "id_contact", contacts, Counter(row.id_contact for row in behind)),
            languages=_thread_groups(groups, "id_lang", languages, Counter(row.id_lang for row in behind)),
            ages=[
                ThreadGroup(None, "", found.statuses if found else {}, found.waiting if found else 0, first, last)
                for place, (first, last) in enumerate(bounds(THREAD_AGES))
                for found in (ages_.get(place),)
            ],
            waiting=len(waiting),
            waiting_since=since[0] if since else None,
            waiting_ages=ages(((at - moment).total_seconds() for moment in since), WAITING_AGES),
        )

    def _groups(self, connection: Connection, at: datetime) -> list[Any]:
        thread, age = self._threads, self._age(at)
        columns = (thread.c.status, thread.c.id_contact, thread.c.id_lang)
        query = select(*columns, age, func.count().label("number")).where(thread.c.shop == self._shop)
        return list(connection.execute(query.group_by(*columns, age)))

    def _of_threads(self, connection: Connection, at: datetime, ids: Sequence[int]) -> list[Any]:
        thread = self._threads
        found: list[Any] = []
        for some in in_batches(ids):
            query = select(thread.c.id_contact, thread.c.id_lang, self._age(at))
            found += connection.execute(query.where(thread.c.shop == self._shop, thread.c.id.in_(some))).all()
        return found

    def _age(self, at: datetime) -> ColumnElement[Any]:
        """Which band of THREAD_AGES a thread is in; NULL without a moment."""
        begun = self._threads.c.date_add
        younger = [(begun > at - timedelta(seconds=end), place) for place, end in enumerate(THREAD_AGES)]
        return case((begun.is_(None), null()), *younger, else_=len(THREAD_AGES)).label("age")

    # --- a period -------------------------------------------------------------------------------------------------

    def of(self, period: Period) -> ServicePeriod:
        """The figures of one period. Raises MirrorUnavailable and StateError when the mirror does not answer."""
        with self._db.read() as connection:
            said = self._said(connection, period)
            begun = self._begun(connection, period)
            talks = self._conversations(connection, period)
            contacts = self._contacts(connection, {row.id_contact for row in begun if row.id_contact})
            threads = self._active(connection, period)
            return ServicePeriod(
                period=period,
                begun=sum(row.number for row in begun),
                begun_contacts=_named_counts(begun, "id_contact", contacts),
                begun_languages=_named_counts(begun, "id_lang", self._languages(connection)),
                active=threads.pop(None, 0),
                from_customers=_sum(said, employee=False, private=False),
                answers=_sum(said, employee=True, private=False),
                notes=_sum(said, employee=True, private=True),
                automatic=_sum(said, employee=False, private=True),
                first_answer=spread(talk.seconds for talk in talks if talk.seconds is not None),
                unanswered=sum(1 for talk in talks if talk.asked and not talk.answered),
                closing=spread(self._closings(connection, period)),
                per_thread=spread(talk.public for talk in talks if talk.public),
                employees=self._employees(connection, said, talks, threads),
                customer_hours=_hours(said, employee=False),
                answer_hours=_hours(said, employee=True),
                mails=self._mails(connection, period),
            )

    def _within(self, table: Table, period: Period) -> ColumnElement[bool]:
        """By the shop's own text, which sorts as its clock goes."""
        local = table.c.date_add_local
        return and_(table.c.shop == self._shop, local >= period.first_local, local < period.end_local)

    def _said(self, connection: Connection, period: Period) -> list[Any]:
        """Messages by hour (`YYYY-MM-DD HH`), employee (0 for none) and whether they are private."""
        m = self._messages
        hour = func.substr(m.c.date_add_local, 1, 13).label("hour")
        who, private = _employee(m), _private(m)
        query = select(hour, who, private, func.count().label("number")).where(self._within(m, period))
        return list(connection.execute(query.group_by(hour, who, private)))

    def _begun(self, connection: Connection, period: Period) -> list[Any]:
        t = self._threads
        query = select(t.c.id_contact, t.c.id_lang, func.count().label("number")).where(self._within(t, period))
        return list(connection.execute(query.group_by(t.c.id_contact, t.c.id_lang)))

    def _conversations(self, connection: Connection, period: Period) -> list[Conversation]:
        """Those of the threads begun in the period, with all their messages up to now."""
        t, m = self._threads, self._messages
        query = (
            select(t.c.id.label("thread"), m.c.id, _employee(m), _private(m), m.c.date_add)
            .join(m, and_(m.c.shop == t.c.shop, m.c.id_customer_thread == t.c.id))
            .where(self._within(t, period))
            .order_by(t.c.id)
        )
        return conversations(Said(*row) for row in connection.execute(query))

    def _active(self, connection: Connection, period: Period) -> dict[int | None, int]:
        """Employee -> threads in which they wrote; None -> threads in which anybody did."""
        m, who = self._messages, _employee(self._messages)
        threads = func.count(distinct(m.c.id_customer_thread))
        mine = select(who, threads).where(self._within(m, period), who != 0).group_by(who)
        found: dict[int | None, int] = {row[0]: row[1] for row in connection.execute(mine)}
        found[None] = connection.execute(select(threads).where(self._within(m, period))).scalar_one()
        return found

    def _closings(self, connection: Connection, period: Period) -> list[float]:
        """Of each thread that was seen to close in the period: seconds from its beginning to the last such closing."""
        first, end = period.in_utc(self._zone)
        change, thread = thread_change, self._threads
        last = func.max(change.c.at)
        query = (
            select(thread.c.date_add, last)
            .join(change, and_(change.c.shop == thread.c.shop, change.c.id_thread == thread.c.id))
            .where(change.c.shop == self._shop, change.c.at >= first, change.c.at < end, change.c.became == CLOSED)
            .where(thread.c.date_add.is_not(None))
            .group_by(thread.c.shop, thread.c.id, thread.c.date_add)
        )
        return [max(0.0, (at - begun).total_seconds()) for begun, at in connection.execute(query)]

    def _mails(self, connection: Connection, period: Period) -> Mails:
        first, end = period.in_utc(self._zone)
        mine = and_(
            mail.c.shop == self._shop,
            mail.c.role == Role.CUSTOMERS.value,
            mail.c.internaldate >= first,
            mail.c.internaldate < end,
        )
        number = func.count(distinct(mail.c.mail_key))
        total = connection.execute(select(number).where(mine)).scalar_one()
        query = select(mail.c.state, mail.c.reason, number).where(mine).group_by(mail.c.state, mail.c.reason)
        states: Counter[str] = Counter()
        automatic: Counter[str] = Counter()
        for state, reason, count in connection.execute(query):
            states[state] += count
            if kind := _kind(reason):
                automatic[kind] += count
        back = select(func.count(distinct(bounce.c.message_id))).where(
            bounce.c.shop == self._shop, bounce.c.at >= first, bounce.c.at < end
        )
        return Mails(
            total=total,
            imported=states[MailState.IMPORTED.value],
            quarantined=states[MailState.QUARANTINED.value],
            automatic=dict(sorted(automatic.items())),
            bounced=connection.execute(back).scalar_one(),
        )

    # --- by whom --------------------------------------------------------------------------------------------------

    def _employees(
        self, connection: Connection, said: list[Any], talks: list[Conversation], threads: dict[int | None, int]
    ) -> list[EmployeeFigures]:
        answers: Counter[int] = Counter()
        notes: Counter[int] = Counter()
        for row in said:
            (notes if row.private else answers)[row.employee] += row.number
        seconds: defaultdict[int, list[float]] = defaultdict(list)
        for talk in talks:
            if talk.seconds is not None:
                seconds[talk.employee].append(talk.seconds)
        table = self._tables.main["employees"]
        query = select(table.c.id, table.c.firstname, table.c.lastname).where(table.c.shop == self._shop)
        named = {row[0]: " ".join(part for part in row[1:] if part) for row in connection.execute(query)}
        ids = sorted((answers.keys() | notes.keys() | seconds.keys()) - {0}, key=lambda one: (-answers[one], one))
        return [
            EmployeeFigures(
                one, named.get(one, ""), answers[one], notes[one], threads.get(one, 0), spread(seconds[one])
            )
            for one in ids
        ]

    def _contacts(self, connection: Connection, ids: Iterable[int]) -> dict[int, str]:
        return self._ground.names(connection, "contacts", set(ids))

    def _languages(self, connection: Connection) -> dict[int, str]:
        table = self._tables.main["languages"]
        query = select(table.c.id, table.c.name).where(table.c.shop == self._shop)
        return {row.id: row.name or "" for row in connection.execute(query)}


def _employee(messages: Table) -> ColumnElement[Any]:
    return func.coalesce(messages.c.id_employee, 0).label("employee")


def _private(messages: Table) -> ColumnElement[Any]:
    return func.coalesce(messages.c.private, False).label("private")


def _kind(reason: str) -> str:
    """Which sort of automatic mail a ledger row's reason tells of; '' for none."""
    if reason == "bounce_again" or reason.startswith("delivery_"):
        return "bounce"
    kind = reason.removesuffix(_FILED)
    return kind if kind in AUTOMATIC else ""


def _sum(said: list[Any], *, employee: bool, private: bool) -> int:
    return sum(row.number for row in said if bool(row.employee) is employee and bool(row.private) is private)


def _hours(said: list[Any], *, employee: bool) -> list[list[int]]:
    """Public messages by weekday, then hour."""
    found = [[0] * 24 for _ in range(7)]
    for row in said:
        if bool(row.employee) is employee and not row.private:
            found[date.fromisoformat(row.hour[:10]).weekday()][int(row.hour[11:13])] += row.number
    return found


def _statuses(groups: Iterable[Any]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for row in groups:
        found[row.status or ""] += row.number
    return dict(sorted(found.items()))


def _thread_groups(
    groups: list[Any], by: str, named: dict[int, str], waiting: Counter[int | None]
) -> list[ThreadGroup]:
    """The largest first."""
    parts: defaultdict[int | None, list[Any]] = defaultdict(list)
    for row in groups:
        parts[getattr(row, by)].append(row)
    found = [
        ThreadGroup(key, named.get(key, "") if key is not None else "", _statuses(rows), waiting[key])
        for key, rows in parts.items()
    ]
    return sorted(found, key=lambda one: (-one.total, one.id or 0))


def _named_counts(rows: list[Any], by: str, named: dict[int, str]) -> list[NamedCount]:
    """The largest first."""
    found: Counter[int | None] = Counter()
    for row in rows:
        found[getattr(row, by)] += row.number
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0] or 0))
    return [NamedCount(key, named.get(key, "") if key is not None else "", count) for key, count in ordered]
