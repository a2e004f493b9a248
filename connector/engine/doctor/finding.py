"""What a check finds: a state, and either a sentence's name with its facts or the error that says what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from connector.errors import ConnectorError, Exit, worst


class State(StrEnum):
    """ok: looked at, and well. warn: works, yet somebody should know. fail: does not work. skip: not looked at."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination.

    check: stable name for scripts, `area.what`. subject: '' for the installation, a shop's name, or `shop.mailbox`.
    code: of a warning or failure its error's, else of its sentence. facts hold no secret and no personal data.
    """

    check: str
    subject: str
    state: State
    code: str
    facts: Mapping[str, object] = field(default_factory=dict)
    error: ConnectorError | None = None


def ok(check: str, subject: str, code: str, **facts: object) -> Finding:
    return Finding(check, subject, State.OK, code, facts)


def skip(check: str, subject: str, code: str, **facts: object) -> Finding:
    return Finding(check, subject, State.SKIP, code, facts)


def warn(check: str, subject: str, error: ConnectorError) -> Finding:
    return Finding(check, subject, State.WARN, error.code, error.facts, error)


def fail(check: str, subject: str, error: ConnectorError) -> Finding:
    return Finding(check, subject, State.FAIL, error.code, error.facts, error)


def attempt(check: str, subject: str, work: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """The findings of a check; whatever goes wrong in it is one more finding and hides no other check."""
    try:
        yield from work()
    except ConnectorError as error:
        yield fail(check, subject, error)
    except Exception as error:  # a fault of ours in one check
        yield fail(check, subject, ConnectorError("doctor.fault", check=check, error=type(error).__name__))


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """state -> how many, each state there."""
    found = Counter(str(one.state) for one in findings)
    return {str(state): found[str(state)] for state in State}


def outcome(findings: Sequence[Finding]) -> Exit:
    """The exit code: of the failures the first that applies; warnings and what was skipped are no failure."""
    return worst([one.error.exit for one in findings if one.state is State.FAIL and one.error is not None])
