"""Where a pull stands: cursors as plain data, and the state machine that moves them.

A pull is a conversation: `begin` opens a cycle, `ask` gives the next question, `tell` takes what the answer held and
gives the next cursor, until `ask` has no question left. Every cursor is a JSON-able dict and can be stored after any
answer; a process that dies goes on from the stored one and misses nothing. Positions come from the shop's own data;
the clock is used only to tell rows from the future apart and to know when a clock change is near.

Why a page of `date_upd` cannot simply be followed by the next one:
- many rows share one second, and a page may end inside it;
- the shop's clock jumps back once a year, and its dates carry no offset;
- a row may become visible some time after the second that its date_upd names;
- a row that changes between the shop's list query and its rendering shows a date later than its place in the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from connector.core.mapping import Pull
from connector.core.query import Filter, Query

Cursor = dict[str, Any]
"""All kinds: `kind` (delta, id, snapshot), `phase`, `zone` (name of the zone that UTC values were made with, '' for
none). `phase` is `idle` between cycles. Times are shop-local text.

delta: `upto`: every row with a date_upd up to then has been read, rows that were still to come excepted (hence the
overlap). Phases: `note` (learn the newest date_upd) and `first` (`last`: highest id read; `start`: the noted date)
for the first pull; then `probe` (one page from `lo`); if that was full, `mark` (learn the newest date_upd) and `walk`
(`lo` to `hi`, the marked date; with `id` the second `lo` is being finished, by ids above it), then `tail` (what lies
behind `hi`). `strays`: when rows from the far future were last read; `wide`: until there the overlap is a day.
id: `last` highest id read; phases `read` (`at`) and `check` (learn the newest id).
snapshot: `at` as above; `read_at` when it was last read to its end, ISO UTC.
"""

OVERLAP = timedelta(minutes=5)
WIDE_OVERLAP = timedelta(hours=2)
ZONE_SPREAD = timedelta(hours=26)  # from UTC-12 to UTC+14: no two zones of the world are further apart
NEAR = timedelta(days=1)
ID_WINDOW = 20
"""Ids that are read again each cycle: rows become visible in commit order, not in id order, and MySQL before 8 gives
ids of deleted rows again after a restart."""

FIRST_DATE = "1000-01-01 00:00:00"  # MySQL's earliest
LAST_DATE = "9999-12-31 23:59:59"  # MySQL's latest
PATIENCE = 3


class NoProgressError(ValueError):
    """The shop gave full pages without a single usable id or date, again and again."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Of a row in an answer: its id and shop-local date_upd (None where there is none or it is zero)."""

    id: int
    date_upd: str | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """When and where a cycle runs. now: aware UTC. zone: the shop's, None when it is unknown."""

    now: datetime
    zone: tzinfo | None = None

    @property
    def zone_name(self) -> str:
        return "" if self.zone is None else str(getattr(self.zone, "key", self.zone))

    @property
    def local(self) -> datetime:
        """The shop's wall clock, naive; without a zone the latest that any clock on earth can show."""
        if self.zone is None:
            return self.now.astimezone(UTC).replace(tzinfo=None) + timedelta(hours=14)
        return self.now.astimezone(self.zone).replace(tzinfo=None)


# --- the conversation ---------------------------------------------------------------------------------------------


def begin(kind: Pull, cursor: Cursor | None, moment: Moment, max_age: timedelta = timedelta(0)) -> Cursor:
    """Open a cycle, or go on with one that was interrupted.

    cursor: as stored, None for a first pull. max_age: a snapshot younger than that is not read again.
    When the zone has become known the resource is read anew, since its rows lack their UTC times.
    """
    zone = moment.zone_name
    if cursor is None or cursor.get("kind") != kind or (cursor["zone"] == "" and zone != ""):
        cursor = {"kind": kind, "phase": "idle", "zone": zone}
    cursor = {name: value for name, value in cursor.items() if name != "again"}
    if kind == "delta":
        return _begin_delta(cursor, moment)
    if cursor["phase"] != "idle":
        return cursor
    if kind == "id":
        last = cursor.get("last", 0)
        return {**cursor, "zone": zone or cursor["zone"], "phase": "read", "last": last, "at": max(0, last - ID_WINDOW)}
    read_at = cursor.get("read_at")
    if read_at is not None and timedelta(0) <= moment.now - datetime.fromisoformat(read_at) < max_age:
        return cursor
    return {**cursor, "zone": zone or cursor["zone"], "phase": "read", "at": 0}


