"""The floor: the very same requests over kept-alive connections, as many at a time, bodies thrown away.

    python -m bench.floor_process

No parsing and no storing: nobody who asks these questions with this library can be faster.
"""

from __future__ import annotations

import queue
import threading

import requests

from bench.processes import Facts, measured, serve


def replay(base: str, key: str, urls: list[str], connections: int) -> Facts:
    """urls: in the order in which they were asked; whoever is free takes the next."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for url in urls:
        waiting.put(base + url)
    sizes: list[int] = []
    failures: list[str] = []

    def work() -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.auth = (key, "")
            while True:
                try:
                    url = waiting.get_nowait()
                except queue.Empty:
                    return
                response = session.get(url, timeout=120, allow_redirects=False)
                sizes.append(len(response.content))
                if response.status_code != 200:
                    failures.append(f"{response.status_code} for {url}")

    facts: Facts = {}
    threads = [threading.Thread(target=work) for _ in range(connections)]
    with measured(facts):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failures or len(sizes) != len(urls):
        raise RuntimeError(f"{len(urls) - len(sizes)} of {len(urls)} requests got no answer; {failures[:3]}")
    return facts | {"bytes": sum(sizes), "requests": len(sizes)}


if __name__ == "__main__":
    serve({"replay": replay})
