"""The shop of a benchmark: a sandbox shop in a process of its own, served over real HTTP.

    python -m bench.shop_process ORDERS

Commands: `where` (address, key, rows), `speed` (genuine or not), `log` (the requests since it was last asked), `warm`,
`calm`, `change`, `threads`, `messages` (how many there are), `await_message` (when there is one more).
"""

from __future__ import annotations

import sys
import time

from bench.processes import Facts, serve
from connector.sandbox.shop import LIKE_GENUINE, SandboxShop

CHUNK = 5000
LONGEST_WAIT = 60.0


class Shop:
    def __init__(self, orders: int) -> None:
        self.shop = SandboxShop(orders=orders, seed=1)
        self.server = self.shop.start()

    def where(self) -> Facts:
        counts = {name: self.shop.count(name) for name in self.shop.world.resources}
        return {"url": self.server.url, "key": self.shop.full_key, "rows": counts}

    def speed(self, genuine: bool) -> Facts:
        """As fast as a genuine shop, or as fast as it can."""
        self.shop.service = LIKE_GENUINE if genuine else None
        return {}

    def log(self) -> Facts:
        requests, self.shop.requests[:] = list(self.shop.requests), []
        return {
            "urls": [f"{log.path}?{log.query}" if log.query else log.path for log in requests],
            "service": sum(log.seconds for log in requests),
            "failed": sum(log.status >= 400 for log in requests),
        }

    def warm(self, resources: list[str]) -> Facts:
        """Render the rows once, so that whoever reads them first does not pay for it: it is the sandbox's own time,
        which no shop has."""
        for name in resources:
            for start in range(0, self._last(name), CHUNK):
                chosen = f"filter[id]=[{start + 1},{start + CHUNK}]"
                self.shop.ask("GET", name, f"output_format=JSON&display=full&id_shop=1&{chosen}")
        return {}

    def calm(self) -> Facts:
        """One row of each resource is the newest by far. The seeded rows end in one second that many of them share, as
        after an import; whoever looks back some minutes behind the newest row sees all of these again and again."""
        for resource in self.shop.world.resources.values():
            if resource.has("date_upd") and self.shop.count(resource.name):
                self.shop.touch(resource.name, self._last(resource.name))
        return {}

    def change(self, rows: int) -> Facts:
        """So many orders change their state in the back office and so many customers write again."""
        orders = self._but_the_newest("orders", "DESC", rows)
        threads = self._but_the_newest("customer_threads", "ASC", rows)
        for number in orders:
            self.shop.update_row("orders", number, current_state=4, date_upd=self.shop.world.now_text())
        for number in range(rows):
            self.shop.contact_form(threads[number % len(threads)], f"Message {number} of the benchmark")
        return {"orders": len(orders), "messages": rows, "threads": len(threads)}

    def threads(self, count: int) -> Facts:
        people = {str(row["email"]): row for row in self.shop.rows("customer_threads") if row["token"]}
        chosen = [row for email, row in people.items() if "@" in email][:count]
        return {"threads": [{name: row[name] for name in ("id", "token", "email")} for row in chosen]}

    def messages(self) -> Facts:
        return {"count": self.shop.count("customer_messages")}

    def await_message(self, known: int) -> Facts:
        until = time.monotonic() + LONGEST_WAIT
        while self.shop.count("customer_messages") <= known:
            if time.monotonic() > until:
                return {"at": None}
            time.sleep(0.002)
        return {"at": time.monotonic()}

    def _last(self, name: str) -> int:
        return int(self.shop.world.store.query(f'SELECT MAX(id) FROM "{name}"')[0][0] or 0)

    def _but_the_newest(self, name: str, direction: str, count: int) -> list[int]:
        """Ids of rows that `calm` did not touch: a change within the same second would be none."""
        sql = f'SELECT id FROM "{name}" WHERE id < ? ORDER BY id {direction} LIMIT ?'
        return [row[0] for row in self.shop.world.store.query(sql, (self._last(name), count))]


def main() -> None:
    shop = Shop(int(sys.argv[1]))
    serve(
        {
            "where": shop.where,
            "speed": shop.speed,
            "log": shop.log,
            "warm": shop.warm,
            "calm": shop.calm,
            "change": shop.change,
            "threads": shop.threads,
            "messages": shop.messages,
            "await_message": shop.await_message,
        }
    )
    shop.server.close()


if __name__ == "__main__":
    main()
