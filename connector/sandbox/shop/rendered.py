"""Rows of lists as they were rendered last, so that a big shop does not render the same rows again and again.

Good until anything at all is written to the store: then all of it is forgotten. Knows neither form; whoever renders
says under which key.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from connector.sandbox.shop.store import Store

#: Bytes of rendered rows that are kept; what goes beyond is rendered anew each time.
MOST = 1 << 29


class Rendered:
    """Use under the store's lock."""

    def __init__(self, store: Store, most: int = MOST) -> None:
        self._store = store
        self._most = most
        self._written = store.written
        self._kept: dict[Hashable, dict[int, bytes]] = {}
        self._bytes = 0

    def rows(
        self, key: Hashable, ids: Sequence[int], render: Callable[[Sequence[int]], dict[int, bytes]]
    ) -> list[bytes]:
        """The rows with these ids in that order. `key`: all that their text depends on, beside the stored values.
        `render` is asked for the missing ones; ids that it does not give are left out."""
        if self._written != self._store.written:
            self._written, self._bytes = self._store.written, 0
            self._kept.clear()
        kept = self._kept.setdefault(key, {})
        missing = [number for number in ids if number not in kept]
        fresh = render(missing) if missing else {}
        if self._bytes < self._most:
            kept.update(fresh)
            self._bytes += sum(map(len, fresh.values()))
        found = (fresh.get(number) or kept.get(number) for number in ids)
        return [row for row in found if row is not None]
