"""The mirrored tables: built from the mappings, made and widened at start, never narrowed.

A mapping that gains a field gains a column; a mapping that loses one leaves its column behind with its data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    select,
)
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable
from sqlalchemy.types import TypeDecorator, TypeEngine

from connector.core.mapping import Field, Resource
from connector.errors import MappingError
from connector.mirror import own_tables
from connector.mirror.dialect import CleanText, Money, UTCDateTime

INDEXED = frozenset(
    {
        "date_upd",
        "email_key",
        "id_contact",
        "id_customer",
        "id_customer_thread",
        "id_order",
        "order_reference",
        "pulled_at",  # what was written since the last look at references
        "reference",
        "status",
        "token",
        "user_agent",  # carries our reference; the shop itself has no index there
    }
)
"""Columns that look-ups ask for. All are short texts or numbers in the shop: PostgreSQL's index rows are bounded."""

_RESERVED = {"main": {"shop", "digest", "pulled_at"}, "lang": {"shop", "id", "id_lang"}}
_RESERVED["child"] = {"shop", "parent_id", "position"}


@dataclass(frozen=True, slots=True)
class MirroredTables:
    """The tables of one program start. A resource without languages or children has none listed."""

    metadata: MetaData
    main: dict[str, Table] = field(default_factory=dict)  # by table name
    lang: dict[str, Table] = field(default_factory=dict)  # by main table name
    children: dict[str, dict[str, Table]] = field(default_factory=dict)  # by main table name, then by child's
    resource_of: dict[str, str] = field(default_factory=dict)  # any table name -> resource name
    resources: tuple[Resource, ...] = ()

    def any(self, name: str) -> Table | None:
        """A table of any sort by its name in the database."""
        return self.metadata.tables.get(name)


def build(resources: Sequence[Resource]) -> MirroredTables:
    """Tables for these resources. Raises MappingError for a name that is taken."""
    return _build(tuple(resources))


@lru_cache(maxsize=8)
def _build(resources: tuple[Resource, ...]) -> MirroredTables:
    """Kept: nobody changes them, and to build them takes longer than to look whether a mirror has them all."""
    naming = own_tables.metadata.naming_convention
    tables = MirroredTables(MetaData(naming_convention=naming), resources=resources)
    for resource in resources:
        main = _table(tables, resource, resource.table, "main", resource.fields)
        tables.main[resource.table] = main
        if resource.lang:
            tables.lang[resource.table] = _table(tables, resource, f"{resource.table}_lang", "lang", resource.lang)
        tables.children[resource.table] = {
            child.table: _table(tables, resource, child.table, "child", child.fields) for child in resource.children
        }
    return tables


def _table(tables: MirroredTables, resource: Resource, name: str, sort: str, fields: Sequence[Field]) -> Table:
    if name in tables.metadata.tables or name in own_tables.metadata.tables or name == own_tables.VERSION_TABLE:
        raise MappingError("mirror.table_taken", file=resource.source or resource.name, table=name)
    columns: list[Column[Any]]
    if sort == "main":
        columns = [_shop(), _number("id"), Column("digest", String(64)), Column("pulled_at", UTCDateTime)]
    elif sort == "lang":
        columns = [_shop(), _number("id"), _number("id_lang")]
    else:
        columns = [_shop(), _number("parent_id"), Column("position", Integer, primary_key=True, autoincrement=False)]
    for item in fields:
        if item.name == "id" and sort == "main":
            continue  # every main table has it
        columns += _columns(item)
        if sort == "main" and item.name == "email":
            # SQLite's lower() knows ASCII only, so the folded address is stored beside the written one.
            columns.append(Column("email_key", CleanText))
    names = [column.name for column in columns]
    for item in fields:
        if item.name in _RESERVED[sort] or (names.count(item.name) > 1):
            raise MappingError(
                "mirror.column_taken", file=resource.source or resource.name, table=name, column=item.name
            )
    table = Table(name, tables.metadata, *columns)
    for column_name in sorted(INDEXED & set(names)):
        Index(None, table.c.shop, table.c[column_name])
    tables.resource_of[name] = resource.name
    return table


def _shop() -> Column[str]:
    return Column("shop", String, primary_key=True)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, primary_key=True, autoincrement=False)


def _columns(item: Field) -> Iterator[Column[Any]]:
    types: dict[str, TypeEngine[Any]] = {
        "int": BigInteger(),
        "ref": BigInteger(),
        "bool": Boolean(),
        "decimal": Money(),
        "date": Date(),
        "datetime": UTCDateTime(),
        "text": CleanText(),
    }
    yield Column(item.name, types[item.type])
    if item.type == "datetime":
        yield Column(f"{item.name}_local", String(19))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is missing in the database: DDL in order, the words for the log, the resources to be read again. moved:
    those among them whose children and texts belong to rows of another table. refused: columns whose type would have to
    change."""

    ddl: list[CreateTable | CreateIndex | tuple[Table, Column[Any]]]
    changes: list[str]
    reread: set[str]
    refused: list[MappingError]
    moved: set[str] = field(default_factory=set)


def missing(connection: Connection, tables: MirroredTables) -> Plan:
    """Compare the database with the mappings. Reads only. Raises MappingError when a column's type has changed."""
    plan = compare(connection, tables)
    if plan.refused:
        raise plan.refused[0]
    return plan


