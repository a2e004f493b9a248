"""Where SQLite and PostgreSQL differ: column types, upserts, the database's clock.

Every other module of the mirror writes plain SQLAlchemy Core. What a third database would need stands here, in
`faults.py` (error numbers) and in `database.py` (transactions). Nothing here opens a connection.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Float,
    Integer,
    Numeric,
    Table,
    Text,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from connector.errors import SettingsError

T = TypeVar("T")
_SOME = 1000
_MICROS = Decimal("0.000001")

Key = BigInteger().with_variant(Integer(), "sqlite")
"""Type of our own row numbers. SQLite gives a table numbers of its own accord only where the type reads INTEGER
(https://www.sqlite.org/autoinc.html)."""


class UTCDateTime(TypeDecorator[datetime]):
    """A moment, aware UTC in Python. SQLite keeps naive UTC text, which sorts as time does; PostgreSQL timestamptz."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def many(self, values: Sequence[datetime | None], dialect: Dialect) -> list[Any]:
        """A whole column as the driver takes it."""
        if dialect.name == "postgresql":
            return [self.process_bind_param(value, dialect) for value in values]
        texts: list[str | None] = []
        last: datetime | None = None
        text: str | None = None
        for value in values:
            if value is not last:
                if value is not None and value.tzinfo is not UTC:
                    value = self.process_bind_param(value, dialect)
                last, text = value, None if value is None else _written(value)
            texts.append(text)
        return texts

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


_MINUTES = [f"{hour:02d}:{minute:02d}:" for hour in range(24) for minute in range(60)]
_SECONDS = [f"{second:02d}.000000" for second in range(60)]


@lru_cache(maxsize=1024)
def _day(ordinal: int) -> str:
    return f"{date.fromordinal(ordinal)} "


def _written(moment: datetime) -> str:
    """As SQLAlchemy stores a DateTime in SQLite. Put together from pieces that come again, which takes a fifth of the
    time of `isoformat`: nearly every row has a moment or two."""
    if moment.microsecond:
        return moment.isoformat(" ", "microseconds")[:26]
    return _day(moment.toordinal()) + _MINUTES[moment.hour * 60 + moment.minute] + _SECONDS[moment.second]


class Money(TypeDecorator[Decimal]):
    """An amount with six places, as PrestaShop's DECIMAL(20,6).

    SQLite has no decimal: it keeps a float, exact to six places below a thousand million, and gives it back rounded
    to six places. Sums made inside SQLite have to be rounded by whoever makes them.
    """

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Numeric(20, 6, asdecimal=False))
        return dialect.type_descriptor(Numeric(20, 6))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:  # noqa: ANN401
        return float(value) if value is not None and dialect.name == "sqlite" else value

    def many(self, values: Sequence[Decimal | None], dialect: Dialect) -> Sequence[Any]:
        """A whole column as the driver takes it."""
        if dialect.name != "sqlite":
            return values
        return [None if value is None else float(value) for value in values]

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ANN401
        return None if value is None else Decimal(f"{value:.6f}").quantize(_MICROS)


class CleanText(TypeDecorator[str]):
    """Text that both databases take: PostgreSQL refuses U+0000, and neither driver can encode a lone surrogate.

    Both come from strangers (a mail's raw header, `\\ud83d` cut in half by a shop's column length); they become U+FFFD
    instead of losing the whole page. Where every byte counts, the blob has it.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (value.isascii() and "\0" not in value):
            return value
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def many(self, values: Sequence[str | None], dialect: Dialect) -> Sequence[str | None]:
        """A whole column as the driver takes it: nearly always as it is."""
        together = "".join(filter(None, values))
        if "\0" not in together and (together.isascii() or _encodable(together)):
            return values
        return [self.process_bind_param(value, dialect) for value in values]


class _Now(FunctionElement[datetime]):
    """The database's own clock, plus some seconds: leases of several hosts must not depend on each host's clock."""

    type = UTCDateTime()
    inherit_cache = True
    name = "mirror_now"


@compiles(_Now, "sqlite")
def _now_sqlite(element: _Now, compiler: Any, **options: Any) -> str:  # noqa: ANN401
    # The same text that SQLAlchemy stores for a DateTime: 'YYYY-MM-DD HH:MM:SS.ffffff'; %f has three places.
    seconds = compiler.process(element.clauses, **options)
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', ({seconds}) || ' seconds') || '000')"


@compiles(_Now, "postgresql")
def _now_postgresql(element: _Now, compiler: Any, **options: Any) -> str:  # noqa: ANN401
    # clock_timestamp, not now(): now() is the start of the transaction and stands still while we wait for a row lock.
    seconds = compiler.process(element.clauses, **options)
    return f"(clock_timestamp() + make_interval(secs => {seconds}))"


def database_now(plus_seconds: float = 0.0) -> ColumnElement[datetime]:
    """SQL expression: the time by the database's clock, `plus_seconds` from now."""
    return _Now(literal(float(plus_seconds), Float()))


class _Micros(FunctionElement[int]):
    """An amount by a rate in whole millionths. SQLite keeps an amount without a fraction as a whole number, whose
    division would cut: hence the factor with a point."""

    type = BigInteger()
    inherit_cache = True
    name = "mirror_micros"


@compiles(_Micros, "sqlite")
def _micros_sqlite(element: _Micros, compiler: Any, **options: Any) -> str:  # noqa: ANN401
    amount, rate = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST(ROUND(({amount}) * 1000000.0 / ({rate})) AS INTEGER)"


@compiles(_Micros, "postgresql")
def _micros_postgresql(element: _Micros, compiler: Any, **options: Any) -> str:  # noqa: ANN401
    amount, rate = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST(ROUND(({amount}) * 1000000 / ({rate})) AS BIGINT)"


def micros(amount: ColumnElement[Any], rate: ColumnElement[Any]) -> ColumnElement[int]:
    """SQL expression: amount / rate in whole millionths, rounded half away from zero. Sums of it are exact."""
    return _Micros(amount, rate)


class _LocalAsMoment(FunctionElement[datetime]):
    """The shop's own text of a moment read as UTC: what stands for the time where a shop's zone is unknown."""

    type = UTCDateTime()
    inherit_cache = True
    name = "local_as_moment"


@compiles(_LocalAsMoment, "sqlite")
def _local_sqlite(element: _LocalAsMoment, compiler: Any, **options: Any) -> str:  # noqa: ANN401
    return f"({compiler.process(element.clauses, **options)} || '.000000')"  # as SQLAlchemy stores a DateTime


@compiles(_LocalAsMoment, "postgresql")
def _local_postgresql(element: _LocalAsMoment, compiler: Any, **options: Any) -> str:  # noqa: ANN401
    return f"(CAST({compiler.process(element.clauses, **options)} AS TIMESTAMP) AT TIME ZONE 'UTC')"


def local_as_moment(local: ColumnElement[str]) -> ColumnElement[datetime]:
    """SQL expression: a column `YYYY-MM-DD HH:MM:SS` as a moment, NULL for NULL."""
    return _LocalAsMoment(local)


def among(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Is it one of the values that are given as `wanted`? For statements that are built once."""
    return column.in_(bindparam("wanted", expanding=True))


def insert_ignore(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert; rows whose unique key exists already are left alone."""
    if rows:
        connection.execute(_ignoring(_insert(connection), table), list(rows))


@lru_cache(maxsize=256)
def _ignoring(insert: Any, table: Table) -> Any:  # noqa: ANN401 - two dialects' Insert classes without a common base
    return insert(table).on_conflict_do_nothing()


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> None:
    """Insert, or write every given column of the row with these keys. All rows have the same columns."""
    if not rows:
        return
    connection.execute(_upsert(_insert(connection), table, tuple(rows[0]), tuple(keys)), list(rows))


@lru_cache(maxsize=256)
def _upsert(insert: Any, table: Table, columns: tuple[str, ...], keys: tuple[str, ...]) -> Any:  # noqa: ANN401
    return _upserting(insert(table), columns, keys)


ROWS = 200
"""Rows an SQLite statement, at most. The driver lets go of the interpreter at every statement and has to wait until it
gets it back, from threads that decode."""

PARAMETERS = 32_766
"""SQLITE_MAX_VARIABLE_NUMBER since 3.32 (https://www.sqlite.org/limits.html)."""


def bulk(connection: Connection, table: Table, columns: dict[str, Sequence[Any]], keys: Sequence[str] = ()) -> None:
    """Many rows at once, given column by column; with `keys` as `upsert`, without as a plain insert.

    The statement and the values' conversions are SQLAlchemy's; only the loop over the rows is ours, one list per
    column instead of one dict per row, which takes little more than half the time. Raises
    ValueError for a value that a column type refuses.
    """
    if not columns or not next(iter(columns.values())):
        return
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, keys)
        return
    sql, names = _sqlite_insert(table, tuple(columns), tuple(keys))
    rows = list(_converted(connection, table, columns, names))
    size = min(ROWS, PARAMETERS // len(names))
    together = len(rows) - len(rows) % size
    if together:
        many = _for_several(sql, len(names), size)
        for start in range(0, together, size):
            connection.exec_driver_sql(many, tuple(chain.from_iterable(rows[start : start + size])))
    if rows[together:]:
        connection.exec_driver_sql(sql, rows[together:])


@lru_cache(maxsize=256)
def _sqlite_insert(table: Table, columns: tuple[str, ...], keys: tuple[str, ...]) -> tuple[str, Sequence[str]]:
    """The statement and the order of its values. Kept: to write it takes as long as to store a hundred rows."""
    statement = _upserting(sqlite.insert(table), columns, keys)
    compiled = statement.compile(dialect=sqlite.dialect(paramstyle="qmark"), column_keys=list(columns))
    return str(compiled), compiled.positiontup or columns


@lru_cache(maxsize=256)
def _for_several(sql: str, columns: int, rows: int) -> str:
    """The same statement for many rows."""
    one = "(" + ", ".join("?" * columns) + ")"
    head, found, tail = sql.partition(f"VALUES {one}")
    if not found:
        raise ValueError("an insert statement of another form")
    return head + "VALUES " + ", ".join([one] * rows) + tail


def _copy(connection: Connection, table: Table, columns: dict[str, Sequence[Any]], keys: Sequence[str]) -> None:
    """PostgreSQL: COPY, for an upsert into a table of this session that is empty again after the commit. It takes half
    the time of a statement a row (orders with their lines, 1,000 a page, psycopg 3.3)."""
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    rows = _converted(connection, table, columns, list(columns))
    target = table.name
    cursor = connection.connection.cursor()
    try:
        if keys:
            target = "incoming_" + hashlib.sha256(table.name.encode()).hexdigest()[:16]
            cursor.execute(
                f"CREATE TEMPORARY TABLE IF NOT EXISTS {target} (LIKE {quote(table.name)}) ON COMMIT DELETE ROWS"
            )
            cursor.execute(f"DELETE FROM {target}")  # noqa: S608 - our own name; of an earlier page in this transaction
        with cursor.copy(f"COPY {quote(target)} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    finally:
        cursor.close()
    if keys:
        given: Any = select(*(literal_column(quote(name)) for name in columns)).select_from(text(target))
        statement = postgresql.insert(table).from_select(list(columns), given, include_defaults=False)
        connection.execute(_upserting(statement, columns, keys))


def _upserting(statement: Any, columns: Iterable[str], keys: Sequence[str]) -> Any:  # noqa: ANN401 - either's Insert
    if not keys:
        return statement
    written = {name: statement.excluded[name] for name in columns if name not in keys}
    return statement.on_conflict_do_update(index_elements=list(keys), set_=written)


def _converted(
    connection: Connection, table: Table, columns: dict[str, Sequence[Any]], names: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """Rows for the driver. Our own types convert a whole column at once: one by one takes most of a first pull's time
    in here."""
    ready: list[Sequence[Any]] = []
    for name in names:
        kind = table.c[name].type
        if isinstance(kind, UTCDateTime | Money | CleanText):
            ready.append(kind.many(columns[name], connection.dialect))
            continue
        convert = kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        ready.append([convert(value) for value in columns[name]] if convert else columns[name])
    return zip(*ready, strict=True)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _insert(connection: Connection) -> Any:  # noqa: ANN401 - two dialects' Insert classes without a common base
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


def in_batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut a list into pieces that fit one IN (...): SQLite takes 32766 parameters, PostgreSQL 65535."""
    return (values[start : start + _SOME] for start in range(0, len(values), _SOME))


def refuse_encoding(connection: Connection, mirror: str) -> None:
    """Raises SettingsError for a database that cannot hold every text: customers write in all languages."""
    if connection.dialect.name == "postgresql":
        found = connection.exec_driver_sql("SHOW server_encoding").scalar()
        if found != "UTF8":
            raise SettingsError("mirror.encoding", mirror=mirror, found=found)


def migration_lock(connection: Connection) -> None:
    """Let one process at a time build tables. SQLite's BEGIN IMMEDIATE has done that already."""
    if connection.dialect.name == "postgresql":
        connection.execute(func.pg_advisory_xact_lock(_MIGRATION_LOCK).select())


_MIGRATION_LOCK = 0x70736331  # 'psc1'; any number that is ours
