"""How long customers wait for their first answer, and who gives it, from the messages of threads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Said:
    """A message. employee: 0 for the customer. at: None when its moment is not known."""

    thread: int
    id: int
    employee: int
    private: bool
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """public: messages that the customer can read or wrote. asked: the customer wrote in it. seconds: from the
    customer's first words to the first public words of an employee after them, by `employee`; None without such an
    answer, or without its moments."""

    thread: int
    public: int
    asked: bool
    answered: bool
    seconds: float | None
    employee: int


def conversations(messages: Iterable[Said]) -> list[Conversation]:
    """The messages of a thread stand together, in any order among themselves. By moment, then by id: a message that was
    filed late may carry an earlier moment. A thread that an employee began is answered by what follows the customer's
    first words."""
    return [_conversation(number, sorted(found, key=_order)) for number, found in groupby(messages, lambda m: m.thread)]


def _order(message: Said) -> tuple[float, int]:
    return (message.at.timestamp() if message.at else float("inf"), message.id)


def _conversation(thread: int, messages: list[Said]) -> Conversation:
    public = [message for message in messages if not message.private]
    asked = next((place for place, message in enumerate(public) if not message.employee), None)
    if asked is None:
        return Conversation(thread, len(public), False, False, None, 0)
    answer = next((message for message in public[asked:] if message.employee), None)
    if answer is None:
        return Conversation(thread, len(public), True, False, None, 0)
    begun, at = public[asked].at, answer.at
    seconds = (at - begun).total_seconds() if at and begun else None
    return Conversation(thread, len(public), True, True, seconds, answer.employee)
