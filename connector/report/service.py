"""The part of a report about customer service: who waits, how quickly people are answered, by whom and when."""

from __future__ import annotations

from collections.abc import Sequence

from connector.core.figures import Band, EmployeeFigures, NamedCount, ServiceFigures, ServicePeriod, Spread, ThreadGroup
from connector.report.common import MOST_BARS, Drafts, paired
from connector.report.plots import COLOURS
from connector.report.shapes import Block, Figure, Part, Table, Tile

STATUSES = ("open", "pending1", "pending2", "closed", "")
_HOURS = [f"{hour:02d}" for hour in range(24)]


def service_part(found: ServiceFigures, drafts: Drafts) -> Part:
    texts = drafts.texts
    blocks = [
        _waiting(found, drafts),
        _statuses(found, drafts),
        _groups("contacts", "contact", found.now.contacts, found, drafts),
        _groups("languages", "language", found.now.languages, found, drafts),
        _ages(found, drafts),
        _times(found, drafts),
        _employees(found.this.employees, found.before.employees, drafts),
        _hours(found.this, drafts),
        _mails(found, drafts),
    ]
    return Part("service", texts("service"), _tiles(found, drafts), blocks)


def _tiles(found: ServiceFigures, drafts: Drafts) -> list[Tile]:
    texts, now, this, before = drafts.texts, found.now, found.this, found.before
    number, duration = texts.number, texts.duration
    since = texts("waiting.since", at=texts.moment(now.waiting_since)) if now.waiting_since else ""
    return [
        Tile(texts("tile.waiting"), number(now.waiting), note=since),
        drafts.tile("tile.begun", this.begun, before.begun, number),
        drafts.tile("tile.from_customers", this.from_customers, before.from_customers, number),
        drafts.tile("tile.answers", this.answers, before.answers, number),
        drafts.tile("tile.first_answer", this.first_answer.median, before.first_answer.median, duration),
        drafts.tile("tile.closing", this.closing.median, before.closing.median, duration),
        drafts.tile("tile.unanswered", this.unanswered, before.unanswered, number),
        drafts.tile("tile.per_thread", this.per_thread.mean, before.per_thread.mean, number),
    ]


def _waiting(found: ServiceFigures, drafts: Drafts) -> Block:
    texts, now = drafts.texts, found.now
    if not now.waiting:
        return Block("waiting", texts("waiting"), empty=texts("waiting.nobody"))
    lines = [(drafts.age(band), band.count) for band in now.waiting_ages]
    rows = [(name, texts.number(count)) for name, count in lines]
    return Block("waiting", texts("waiting"), texts("now", at=texts.moment(now.at)),
                 [drafts.alone(texts("waiting"), lines)],
                 [Table((texts("age"), texts("customers.count")), rows)])  # fmt: skip


def _statuses(found: ServiceFigures, drafts: Drafts) -> Block:
    texts, now = drafts.texts, found.now
    if not now.threads:
        return drafts.nothing("statuses")
    shown = [status for status in STATUSES if now.statuses.get(status)]
    lines = [(texts(f"status.{status or 'none'}"), now.statuses[status]) for status in shown]
    rows = [(name, texts.number(count)) for name, count in lines]
    return Block("statuses", texts("statuses"), texts("now", at=texts.moment(now.at)),
                 [drafts.alone(texts("statuses"), lines)],
                 [Table((texts("status"), texts("threads")), rows)])  # fmt: skip


def _groups(key: str, heading: str, groups: Sequence[ThreadGroup], found: ServiceFigures, drafts: Drafts) -> Block:
    """Threads that are not closed, by contact or language; with the threads begun in the period."""
    texts = drafts.texts
    if not groups:
        return drafts.nothing(key)
    unfinished = sorted(groups, key=lambda group: (-_unfinished(group), -group.total))
    begun: Sequence[NamedCount] = getattr(found.this, f"begun_{key}")
    earlier: Sequence[NamedCount] = getattr(found.before, f"begun_{key}")
    now = Table(
        (texts(heading), *(texts(f"status.{status or 'none'}") for status in STATUSES[:4]), texts("tile.waiting")),
        [
            (drafts.named(group.name, group.id), *_counts(group, drafts))
            for group in unfinished
        ],
    )  # fmt: skip
    lines = [
        (drafts.named(either.name, either.id), one.count if one else 0, other.count if other else 0)
        for one, other in paired(begun, earlier, lambda row: row.id)
        if (either := one or other) is not None
    ]
    tables = [now, *([Table((texts("tile.begun"), *drafts.beside), drafts.rows(lines, texts.number))] if lines else [])]
    return Block(key, texts(key), texts("now", at=texts.moment(found.now.at)), _by_status(unfinished, key, drafts),
                 tables, folded=len(unfinished) > MOST_BARS)  # fmt: skip


def _counts(group: ThreadGroup, drafts: Drafts) -> list[str]:
    """Cells: threads by status, then those that wait."""
    counts = [group.statuses.get(status, 0) for status in STATUSES[:4]]
    return [drafts.texts.number(count) for count in (*counts, group.waiting)]


def _unfinished(group: ThreadGroup) -> int:
    return sum(group.statuses.get(status, 0) for status in STATUSES[:3])