def ask(cursor: Cursor, limit: int) -> Query | None:
    """The next question, None at the end of a cycle. A question for the newest row names `display`; else the caller
    puts in the resource's own. limit: rows per page; of ids never fewer than the window and one."""
    match cursor["phase"]:
        case "note":
            return _newest(FIRST_DATE, cursor["hi"])
        case "mark":
            return _newest(cursor["lo"], cursor["mark"])
        case "check":
            return Query(sort=("id",), limit=1, display=("id",), newest_first=True)
        case "first":
            return _above(cursor["last"], limit)
        case "read":
            # A page of ids is larger than the window, so that the next one can overlap it and still go on.
            return _above(cursor["at"], max(limit, ID_WINDOW + 1) if cursor["kind"] == "id" else limit)
        case "probe":
            return _between(cursor["lo"], cursor["hi"], limit)
        case "walk" | "tail":
            if cursor.get("id") is not None:
                second = Filter("date_upd", "between", (cursor["lo"], cursor["lo"]))
                return Query((second, Filter("id", "gt", (str(cursor["id"]),))), ("id",), limit)
            return _between(cursor["lo"], cursor["hi"], limit)
    return None


def tell(cursor: Cursor, seen: Sequence[Seen], full: bool, moment: Moment) -> Cursor:
    """The cursor after an answer. full: it held as many rows as were asked for. Raises NoProgressError.

    The result has `again` when another cycle should follow at once (the one that ended had begun long before)."""
    match cursor["phase"]:
        case "note":
            start = _newest_of([row for row in seen if row.date_upd and row.date_upd <= cursor["hi"]])
            return {**_without(cursor, "hi"), "phase": "first", "last": 0, "start": start}
        case "first":
            return _tell_first(cursor, seen, full)
        case "read":
            return _tell_read(cursor, seen, full, moment)
        case "check":
            newest = max((row.id for row in seen), default=0)
            return {**_without(cursor, "at"), "phase": "idle", "last": min(cursor["last"], newest)}
        case "probe":
            return _tell_probe(cursor, seen, full, moment)
        case "mark":
            newest_date = _newest_of(seen)
            if newest_date < cursor["lo"]:
                return {**_without(cursor, "mark"), "phase": "tail"}  # all of it lies in the future
            return {**_without(cursor, "mark"), "phase": "walk", "hi": newest_date, "far": cursor["hi"]}
        case "walk" | "tail":
            return _tell_span(cursor, seen, full, moment)
    raise ValueError(f"a cursor in phase {cursor['phase']} has asked nothing")


def to_come(cursor: Cursor, date_upd: str, moment: Moment) -> bool:
    """Of a row that the mirror lacks, or has otherwise: is it newer than what was read, and will the next cycle ask for
    it? Of the far future it may be neither today nor tomorrow."""
    upto = cursor.get("upto")
    if not upto or date_upd <= upto:
        return False
    following = _begin_delta(cursor, moment) if cursor["phase"] == "idle" else cursor
    return following["phase"] != "probe" or date_upd <= str(following["hi"])


def covered(page: Sequence[Seen], unknown: int, skeleton: Sequence[Seen]) -> list[Seen]:
    """What a page with unreadable rows surely held, told by a second answer of ids and dates only.

    page: its readable rows. unknown: how many more it had. skeleton: the answer to the same question with
    display=[id,date_upd], asked a moment later: rows may have gone or changed meanwhile, so it counts only up to the
    first row that contradicts the page.
    """
    known = {row.id: row.date_upd for row in page}
    found: list[Seen] = []
    for row in skeleton:
        if row.id in known:
            if known[row.id] not in (None, row.date_upd):
                break
        elif unknown > 0:
            unknown -= 1
        else:
            break
        found.append(row)
    return found


# --- first pull and id cursors ------------------------------------------------------------------------------------