def compare(connection: Connection, tables: MirroredTables) -> Plan:
    """As `missing`, but what is refused stands in the plan."""
    plan = Plan([], [], set(), [])
    columns = _columns_there(connection)
    known = _indexes_there(connection)
    present = set(columns)
    for table in tables.metadata.sorted_tables:
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        resource = tables.resource_of[table.name]
        if table.name not in present:
            plan.ddl.extend([CreateTable(table), *(CreateIndex(index) for index in indexes)])
            plan.changes.append(f"create table {table.name}")
            if table.name in tables.main:
                plan.moved.add(resource)  # or new: then nothing is there to be emptied, and no cursor
            elif _main_has_rows(connection, tables, resource, present):
                plan.reread.add(resource)
            continue
        has = columns[table.name]
        for column in table.columns:
            if column.name not in has:
                plan.ddl.append((table, column))
                plan.changes.append(f"add column {table.name}.{column.name}")
                if _main_has_rows(connection, tables, resource, present):
                    plan.reread.add(resource)
            elif has[column.name] != family(column.type):
                plan.refused.append(
                    MappingError(
                        "mirror.column_changed",
                        file=_file(tables, resource),
                        table=table.name,
                        column=column.name,
                        has=has[column.name],
                        wants=family(column.type),
                    )
                )
        for index in indexes:
            # PostgreSQL's names end at 63 bytes; SQLAlchemy cuts longer ones, with a hash at the end.
            if connection.dialect.identifier_preparer.format_index(index).strip('"') not in known:
                plan.ddl.append(CreateIndex(index))
                plan.changes.append(f"create index {index.name}")
    return plan


# What there is, in one question each: table by table it takes most of a program's start.
_COLUMNS = {
    "sqlite": "SELECT t.name, c.name, c.type FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'",
    "postgresql": """
        SELECT t.relname, c.attname, format_type(c.atttypid, c.atttypmod)
        FROM pg_class t JOIN pg_attribute c ON c.attrelid = t.oid
        WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p')
        AND c.attnum > 0 AND NOT c.attisdropped
    """,
}
_INDEXES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
    "postgresql": "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()",
}


def _columns_there(connection: Connection) -> dict[str, dict[str, str]]:
    """Table -> column -> the family of its type."""
    found: dict[str, dict[str, str]] = {}
    for table, column, declared in connection.exec_driver_sql(_COLUMNS[connection.dialect.name]):
        found.setdefault(table, {})[column] = _declared_family(declared)
    return found


def _indexes_there(connection: Connection) -> set[str]:
    """Their names, of which there is one in all tables."""
    return set(connection.exec_driver_sql(_INDEXES[connection.dialect.name]).scalars())


def _file(tables: MirroredTables, resource: str) -> str:
    return next((one.source for one in tables.resources if one.name == resource and one.source), resource)


def apply(connection: Connection, tables: MirroredTables, plan: Plan) -> None:
    """Carry the plan out, in the caller's transaction."""
    preparer = connection.dialect.identifier_preparer
    for step in plan.ddl:
        if isinstance(step, tuple):
            table, column = step
            clause = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {preparer.format_table(table)} ADD COLUMN {clause}")
        else:
            connection.execute(step)
    for main, resource in [(name, tables.resource_of[name]) for name in tables.main]:
        if resource in plan.moved:
            texts = [tables.lang[main]] if main in tables.lang else []
            for part in (*tables.children[main].values(), *texts):
                connection.execute(part.delete())
    if again := plan.reread | plan.moved:
        cursor = own_tables.cursor
        connection.execute(cursor.update().where(cursor.c.resource.in_(again)).values(reread=True))


def _main_has_rows(connection: Connection, tables: MirroredTables, resource: str, present: set[str]) -> bool:
    main = next(table for name, table in tables.main.items() if tables.resource_of[name] == resource)
    return main.name in present and has_rows(connection, main)


def has_rows(connection: Connection, table: Table) -> bool:
    """Does a table that exists hold anything, of any shop?"""
    return connection.execute(select(table.c.id).limit(1)).first() is not None


def family(kind: TypeEngine[Any]) -> str:
    """Which values a column takes, told alike from a mapping and from either database."""
    if isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    for name, classes in _FAMILIES:
        if isinstance(kind, classes):
            return name
    return "text"


@lru_cache(maxsize=256)
def _declared_family(declared: str) -> str:
    """The same of a type as a database writes it."""
    words = declared.lower()
    return next((name for name, marks in _DECLARED if words.startswith(marks)), "text")


_DECLARED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("yes or no", ("bool",)),
    ("moment", ("timestamp", "datetime")),
    ("day", ("date",)),
    ("text", ("interval",)),
    ("whole number", ("int", "bigint", "smallint", "tinyint")),
    ("amount", ("numeric", "decimal", "real", "float", "double")),
)
_FAMILIES: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("yes or no", (Boolean,)),
    ("moment", (DateTime,)),
    ("day", (Date,)),
    ("whole number", (Integer,)),
    ("amount", (Numeric,)),
)
