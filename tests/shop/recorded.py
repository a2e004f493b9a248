"""Exchanges recorded with genuine shops, as the adapter's tests use them."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from connector.shop.faults import Answer

VERSIONS = ("1.6.1.24", "1.7.8.11", "8.2.1", "9.0.0")
FOLDER = Path(__file__).parent.parent / "contract" / "recordings"


@dataclass(frozen=True)
class Exchange:
    name: str
    method: str
    path: str
    query: list[tuple[str, str]]
    request_body: bytes
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def answer(self) -> Answer:
        return Answer(self.status, {name.lower(): value for name, value in self.headers.items()}, self.body)

    @property
    def resource(self) -> str:
        return (self.path + "/").split("/")[2]


@cache
def exchanges(version: str) -> dict[str, Exchange]:
    with gzip.open(FOLDER / f"ps-{version}.json.gz") as file:
        return {entry["name"]: _exchange(entry) for entry in json.load(file)}


def recorded(version: str, name: str) -> Exchange:
    return exchanges(version)[name]


def _exchange(entry: dict[str, Any]) -> Exchange:
    request, response = entry["request"], entry["response"]
    return Exchange(
        entry["name"],
        request["method"],
        request["path"],
        [tuple(pair) for pair in request["query"]],
        _body(request),
        response["status"],
        response["headers"],
        _body(response),
    )


def _body(part: dict[str, Any]) -> bytes:
    if part.get("body_base64"):
        return base64.b64decode(part["body_base64"])
    return (part.get("body") or "").encode()
