"""Reading a list so that one broken row never costs its neighbours.

A page is asked for as JSON. If that cannot be read or is a 500, the ids of the page are fetched (a list without
`display` loads no row, so that a broken one cannot spoil it), the page is tried as XML, and then the ids are halved
until the rows that no form gives stand alone. Records and broken rows together are the ids of the page; only a row
that the shop no longer has is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from connector.core.query import Filter, Query
from connector.engine.ports import Broken, Page, Record
from connector.errors import ShopError, ShopMisconfigured, ShopUnavailable, ShopUnreadable
from connector.shop import codec, faults
from connector.shop.codec import Shape, UndecodableError
from connector.shop.faults import Answer, Call
from connector.shop.query import Params, id_params, list_params

CHUNK = 100  # ids in one filter: the URL stays under 2 kB
GIVE_UP_AFTER = 20
"""Single rows that fail with a 500 or a page of HTML one after the other, none read in between: then it is the shop,
not the rows."""

_JSON = ("output_format", "JSON")
_UNDISPLAYABLE = 35  # a field in `display` that this version does not have (recording 17)


class Source(Protocol):
    @property
    def base_url(self) -> str: ...

    def get(self, path: str, params: Params) -> Answer: ...


class Reader:
    """Lists of one shop. May be used by several threads at once."""

    def __init__(self, source: Source, seen: Callable[[Answer], None]) -> None:
        self._source = source
        self._seen = seen
        self._undisplayable: set[tuple[str, tuple[str, ...]]] = set()
        self._known: set[str] = set()

    def knows(self) -> None:
        """The shop has answered as a webservice does: a page of HTML from it is a broken answer from now on, not
        another program (a row can end PHP in the middle, and a host sends pages of its own for a while)."""
        self._known.add("webservice")

    def over(self, source: Source) -> Reader:
        """The same, asking by another way; what was learned of the shop is shared."""
        other = Reader(source, self._seen)
        other._undisplayable, other._known = self._undisplayable, self._known
        return other

    def page(self, resource: str, query: Query, shape: Shape) -> Page:
        """Never skips silently. Raises ShopUnavailable, ShopForbidden, ShopMisconfigured, or ShopUnreadable when not
        even the ids of the page can be had."""
        try:
            records = self.rows(resource, query, shape)
        except ShopUnreadable as error:
            return self._narrow(resource, query, shape, error)
        return Page(records, [], 0 < query.limit <= len(records))

    def rows(self, resource: str, query: Query, shape: Shape) -> list[Record]:
        """All rows of a list as JSON. Raises as `page`, and ShopUnreadable when JSON does not give them all."""
        if (resource, query.display) in self._undisplayable:
            query = _with_all_fields(query)
        try:
            return self._json(resource, query, shape)
        except ShopMisconfigured as error:
            codes = error.facts.get("codes")
            if not query.display or not isinstance(codes, list) or _UNDISPLAYABLE not in codes:
                raise
        # An older version lacks one of the fields: all fields of the row are those that it has.
        self._undisplayable.add((resource, query.display))
        return self._json(resource, _with_all_fields(query), shape)

    def ids(self, resource: str, query: Query) -> list[int]:
        """A list without `display`. Raises as `rows`."""
        answer = self._get(resource, id_params, query, [_JSON])
        try:
            return codec.ids_from_json(answer.body)
        except UndecodableError:
            answer = self._get(resource, id_params, query, [])
        try:
            return codec.ids_from_xml(answer.body)
        except UndecodableError as error:
            raise self._unreadable(resource, answer, error.reason) from None

    def _get(self, resource: str, render: Callable[[Query], Params], query: Query, form: Params) -> Answer:
        try:
            params = render(query)
        except ValueError as error:
            raise ShopMisconfigured("shop.query_impossible", resource=resource, detail=str(error)) from None
        answer = self._source.get(resource, [*params, *form])
        self._seen(answer)
        if answer.status == 404:  # the webservice has no 404 for a list
            raise ShopMisconfigured("shop.not_an_api", base_url=self._source.base_url, status=404)
        return answer

    def _unreadable(self, resource: str, answer: Answer, reason: str) -> ShopError:
        return faults.unreadable(Call("GET", resource, self._source.base_url), answer, reason, known=bool(self._known))

    def _json(self, resource: str, query: Query, shape: Shape) -> list[Record]:
        answer = self._get(resource, list_params, query, [_JSON])
        try:
            records = codec.list_from_json(answer.body, shape)
        except UndecodableError as error:
            raise self._unreadable(resource, answer, error.reason) from None
        if any(codec.UNKNOWN_LANGUAGE in record.get(name, ()) for name in shape.lang for record in records[:1]):
            language = self._only_language(resource, records[0]["id"], query, shape)
            records = codec.list_from_json(answer.body, shape, language)
        return records

    def _only_language(self, resource: str, row_id: int, query: Query, shape: Shape) -> int:
        """With one active language JSON does not name it; XML of any row does."""
        try:
            records = self._xml(resource, _by_ids([row_id], query), shape)
        except ShopUnreadable:
            return codec.UNKNOWN_LANGUAGE
        keys = {key for record in records for name in shape.lang for key in record.get(name, ())}
        return keys.pop() if len(keys) == 1 else codec.UNKNOWN_LANGUAGE

    def _xml(self, resource: str, query: Query, shape: Shape) -> list[Record]:
        answer = self._get(resource, list_params, query, [])
        try:
            return codec.list_from_xml(answer.body, shape)
        except UndecodableError as error:
            raise self._unreadable(resource, answer, error.reason) from None

    def _narrow(self, resource: str, query: Query, shape: Shape, first: ShopUnreadable) -> Page:
        try:
            ids = self.ids(resource, query)
        except ShopUnreadable as error:
            if error.code == "shop.server_error" and "codes" not in error.facts:
                # Not even this: the shop is ill, not a row of it.
                raise ShopUnavailable("shop.unavailable", None, resource=resource, **_status(error)) from None
            if error.facts.get("reason") == "html":
                raise ShopUnavailable("shop.html_instead", None, resource=resource) from None
            raise
        if (resource, query.display) in self._undisplayable:
            query = _with_all_fields(query)
        full = 0 < query.limit <= len(ids)
        if first.code == "shop.unreadable":
            try:
                records = self._xml(resource, query, shape)
                if [record["id"] for record in records] == ids:
                    return Page(records, [], full)
            except ShopUnreadable:
                pass
        found: dict[int, Record] = {}
        broken: list[Broken] = []
        failures = 0
        for outcome in self._halves(resource, ids, query, shape):
            if isinstance(outcome, Broken):
                broken.append(outcome)
                failures = failures + 1 if outcome.reason in ("server_error", "html") else 0
                if failures >= GIVE_UP_AFTER and not found:
                    raise ShopUnavailable("shop.every_row_fails", None, resource=resource, rows=failures)
            else:
                found.update((record["id"], record) for record in outcome)
        return Page([found[row_id] for row_id in ids if row_id in found], broken, full)

    def _halves(self, resource: str, ids: Sequence[int], query: Query, shape: Shape) -> Iterator[list[Record] | Broken]:
        # A stack, so that a page of any size needs no recursion; the first ids on top.
        waiting = [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)][::-1]
        while waiting:
            part = waiting.pop()
            outcome = self._part(resource, part, query, shape)
            if outcome is not None:
                yield outcome
            else:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]

    def _part(self, resource: str, ids: Sequence[int], query: Query, shape: Shape) -> list[Record] | Broken | None:
        """The rows; for a single id what neither form gives is Broken; None: to be halved."""
        asked = _by_ids(ids, query)
        single = len(ids) == 1
        try:
            records = self._json(resource, asked, shape)
            if all(record["id"] in ids for record in records):
                return records
            first = Broken(ids[0], "wrong_row", b"")
        except ShopUnreadable as error:
            if not single and error.code != "shop.unreadable":
                return None  # XML would load the same rows, and fail like JSON
            first = Broken(ids[0], _reason(error), error.raw)
        try:
            records = self._xml(resource, asked, shape)
            # A text with `]]>` can forge rows in XML: only exactly the rows that were asked for count.
            if sorted(record["id"] for record in records) == sorted(ids) or (single and not records):
                return records
        except ShopUnreadable:
            pass
        return first if single else None


def _by_ids(ids: Sequence[int], query: Query) -> Query:
    return Query(
        filters=(Filter("id", "any", tuple(str(row_id) for row_id in ids)),),
        display=query.display,
        id_shop=query.id_shop,
    )


def _with_all_fields(query: Query) -> Query:
    return replace(query, display=())


def _reason(error: ShopError) -> str:
    reason = error.facts.get("reason")
    return str(reason) if reason else error.code.removeprefix("shop.")


def _status(error: ShopError) -> dict[str, object]:
    return {name: error.facts[name] for name in ("method", "status") if name in error.facts}
