"""The peer: what a user of prestapyt writes to copy a shop into SQLite. A script of its own, for the interpreter of an
environment of its own: prestapyt is AGPL and never gets into ours.

    .bench/prestapyt/bin/python bench/peer_prestapyt.py URL KEY FILE RESOURCE...

As its documentation shows: `PrestaShopWebServiceDict`, `get(resource, options=...)`, one page after the other by
`limit=offset,count`. In its favour: whole rows in pages of a thousand instead of one request per id, one kept-alive
session, one transaction and one `executemany` per page, every field as the text it came as. Prints one line of JSON.
"""

import json
import resource
import sqlite3
import sys
import time
import warnings

from prestapyt import PrestaShopWebServiceDict

PAGE = 1000


def plain(value: object) -> object:
    """A field as text: languages and associations as JSON, attributes left out."""
    if isinstance(value, dict):
        if set(value) <= {"attrs", "value"}:
            return value.get("value", "")
        return json.dumps(value)
    return value


def copy(shop: PrestaShopWebServiceDict, database: sqlite3.Connection, name: str) -> tuple[int, int]:
    offset = total = requests = 0
    while True:
        answer = shop.get(name, options={"display": "full", "sort": "[id_ASC]", "limit": f"{offset},{PAGE}"})
        requests += 1
        container = next(iter(answer.values()))  # {"orders": {"order": [...]}}, without rows {"orders": ""}
        rows = next(iter(container.values())) if isinstance(container, dict) else []
        rows = rows if isinstance(rows, list) else [rows]
        if not rows:
            return total, requests
        columns = list(rows[0])
        if not offset:
            names = ", ".join(f'"{column}"' + (" PRIMARY KEY" if column == "id" else "") for column in columns)
            database.execute(f'CREATE TABLE "{name}" ({names})')
        marks = ", ".join("?" * len(columns))
        values = [[plain(row.get(column, "")) for column in columns] for row in rows]
        database.executemany(f'INSERT OR REPLACE INTO "{name}" VALUES ({marks})', values)
        database.commit()
        total += len(rows)
        if len(rows) < PAGE:
            return total, requests
        offset += PAGE


def main() -> None:
    url, key, path, *names = sys.argv[1:]
    warnings.simplefilter("ignore")  # prestapyt warns of every version after 1.7.8
    shop = PrestaShopWebServiceDict(f"{url}/api", key)
    shop.client.trust_env = False
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode=WAL")
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    total = requests = 0
    for name in names:
        rows, asked = copy(shop, database, name)
        total, requests = total + rows, requests + asked
    after = resource.getrusage(resource.RUSAGE_SELF)
    facts = {
        "seconds": time.perf_counter() - began,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak": after.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024),
        "rows": total,
        "requests": requests,
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
