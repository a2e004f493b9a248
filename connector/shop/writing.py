"""Writes of one shop: one request each, never repeated after it may have happened.

A change of a row is a PATCH of what changes; before 8.0 a PUT of the whole row, read right before, because a PUT resets
what it does not name (recordings 204, 211, 213).

Answers to writes are asked for as JSON (recording 52): they echo the text of a stranger's mail, which in XML can make
the answer ill-formed or forge its elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from connector.engine.ports import Record
from connector.errors import ShopChanged, ShopRejected
from connector.shop import codec, faults, mending
from connector.shop.codec import UndecodableError
from connector.shop.dialect import Dialect
from connector.shop.faults import Answer, Call
from connector.shop.query import Params
from connector.shop.transport import Transport

_JSON: Params = [("output_format", "JSON")]
_MOST_MENDED = 4  # fields of one row; each costs a request

Fields = list[tuple[str, str]]


class Writer:
    """seen: is told of every answer. row: a whole row by resource and id, None if there is none."""

    def __init__(
        self,
        http: Transport,
        dialect: Callable[[], Dialect],
        seen: Callable[[Answer], None],
        row: Callable[[str, int], Record | None],
    ) -> None:
        self._http = http
        self._dialect = dialect
        self._seen = seen
        self._row = row

    def create(
        self,
        resource: str,
        entity: str,
        fields: Iterable[tuple[str, str]],
        params: Sequence[tuple[str, str]] = (),
        meanwhile: Callable[[], None] = lambda: None,
    ) -> int:
        """The id of the new row. meanwhile: called once, when the request is sent and the answer is waited for."""
        echo, call = self._write("POST", resource, entity, resource, fields, params, meanwhile=meanwhile)
        if echo["id"] <= 0:
            raise faults.outcome_unknown(call, "no id in the answer")
        return int(echo["id"])

    def set(
        self,
        resource: str,
        entity: str,
        row_id: int,
        changes: Fields,
        params: Sequence[tuple[str, str]] = (),
        *,
        expected: str | None = None,
        row: Record | None = None,
        groups: Iterable[int] | None = None,
    ) -> tuple[str, ...]:
        """Change fields of a row, or with `groups` a customer's groups. Returns the names of old fields that had to be
        mended to be taken.

        expected: what the first field holds where the row is read anyway. row: the whole row, if it was read just now.
        Raises ShopRejected `shop.row_missing` and `shop.old_data_refused` (an old value that no other can stand for),
        ShopChanged (nothing was sent), and as `create`."""
        names = [name for name, _ in changes]
        patches = self._dialect().has_patch
        sent = dict(changes)
        if not patches:
            row = self._fresh(resource, row_id, row)
            if expected is not None and str(row.get(names[0], "")) != expected:
                raise ShopChanged("shop.row_changed", resource=resource, id=row_id)
            # date_upd is always set by the shop; everything else, date_add too, goes back as it was.
            sent = {**dict(codec.writable_fields(row, ("id", "date_upd"))), **sent}
        mended: list[str] = []
        for name in [] if patches else [name for name in sent if name not in names]:
            if mending.carried(sent[name]) != sent[name]:
                sent[name] = mending.carried(sent[name])
                mended.append(name)
        while True:
            try:
                self._change(
                    "PATCH" if patches else "PUT", resource, entity, row_id, list(sent.items()), params, names, groups
                )
                return tuple(mended)
            except ShopRejected as refused:
                # A refusal comes before anything is stored, so that another try repeats nothing.
                field = str(refused.facts.get("field", ""))
                if not field or field in names:
                    raise
                row = self._fresh(resource, row_id, row)
                other = mending.mended(row, field)
                if other is None or field in mended or len(mended) == _MOST_MENDED:
                    raise ShopRejected(
                        "shop.old_data_refused",
                        resource=resource,
                        id=row_id,
                        field=field,
                        status=refused.facts["status"],
                    ) from None
                sent[field] = other
                mended.append(field)

    def _fresh(self, resource: str, row_id: int, row: Record | None) -> Record:
        row = row if row is not None else self._row(resource, row_id)
        if row is None:
            raise ShopRejected("shop.row_missing", resource=resource, id=row_id)
        return row

    def _change(
        self,
        method: str,
        resource: str,
        entity: str,
        row_id: int,
        fields: Fields,
        params: Sequence[tuple[str, str]],
        checked: Sequence[str],
        groups: Iterable[int] | None,
    ) -> None:
        # The id in the body is what counts, the one in the URL is ignored (recordings 67, 69).
        sent = [("id", str(row_id)), *fields]
        echo, call = self._write(method, resource, entity, f"{resource}/{row_id}", sent, params, groups)
        values = dict(fields)
        # JSON leaves out fields that are empty or 0.
        if echo["id"] != row_id or any((echo.get(name) or "0") != (values[name] or "0") for name in checked):
            raise faults.outcome_unknown(call, "the answer shows another value")

    def _write(
        self,
        method: str,
        resource: str,
        entity: str,
        path: str,
        fields: Iterable[tuple[str, str]],
        params: Sequence[tuple[str, str]],
        groups: Iterable[int] | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> tuple[dict[str, Any], Call]:
        call = Call(method, resource, self._http.base_url)
        try:
            body = codec.entity_xml(entity, fields, groups)
        except ValueError:
            raise ShopRejected("shop.control_character", resource=resource) from None
        answer = self._http.send(method, path, [*params, *_JSON], body, meanwhile)
        self._seen(answer)
        if faults.died_before_writing(answer.body):
            raise ShopRejected("shop.state_or_order_unknown", resource=resource, method=method, status=answer.status)
        try:
            return codec.single(answer.body), call
        except UndecodableError as error:
            raise faults.outcome_unknown(call, error.reason, status=answer.status) from None
