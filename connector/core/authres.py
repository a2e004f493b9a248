"""What the own mail server found out about a sender: Authentication-Results (RFC 8601), read for DMARC alone.

Anybody may write such a header into a mail, so only the own server's counts. With its name in the settings those are
the headers that bear it; without, the topmost header of the mail. A failure is believed wherever the own name stands: a
forged one harms its forger. A pass is believed only of a server that the settings name, in its topmost header, and for
the very domain of the From address.

Microsoft 365 writes no name of a server at all (`spf=pass ...; dkim=pass ...`); that form is read, too. Values must
come unfolded but with encoded words left as they are: decoded, a stranger's envelope address could end a comment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

HEADER = "authentication-results"
NAMELESS = "-"
"""The setting for a server that writes no name (Microsoft 365)."""

_LONGEST = 10_000  # characters of one header
_MOST = 20  # headers that are looked at


@dataclass(frozen=True, slots=True)
class Result:
    """One `method=result` with its properties, e.g. {"header.from": "example.com"}; all casefolded."""

    method: str
    result: str
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Results:
    """One header. server: the authserv-id, '' when it has none."""

    server: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Dmarc:
    """failed: the own server says that the From address is not the sender's. passed: it says, beyond doubt, that it
    is. Neither: it says nothing."""

    failed: bool = False
    passed: bool = False


def parse(value: str) -> Results:
    """Read one header value. Never fails; what is no `method=result` is left out."""
    server, results = "", list[Result]()
    for number, words in enumerate(_segments(value[:_LONGEST])):
        if not words:
            continue
        if number == 0 and "=" not in words[0]:
            server = words[0].casefold().rstrip(".")
            continue
        method, equals, result = words[0].partition("=")
        if not equals or not method:
            continue
        properties: dict[str, str] = {}
        for word in words[1:]:
            name, equals, text = word.partition("=")
            if equals:
                properties.setdefault(name.casefold(), text.casefold())
        results.append(Result(method.partition("/")[0].casefold(), result.casefold(), properties))
    return Results(server, tuple(results))


def dmarc(headers: Iterable[tuple[str, str]], server: str, from_addr: str) -> Dmarc:
    """The own server's verdict on the From address.

    headers: (lower-case name, value), topmost first. server: the setting: an authserv-id, `-` for a server that writes
    none, '' when it is not known.
    """
    values = [value for name, value in headers if name == HEADER][:_MOST]
    mine = _own([parse(value) for value in values], server.casefold().rstrip("."))
    if any(result.result == "fail" for one in mine for result in _dmarc(one)):
        return Dmarc(failed=True)
    if not server or not mine:
        return Dmarc()
    said, domain = _dmarc(mine[0]), from_addr.rpartition("@")[2].casefold()
    aligned = (r.result == "pass" and r.properties.get("header.from", "").rstrip(".") == domain for r in said)
    return Dmarc(passed=bool(said) and bool(domain) and all(aligned))


def _own(found: Sequence[Results], server: str) -> list[Results]:
    if not server:
        return list(found[:1])
    if server == NAMELESS:
        return [one for one in found[:1] if not one.server]
    return [one for one in found if one.server == server]


def _dmarc(one: Results) -> list[Result]:
    return [result for result in one.results if result.method == "dmarc"]


def _segments(text: str) -> Iterator[list[str]]:
    """The words between semicolons, comments dropped, quoted strings kept as one word without their quotes, `a = b`
    joined. One pass."""
    words: list[str] = []
    word: list[str] = []
    depth = 0
    quoted = escaped = open_word = False

    def close() -> None:
        nonlocal open_word
        if word or open_word:
            piece = "".join(word)
            if words and (words[-1].endswith("=") or piece.startswith("=")):
                words[-1] += piece
            else:
                words.append(piece)
        word.clear()
        open_word = False

    for char in text:
        if escaped:
            escaped = False
            if not depth:
                word.append(char)
        elif char == "\\" and (quoted or depth):
            escaped = True
        elif quoted:
            if char == '"':
                quoted = False
            else:
                word.append(char)
        elif depth:
            depth += 1 if char == "(" else -1 if char == ")" else 0
        elif char == "(":
            depth = 1
            close()
        elif char == '"':
            quoted = open_word = True
        elif char == ";":
            close()
            yield words
            words = []
        elif char.isspace():
            close()
        else:
            word.append(char)
    close()
    yield words
