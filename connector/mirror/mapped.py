"""What figures stand on: a shop's tables with the columns they cannot do without, and names in a reader's language."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from connector.errors import DataError
from connector.mirror.database import Database
from connector.mirror.dialect import in_batches
from connector.mirror.tables import MirroredTables


@dataclass(frozen=True, slots=True)
class Ground:
    """One shop in the mirror. setting: a value of the shop's configuration by name, '' without one. language: ISO code
    of the language that names are wanted in, '' for the shop's default."""

    database: Database
    tables: MirroredTables
    shop: str
    setting: Callable[[str], str]
    language: str = ""

    def need(self, columns: Mapping[str, Collection[str]]) -> None:
        """Raises DataError `figures.unmapped` when a table lacks one of these columns."""
        for name, wanted in columns.items():
            table = self.tables.any(name)
            has = set() if table is None else set(table.c.keys())
            if lacking := sorted(set(wanted) - has):
                raise DataError("figures.unmapped", table=name, columns=lacking)

    def names(self, connection: Connection, of: str, ids: Collection[int]) -> dict[int, str]:
        """Id -> name of these rows of a table, in the wanted language, else in the shop's default, else in the lowest
        that has one."""
        table = self.tables.lang.get(of)
        if table is None or "name" not in table.c or not ids:
            return {}
        wanted = self._languages(connection)
        rank = {number: place for place, number in reversed(list(enumerate(wanted)))}
        rows: dict[int, tuple[Any, str]] = {}
        for some in in_batches(sorted(ids)):
            mine = (table.c.shop == self.shop) & table.c.id.in_(some)
            for number, lang, name in connection.execute(select(table.c.id, table.c.id_lang, table.c.name).where(mine)):
                order = (rank.get(lang, len(rank)), lang)
                if name and (number not in rows or order < rows[number][0]):
                    rows[number] = (order, name)
        return {number: name for number, (_, name) in rows.items()}

    def _languages(self, connection: Connection) -> list[int]:
        table = self.tables.main.get("languages")
        found = []
        if self.language and table is not None:
            mine = (table.c.shop == self.shop) & (table.c.iso_code == self.language)
            found += list(connection.execute(select(table.c.id).where(mine).order_by(table.c.id)).scalars())
        default = self.setting("PS_LANG_DEFAULT")
        return found + ([int(default)] if default.isdecimal() else [])