def _by_status(groups: Sequence[ThreadGroup], key: str, drafts: Drafts, names: Sequence[str] = ()) -> list[Figure]:
    """Bars of open and pending threads, end to end."""
    texts = drafts.texts
    shown = [group for group in groups if _unfinished(group) or names][:MOST_BARS]
    if not any(map(_unfinished, shown)):
        return []
    series = [[group.statuses.get(status, 0) for group in shown] for status in STATUSES[:3]]
    drawing = drafts.plots.bars(
        names or [drafts.named(group.name, group.id) for group in shown], series,
        [[texts.number(_unfinished(group)) for group in shown]], stacked=True,
    )  # fmt: skip
    legend = [(colour, texts(f"status.{status}")) for colour, status in zip(COLOURS, STATUSES[:3], strict=False)]
    return [Figure(drawing, texts(key), texts("plot.unfinished"), legend)]


def _ages(found: ServiceFigures, drafts: Drafts) -> Block:
    texts, groups = drafts.texts, found.now.ages
    if not any(group.total for group in groups):
        return drafts.nothing("ages")
    names = [_age(group, drafts) for group in groups]
    table = Table(
        (texts("age"), *(texts(f"status.{status}") for status in STATUSES[:4]), texts("tile.waiting")),
        [
            (name, *_counts(group, drafts))
            for name, group in zip(names, groups, strict=True)
        ],
    )  # fmt: skip
    figures = _by_status(groups, "ages", drafts, names)
    return Block("ages", texts("ages"), texts("now", at=texts.moment(found.now.at)), figures, [table])


def _age(group: ThreadGroup, drafts: Drafts) -> str:
    """How old the threads of a group of ages are, in words."""
    return drafts.age(Band(group.first, group.last, group.total))


def _times(found: ServiceFigures, drafts: Drafts) -> Block:
    """First answers and closings: half of them, and nine of ten, are quicker than this."""
    texts, this, before = drafts.texts, found.this, found.before
    lines: list[tuple[str, float | None, float | None]] = []
    for key in ("first_answer", "closing"):
        one: Spread = getattr(this, key)
        other: Spread = getattr(before, key)
        lines += [
            (texts(f"times.{key}.median"), one.median, other.median),
            (texts(f"times.{key}.p90"), one.p90, other.p90),
        ]
    counts = [
        (texts("times.first_answer.count"), this.first_answer.count, before.first_answer.count),
        (texts("tile.unanswered"), this.unanswered, before.unanswered),
        (texts("times.closing.count"), this.closing.count, before.closing.count),
    ]
    more = Table((texts("threads"), *drafts.beside), drafts.rows(counts, texts.number))
    return drafts.compared("times", lines, texts.duration, heading="times.what", note=texts("times.note"), more=[more])


def _employees(this: Sequence[EmployeeFigures], before: Sequence[EmployeeFigures], drafts: Drafts) -> Block:
    texts = drafts.texts
    nobody = EmployeeFigures(0, "")
    both = [(one or nobody, other or nobody) for one, other in paired(this, before, lambda row: row.id)]
    if not any(one.threads or other.threads for one, other in both):
        return drafts.nothing("employees")
    names = [drafts.named(one.name or other.name, one.id or other.id) for one, other in both]
    answers = [(name, one.answers, other.answers) for name, (one, other) in zip(names, both, strict=True)]
    figure = drafts.side_by_side(texts("employees"), answers[:MOST_BARS], texts.number)
    columns = (texts("employee"), texts("tile.answers"), texts("answers.before"), texts("notes"), texts("threads"),
               texts("times.first_answer.median"))  # fmt: skip
    rows = [
        (name, texts.number(one.answers), texts.number(other.answers), texts.number(one.notes),
         texts.number(one.threads), texts.duration(one.first_answer.median))
        for name, (one, other) in zip(names, both, strict=True)
    ]  # fmt: skip
    return Block("employees", texts("employees"), texts("employees.note"), [figure], [Table(columns, rows)],
                 folded=len(rows) > MOST_BARS)  # fmt: skip


def _hours(this: ServicePeriod, drafts: Drafts) -> Block:
    texts, days = drafts.texts, drafts.texts.weekdays()
    figures, tables = [], []
    for key, hours in (("hours.customers", this.customer_hours), ("hours.answers", this.answer_hours)):
        if any(count for row in hours for count in row):
            figures.append(Figure(drafts.plots.heat(days, _HOURS, hours), texts(key), texts("plot.hours"),
                                  [("h1", texts("few")), ("h5", texts("many"))]))  # fmt: skip
            rows = [(day, *map(texts.number, row)) for day, row in zip(days, hours, strict=True)]
            tables.append(Table((texts(key), *_HOURS), rows))
    if not figures:
        return drafts.nothing("hours")
    return Block("hours", texts("hours"), texts("hours.note"), figures, tables, folded=True)


def _mails(found: ServiceFigures, drafts: Drafts) -> Block:
    texts, this, before = drafts.texts, found.this.mails, found.before.mails
    lines = [
        (texts("mails.total"), this.total, before.total),
        (texts("mails.imported"), this.imported, before.imported),
        (texts("mails.quarantined"), this.quarantined, before.quarantined),
        *(
            (texts.known("automatic", kind), this.automatic.get(kind, 0), before.automatic.get(kind, 0))
            for kind in sorted({*this.automatic, *before.automatic})
        ),
        (texts("mails.bounced"), this.bounced, before.bounced),
    ]
    return drafts.compared("mails", lines, texts.number, heading="mails")
