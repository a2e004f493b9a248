"""Order states and thread statuses: what somebody calls one -> which one it is in this shop. Never a guess.

The ids of order states differ from shop to shop. `mappings/statuses.toml` names the canonical states, the shop's
PS_OS_* configuration says which of its states plays each part, and the shop's own names (any language) are understood
too. Whether an order may go into a state is not decided here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from connector.core.datafile import DataFileError, line_of, load
from connector.core.model import OrderState

THREAD_STATUSES = ("open", "closed", "pending1", "pending2")
"""The values of customer_threads.status (an enum in the shop's database: anything else is stored as '')."""

_THREAD_ALIASES = {
    "opened": "open", "reopen": "open", "reopened": "open", "new": "open",
    "close": "closed", "done": "closed", "solved": "closed", "resolved": "closed",
    "pending": "pending1", "pending 1": "pending1", "waiting": "pending1",
    "pending 2": "pending2",
}  # fmt: skip

FLAGS = ("invoice", "paid", "shipped", "delivery", "logable")

Reason = Literal["unknown", "ambiguous", "deleted", "not_set_up"]


@dataclass(frozen=True, slots=True)
class CanonicalState:
    """One table of `mappings/statuses.toml`.

    keys: PS_OS_* configuration names, the first that is set counts. any_of: other canonical states that this word may
    mean. flags: those of a fresh installation, used when a shop has no such key.
    names: as installers write them, any language. aliases: further words for it on the command line.
    """

    name: str
    keys: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    flags: Mapping[str, bool] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


Canon = Mapping[str, CanonicalState]


@dataclass(frozen=True, slots=True)
class Resolved:
    id: int


@dataclass(frozen=True, slots=True)
class Unresolved:
    """reason: unknown (nothing is called so), ambiguous (several are), deleted (the one that is is deleted), not_set_up
    (a canonical state that this shop has no state for). candidates: ids to choose from, those that fit best first."""

    reason: Reason
    candidates: tuple[int, ...] = ()


def fold(name: str) -> str:
    """Case, accents, punctuation and spacing do not distinguish names: `Expédié` is `expedie`."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in plain.replace("ł", "l").replace("ø", "o")).split())


def resolve(wish: str, states: Sequence[OrderState], config: Mapping[str, str], canon: Canon) -> Resolved | Unresolved:
    """Which state of this shop `wish` means: an id (`4`, `#4`), a canonical name (`shipped`), or the shop's own name.

    config: PS_OS_* name -> value as the shop gives it. A canonical name and a name of the shop that mean different
    states are ambiguous; the installers' names of other languages count only when neither is known.
    """
    by_id = {state.id: state for state in states}
    number = wish.strip().removeprefix("#")
    if number.isascii() and number.isdigit():
        return _verdict({int(number)} & by_id.keys(), by_id, "unknown")
    wanted = fold(wish)
    if not wanted:
        return Unresolved("unknown")
    own = {state.id for state in states if any(fold(name) == wanted for name in state.names)}
    living = {i for i in own if not by_id[i].deleted}
    named = [c for c in canon.values() if wanted in {fold(c.name), *map(fold, c.aliases)}]
    found = (living or own) | _ids_of(named, states, config, canon)
    if not found and not named:
        named = [c for c in canon.values() if wanted in set(map(fold, c.names))]
        found = _ids_of(named, states, config, canon)
    if found:
        return _verdict(found, by_id, "unknown")
    if named:
        return Unresolved("not_set_up", tuple(s.id for s in states if not s.deleted))
    near = [s.id for s in states if not s.deleted and any(_near(wanted, fold(name)) for name in s.names)]
    return Unresolved("unknown", tuple(near) or tuple(s.id for s in states if not s.deleted))


def thread_status(wish: str) -> str | None:
    """The value of customer_threads.status that a word means, None for an unknown word."""
    word = fold(wish)
    return word if word in THREAD_STATUSES else _THREAD_ALIASES.get(word)


def parse_statuses(text: str, file: str, below: Canon | None = None) -> dict[str, CanonicalState]:
    """Read `mappings/statuses.toml`: one table per canonical state with `keys`, `any_of`, `aliases`, the flags of
    `FLAGS` and `names` (language -> list of names). below: states that this file adds to; one of the same name is
    replaced whole. Raises DataFileError with file and line."""
    canon: dict[str, CanonicalState] = dict(below or {})
    for name, table in load(text, file).items():
        if not isinstance(table, dict):
            raise DataFileError(file, line_of(text, "", name), f"`{name}` must be a table: [{name}]")
        canon[name] = _state(name, table, text, file)
    for state in canon.values():
        for other in state.any_of:
            if other not in canon:
                raise DataFileError(
                    file, line_of(text, state.name, "any_of"), f"any_of names `{other}`, which is no table of this file"
                )
    return canon


def _state(name: str, table: dict[str, object], text: str, file: str) -> CanonicalState:
    def texts(value: object, key: str, within: str = name) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
            raise DataFileError(file, line_of(text, within, key), f"`{key}` of [{name}] must be a list of texts")
        return tuple(value)

    flags: dict[str, bool] = {}
    names: list[str] = []
    lists: dict[str, tuple[str, ...]] = {"keys": (), "any_of": (), "aliases": ()}
    for key, value in table.items():
        if key in lists:
            lists[key] = texts(value, key)
        elif key in FLAGS:
            if not isinstance(value, bool):
                raise DataFileError(file, line_of(text, name, key), f"`{key}` of [{name}] must be true or false")
            flags[key] = value
        elif key == "names":
            if not isinstance(value, dict):
                raise DataFileError(file, line_of(text, name, key), f"`names` of [{name}] must be a table by language")
            for language, listed in value.items():
                names += texts(listed, language, f"{name}.names")
        else:
            known = ", ".join((*lists, *FLAGS, "names"))
            raise DataFileError(file, line_of(text, name, key), f"unknown key `{key}` in [{name}]; known are: {known}")
    for key in lists["keys"]:
        if not key.startswith("PS_OS_"):
            raise DataFileError(file, line_of(text, name, "keys"), f"`{key}` is no PS_OS_ configuration name")
    return CanonicalState(name, lists["keys"], lists["any_of"], flags, tuple(names), lists["aliases"])


def _verdict(found: Iterable[int], by_id: Mapping[int, OrderState], otherwise: Reason) -> Resolved | Unresolved:
    ids = sorted(found)
    living = [i for i in ids if i in by_id and not by_id[i].deleted]
    if len(ids) == 1 and living:
        return Resolved(living[0])
    if len(ids) > 1:
        return Unresolved("ambiguous", tuple(living or ids))
    others = tuple(s.id for s in by_id.values() if not s.deleted)
    return Unresolved("deleted" if ids else otherwise, others)


def _ids_of(
    named: Iterable[CanonicalState], states: Sequence[OrderState], config: Mapping[str, str], canon: Canon
) -> set[int]:
    ids: set[int] = set()
    for state in named:
        ids |= _ids_of_one(state, states, config)
        for other in state.any_of:
            ids |= _ids_of_one(canon[other], states, config)
    return ids


def _ids_of_one(state: CanonicalState, states: Sequence[OrderState], config: Mapping[str, str]) -> set[int]:
    existing = {s.id for s in states}
    for key in state.keys:
        value = config.get(key, "").strip()
        if value.isascii() and value.isdigit() and int(value) in existing:
            return {int(value)}
    # Without the key (no right on `configurations`, or a state that has none) the installers' names decide, but only
    # together with the flags: `Zwrot` may be a refund here and a returned parcel there.
    names = set(map(fold, state.names))
    return {
        s.id
        for s in states
        if not s.deleted
        and any(fold(name) in names for name in s.names)
        and all(getattr(s, flag) == wanted for flag, wanted in state.flags.items())
    }


def _near(wanted: str, name: str) -> bool:
    words = set(wanted.split())
    return bool(words & set(name.split())) or wanted in name
