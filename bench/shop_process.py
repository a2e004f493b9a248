"""The shop of a benchmark: a sandbox shop in a process of its own, served over real HTTP.

    python -m bench.shop_process ORDERS

Commands: `where` (address, key, rows), `speed` (genuine or not), `log` (the requests since it was last asked), `warm`,
`change`.
"""

from __future__ import annotations

import sys

from bench.processes import Facts, serve
from connector.sandbox.shop import LIKE_GENUINE, SandboxShop

CHUNK = 5000


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
            last = max((row[0] for row in self.shop.world.store.query(f'SELECT MAX(id) FROM "{name}"')), default=0) or 0
            for start in range(0, last, CHUNK):
                chosen = f"filter[id]=[{start + 1},{start + CHUNK}]"
                self.shop.ask("GET", name, f"output_format=JSON&display=full&id_shop=1&{chosen}")
        return {}

    def change(self, rows: int) -> Facts:
        """So many orders change their state in the back office and so many customers write again."""
        orders = [
            row[0] for row in self.shop.world.store.query("SELECT id FROM orders ORDER BY id DESC LIMIT ?", [rows])
        ]
        threads = self.shop.world.store.query("SELECT id FROM customer_threads ORDER BY id LIMIT ?", [rows])
        for number in orders:
            self.shop.update_row("orders", number, current_state=4, date_upd=self.shop.world.now_text())
        for number in range(rows):
            self.shop.contact_form(threads[number % len(threads)][0], f"Message {number} of the benchmark")
        return {"orders": len(orders), "messages": rows, "threads": len({row[0] for row in threads})}


def main() -> None:
    shop = Shop(int(sys.argv[1]))
    serve({"where": shop.where, "speed": shop.speed, "log": shop.log, "warm": shop.warm, "change": shop.change})
    shop.server.close()


if __name__ == "__main__":
    main()