def _tell_first(cursor: Cursor, seen: Sequence[Seen], full: bool) -> Cursor:
    if full:
        return _moved(cursor, "last", seen)
    cursor = {**_without(cursor, "last", "start", "stuck"), "phase": "idle", "upto": cursor["start"]}
    return {**cursor, "again": True}  # rows have changed behind our back while the others were read


def _tell_read(cursor: Cursor, seen: Sequence[Seen], full: bool, moment: Moment) -> Cursor:
    if full:
        before, cursor = cursor["at"], _moved(cursor, "at", seen)
        if cursor["kind"] != "id":
            return cursor
        # The next page overlaps this one: a row that becomes visible between the two is at most the window behind.
        at, reached = cursor["at"] - ID_WINDOW, cursor["at"]
        return {**cursor, "last": max(cursor["last"], reached), "at": at if at > before else reached}
    if cursor["kind"] == "snapshot":
        return {**_without(cursor, "at", "stuck"), "phase": "idle", "read_at": moment.now.isoformat()}
    last = max([cursor["last"], *(row.id for row in seen)])
    if not seen and cursor["at"] < last:
        # Nothing is left of the rows read last: deleted, or the shop came back from an older backup and will give
        # these ids again.
        return {**_without(cursor, "stuck"), "phase": "check"}
    return {**_without(cursor, "at", "stuck"), "phase": "idle", "last": last}


def _moved(cursor: Cursor, name: str, seen: Sequence[Seen]) -> Cursor:
    """After a full page: on behind its highest id."""
    highest = max((row.id for row in seen), default=0)
    if highest <= cursor[name]:
        return _stuck(cursor)
    return {**_without(cursor, "stuck"), name: highest}


# --- delta --------------------------------------------------------------------------------------------------------


def _begin_delta(cursor: Cursor, moment: Moment) -> Cursor:
    if cursor["phase"] in ("first", "walk", "tail"):
        return {**cursor, "again": True}
    zone = moment.zone_name or cursor["zone"]
    upto = cursor.get("upto")
    if upto is None or upto > _text(moment.local + ZONE_SPREAD + NEAR):
        # No cursor yet, or one from a future that cannot be: changes made until then would never be seen.
        overlap = OVERLAP if moment.zone is not None else WIDE_OVERLAP
        return {"kind": "delta", "phase": "note", "zone": zone, "hi": _text(moment.local + overlap)}
    if zone != cursor["zone"] and upto:
        cursor = {**cursor, "wide": _text(_time(upto) + ZONE_SPREAD)}
    cursor = {**_without(cursor, "lo", "hi", "mark"), "zone": zone, "phase": "probe"}
    overlap = _overlap(cursor, moment)
    cursor["lo"] = _text(_time(upto) - overlap) if upto > FIRST_DATE else FIRST_DATE
    # Rows from the far future never leave the window, so they are looked through once a day only.
    strays = cursor.get("strays")
    rested = strays is not None and abs(moment.local - _time(strays)) < NEAR
    cursor["hi"] = _text(moment.local + overlap + NEAR) if rested else LAST_DATE
    return cursor


def _overlap(cursor: Cursor, moment: Moment) -> timedelta:
    """How far before `upto` a cycle begins."""
    upto = cursor["upto"]
    if upto and cursor.get("wide", "") > upto:
        return ZONE_SPREAD
    if moment.zone is None:
        return WIDE_OVERLAP
    moments = [moment.local, *([_time(upto)] if upto else [])]
    return WIDE_OVERLAP if any(_clock_changes_near(local, moment.zone) for local in moments) else OVERLAP


def _clock_changes_near(local: datetime, zone: tzinfo) -> bool:
    try:
        return zone.utcoffset(local - NEAR) != zone.utcoffset(local + NEAR)
    except OverflowError:
        return False


def _tell_probe(cursor: Cursor, seen: Sequence[Seen], full: bool, moment: Moment) -> Cursor:
    horizon = _text(moment.local + _overlap(cursor, moment))
    if full:
        return {**_strays(cursor, seen, moment), "phase": "mark", "mark": horizon}
    newest = max((row.date_upd for row in seen if row.date_upd and row.date_upd <= horizon), default="")
    cursor = _settled(_strays(cursor, seen, moment), moment)
    return {**cursor, "upto": max(cursor["upto"], newest)}


