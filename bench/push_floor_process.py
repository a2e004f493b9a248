"""The floor of pushing: the same POSTs, one after the other, by a bare client over one connection.

    python -m bench.push_floor_process

`post`: what lies in a file, a line of JSON each: path, parameters, body. Nothing is kept of the answers but that they
were good.
"""

from __future__ import annotations

import json
from pathlib import Path

import requests

from bench.processes import Facts, measured, serve


def post(base: str, key: str, file: str) -> Facts:
    facts: Facts = {}
    lines = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    with requests.Session() as session:
        session.auth = (key, "")
        session.headers["Content-Type"] = "text/xml; charset=utf-8"
        with measured(facts):
            for line in lines:
                answer = session.post(f"{base}/api/{line['path']}", params=line["params"], data=line["body"].encode())
                answer.raise_for_status()
    return facts | {"posts": len(lines)}


if __name__ == "__main__":
    serve({"post": post})
