"""The dead man's switch: an address that is asked for while all is well, so that somebody is told when that stops.

Never in the way of the work: a short timeout, no retry, and a failure is only told.
"""

from __future__ import annotations

import requests

CONNECT_SECONDS = 3.05
READ_SECONDS = 10.0


def ping(url: str) -> str:
    """GET the address, redirects not followed, the answer not read. '' when it was taken, else why not: a status such
    as `HTTP 404`, or the kind of failure. Never the address: who knows it can pretend that all is well."""
    try:
        with requests.get(url, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, stream=True) as answer:
            return "" if answer.status_code < 300 else f"HTTP {answer.status_code}"
    except (requests.RequestException, OSError, ValueError) as error:
        return type(error).__name__
