"""The stored cursor of a resource, as each of its passes sees it: one for each shop context of a multistore."""

from __future__ import annotations

from collections.abc import Sequence

from connector.core.cursor import Cursor


class Notebook:
    """The stored cursor of one pass: flat for a single pass, else {"by_shop": {id_shop: cursor}}.

    When the passes change (a second shop was added, id_shop=all became possible) the rows seen so far say nothing
    about the new pass, so it begins anew.
    """

    def __init__(self, stored: Cursor | None, passes: Sequence[str], id_shop: str) -> None:
        self.stored = stored
        self._several = len(passes) > 1
        self._passes = passes
        self.id_shop = id_shop

    def open(self) -> Cursor | None:
        if self.stored is None:
            return None
        if self._several:
            found: Cursor | None = self.stored.get("by_shop", {}).get(self.id_shop)
            return found
        if "by_shop" in self.stored or self.stored.get("id_shop", "") != self.id_shop:
            return None
        return {name: value for name, value in self.stored.items() if name != "id_shop"}

    def whole(self, cursor: Cursor) -> Cursor:
        """What to store so that `open` gives this cursor."""
        if self._several:
            others = (self.stored or {}).get("by_shop", {})
            kept = {name: value for name, value in others.items() if name in self._passes}
            return {"by_shop": {**kept, self.id_shop: cursor}}
        return {**cursor, "id_shop": self.id_shop} if self.id_shop else cursor