def _tell_span(cursor: Cursor, seen: Sequence[Seen], full: bool, moment: Moment) -> Cursor:
    cursor = _strays(cursor, seen, moment)
    finishing = cursor.get("id") is not None
    if not full:
        if finishing:
            return _after(cursor, cursor["lo"], moment)
        return _end(cursor, moment)
    if finishing:
        return _moved(cursor, "id", seen)
    lo, hi = cursor["lo"], cursor["hi"]
    dated = [(row.date_upd, row.id) for row in seen if row.date_upd and lo <= row.date_upd <= hi]
    # A row that shows the very end, or something behind it, may have changed after the shop had made its list: its
    # date does not tell its place. Among rows that all show the end there is no other place.
    placed = [place for place in dated if place[0] < hi] or dated
    if not placed:
        return _stuck(cursor)  # all of them changed just now and so have left the window: the next answer is another
    second, highest = max(placed)
    inside = [row_id for date, row_id in placed if date == second]
    if second == lo or len(inside) * 2 > len(placed):
        return {**_without(cursor, "stuck"), "lo": second, "id": highest}
    return {**_without(cursor, "stuck"), "lo": second}  # reading a few rows twice saves a question


def _after(cursor: Cursor, second: str, moment: Moment) -> Cursor:
    """On with what lies strictly behind a second that is done."""
    cursor = _without(cursor, "id", "stuck")
    if second >= cursor["hi"]:
        return _end(cursor, moment)
    return {**cursor, "lo": _text(_time(second) + timedelta(seconds=1))}


def _end(cursor: Cursor, moment: Moment) -> Cursor:
    """The end of a span: after the walk the tail, after the tail the cycle's end."""
    if cursor["phase"] == "tail":
        return _settled(cursor, moment)
    hi = cursor["hi"]
    cursor = {**_without(cursor, "far", "id", "stuck"), "phase": "tail", "hi": cursor["far"]}
    # Until the next cycle `upto` is the marked date: what came after it is read again then.
    return _after({**cursor, "upto": max(cursor["upto"], hi)}, hi, moment)


def _strays(cursor: Cursor, seen: Sequence[Seen], moment: Moment) -> Cursor:
    limit = _text(moment.local + _overlap(cursor, moment) + NEAR)
    if any(row.date_upd and row.date_upd > limit for row in seen):
        return {**cursor, "met": True}
    return cursor


def _settled(cursor: Cursor, moment: Moment) -> Cursor:
    """The end of a cycle, with a note of rows from the far future when it looked that far."""
    met = cursor.get("met", False)
    looked = cursor["hi"] == LAST_DATE
    settled = {**_without(cursor, "lo", "hi", "far", "id", "mark", "met", "stuck"), "phase": "idle"}
    if looked:
        settled = {**settled, "strays": _text(moment.local)} if met else _without(settled, "strays")
    return settled


# --- small parts --------------------------------------------------------------------------------------------------


def _stuck(cursor: Cursor) -> Cursor:
    count = cursor.get("stuck", 0) + 1
    if count > PATIENCE:
        raise NoProgressError(f"{count} full pages in a row had no row with an id and a date to go on from")
    return {**cursor, "stuck": count}


def _above(last: int, limit: int) -> Query:
    return Query((Filter("id", "gt", (str(last),)),), ("id",), limit)


def _between(lo: str, hi: str, limit: int) -> Query:
    return Query((Filter("date_upd", "between", (lo, hi)),), ("date_upd", "id"), limit)


def _newest(lo: str, hi: str) -> Query:
    """The row that changed last, not counting rows from the future."""
    return Query(
        (Filter("date_upd", "between", (min(lo, hi), hi)),),
        ("date_upd", "id"),
        limit=1,
        display=("id", "date_upd"),
        newest_first=True,
    )


def _newest_of(seen: Sequence[Seen]) -> str:
    return max((row.date_upd for row in seen if row.date_upd), default="")


def _without(cursor: Cursor, *names: str) -> Cursor:
    return {name: value for name, value in cursor.items() if name not in names}


def _time(local: str) -> datetime:
    return datetime.fromisoformat(local)


def _text(local: datetime) -> str:
    return local.isoformat(" ", "seconds")
