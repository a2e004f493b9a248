"""XML against JSON: the same rows fetched and decoded in both forms by this program's codec.

    python -m bench.forms_process

Command: `read`.
"""

from __future__ import annotations

import time

import requests

from bench.processes import Facts, serve
from connector import packagedata
from connector.shop.codec import Shape, list_from_json, list_from_xml


def read(base: str, key: str, resource: str, urls: list[str], form: str) -> Facts:
    """Seconds of fetching, CPU seconds of decoding, bytes and rows of one resource."""
    mapped = next(found for found in packagedata.resources() if found.name == resource)
    shape, decode = Shape.of(mapped, with_children=True), list_from_json if form == "JSON" else list_from_xml
    with requests.Session() as session:
        session.trust_env = False
        session.auth = (key, "")
        began = time.perf_counter()
        bodies = [session.get(base + url, timeout=120).content for url in urls]
        fetched = time.perf_counter() - began
    began = time.process_time()
    rows = sum(len(decode(body, shape)) for body in bodies)
    return {"cpu": time.process_time() - began, "fetch": fetched, "bytes": sum(map(len, bodies)), "rows": rows}


if __name__ == "__main__":
    serve({"read": read})
