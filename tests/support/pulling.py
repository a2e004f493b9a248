"""A simulated shop, a real mirror, and the legs between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from connector.core.mapping import Resource
from connector.engine.deletions import Deletions
from connector.engine.pull import Pull
from connector.engine.relations import Relations
from connector.engine.sweep import Sweeps
from connector.mirror.db import Mirror, open_mirror
from connector.ops.clock import SystemClock
from tests.support import databases
from tests.support.simshop import SimClock, SimShop

SHOP = "main"


@dataclass
class Heard:
    """The events of a test, in order."""

    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def emit(self, name: str, /, **keys: object) -> None:
        self.events.append((name, keys))

    def within(self, **keys: object) -> AbstractContextManager[None]:
        return nullcontext()

    def of(self, name: str) -> list[dict[str, object]]:
        return [keys for heard, keys in self.events if heard == name]


@dataclass
class Bench:
    shop: SimShop
    mirror: Mirror
    resources: list[Resource]
    heard: Heard
    zone: ZoneInfo | None = field(default_factory=lambda: ZoneInfo("Europe/Paris"))

    def pull(self, rows: Any = None, **more: Any) -> Pull:
        return Pull(self.shop, rows or self.mirror.rows, self.heard, SimClock(self.shop), **{**self._common(), **more})

    def sweeps(self, **more: Any) -> Sweeps:
        common = {**self._common(), **more}
        return Sweeps(self.shop, self.mirror.rows, self.mirror.contents, self.heard, SimClock(self.shop), **common)

    def deletions(self, most_percent: float = 10, **more: Any) -> Deletions:
        return Deletions(
            self.shop,
            self.mirror.rows,
            self.mirror.contents,
            self.heard,
            shop_name=SHOP,
            resources=self.resources,
            info=self.shop.probe,
            reread=self.sweeps(**more).reread,
            most_percent=most_percent,
            **more,
        )

    def relations(self) -> Relations:
        """Stamped by the mirror's clock, not by the shop's."""
        return Relations(
            self.mirror.rows,
            self.mirror.contents,
            self.mirror.meta,
            self.heard,
            SystemClock(),
            shop_name=SHOP,
            resources=self.resources,
            info=self.shop.probe,
            reread=self.sweeps().reread,
        )

    def _common(self) -> dict[str, Any]:
        return {
            "shop_name": SHOP,
            "resources": self.resources,
            "info": self.shop.probe,
            "zone": lambda: self.zone,
            "page_size": 10,
        }

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.mirror.database.read() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]


def new_mirror(folder: Path, resources: list[Resource]) -> Mirror:
    """An empty mirror with the tables of these mappings."""
    return open_mirror(databases.new_mirror(folder, resources), resources)


@contextmanager
def bench(folder: Path, shop: SimShop, resources: list[Resource]) -> Iterator[Bench]:
    url = databases.new_mirror(folder, resources)
    mirror = open_mirror(url, resources)
    try:
        yield Bench(shop, mirror, resources, Heard())
    finally:
        mirror.close()
        databases.forget(url)
