"""The error tree: how much is broken x what to do next -> exit code.

Errors carry *data*: a code, a scope, what to do next and the facts (file, key, host, resource). The words for the
user live in `connector/words.py`, one entry per code; nothing here prints. An adapter raises the class that it knows
to be right, because only the adapter can tell a passing fault from a final one.

Exit codes are the BSD numbers that systemd knows by name.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import ClassVar


class Exit(IntEnum):
    """Exit codes of every command. When several failures meet, `worst` picks the one that is reported."""

    OK = 0
    FOUND = 1
    USAGE = 64
    DATA = 65
    UNAVAILABLE = 69
    INTERNAL = 70
    CANNOT_CREATE = 73
    IO = 74
    TEMPORARY = 75
    NO_PERMISSION = 77
    CONFIG = 78
    INTERRUPTED = 130


EXIT_MEANING: dict[Exit, str] = {
    Exit.OK: "all is well",
    Exit.FOUND: "a check found something",
    Exit.USAGE: "wrong command line",
    Exit.DATA: "wrong input data",
    Exit.UNAVAILABLE: "shop, mailbox, mail server or database server cannot be reached",
    Exit.INTERNAL: "a fault of this program",
    Exit.CANNOT_CREATE: "the mirror or an output file cannot be created",
    Exit.IO: "reading or writing failed (disk full, read-only)",
    Exit.TEMPORARY: "not now: try again later (queued, locked, waiting for the settle time)",
    Exit.NO_PERMISSION: "a key, password or file permission is refused",
    Exit.CONFIG: "the settings are wrong",
    Exit.INTERRUPTED: "interrupted",
}

_PRECEDENCE = (
    Exit.CONFIG, Exit.NO_PERMISSION, Exit.IO, Exit.CANNOT_CREATE, Exit.INTERNAL,
    Exit.UNAVAILABLE, Exit.TEMPORARY, Exit.DATA, Exit.FOUND,
)  # fmt: skip


def worst(codes: list[Exit]) -> Exit:
    """The exit code to report when several parts failed: the first that applies of a fixed order."""
    return next((code for code in _PRECEDENCE if code in codes), Exit.OK)


class Scope(StrEnum):
    """How much is broken. The shell around an operation stops exactly that much."""

    ROW = "row"
    RESOURCE = "resource"
    FOLDER = "folder"
    MAILBOX = "mailbox"
    SHOP = "shop"
    PROCESS = "process"


class Next(StrEnum):
    """What to do next."""

    RETRY = "retry"  # by itself, with growing pauses
    LOOK_UP = "look_up"  # the outcome is unknown: ask the far side before anything is sent again
    SKIP = "skip"  # set this one aside, go on with its neighbours
    ASK_ADMIN = "ask_admin"  # only a person can mend it: settings, key, permission


class ConnectorError(Exception):
    """Base of all errors of this program. `facts` are shown to the user: never put a secret or personal data in."""

    scope: ClassVar[Scope] = Scope.PROCESS
    next: ClassVar[Next] = Next.ASK_ADMIN
    exit: ClassVar[Exit] = Exit.INTERNAL

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts

    def __str__(self) -> str:
        inner = ", ".join(f"{k}={v}" for k, v in self.facts.items())
        return f"{self.code}({inner})"


class SettingsError(ConnectorError):
    """The settings are wrong. `problems` holds one entry per wrong setting, so that all are shown at once."""

    exit = Exit.CONFIG

    def __init__(self, code: str, problems: list[dict[str, object]] | None = None, **facts: object) -> None:
        super().__init__(code, **facts)
        self.problems = problems or []


class MappingError(ConnectorError):
    """A mapping is wrong; facts name file and line. `problems` holds one entry (file, line, problem) per mistake."""

    exit = Exit.CONFIG

    def __init__(self, code: str, problems: list[dict[str, object]] | None = None, **facts: object) -> None:
        super().__init__(code, **facts)
        self.problems = problems or []


class UsageError(ConnectorError):
    exit = Exit.USAGE


class DataError(ConnectorError):
    """What the user named does not exist or does not fit (no such thread, an unknown state name)."""

    exit = Exit.DATA


class StateError(ConnectorError):
    """The state directory or the mirror cannot be read or written."""

    exit = Exit.IO


class MirrorUnavailable(StateError):
    """The database server of the mirror does not answer, or broke the connection."""

    next = Next.RETRY
    exit = Exit.UNAVAILABLE


class LeaseLost(StateError):
    """Somebody else works for the shop now; what this process still has in hand is out of date."""

    next = Next.RETRY
    exit = Exit.TEMPORARY


class CannotCreate(ConnectorError):
    exit = Exit.CANNOT_CREATE


class NotPermitted(ConnectorError):
    exit = Exit.NO_PERMISSION


class GuardTripped(ConnectorError):
    """What looks like an accident was not done; the words name what allows it."""

    scope = Scope.RESOURCE
    exit = Exit.FOUND


class CheckFound(ConnectorError):
    """A check found something that somebody should know and that stops no work."""

    exit = Exit.FOUND


class Busy(ConnectorError):
    """Somebody else holds the lease, or something must wait (facts: seconds)."""

    next = Next.RETRY
    exit = Exit.TEMPORARY


# --- the shop ---------------------------------------------------------------------------------------------------


class ShopError(ConnectorError):
    scope = Scope.SHOP


class ShopMisconfigured(ShopError):
    """Redirects, HTML instead of an API, webservice switched off, unknown resource of this version."""

    exit = Exit.CONFIG


class ShopForbidden(ShopError):
    """Key refused (scope shop) or a right is missing (`facts['resource']`)."""

    exit = Exit.NO_PERMISSION


class ShopUnavailable(ShopError):
    """A passing fault of a read, or of a write that surely never reached the shop. `retry_after` in seconds or None."""

    next = Next.RETRY
    exit = Exit.UNAVAILABLE

    def __init__(self, code: str, retry_after: float | None = None, **facts: object) -> None:
        super().__init__(code, **facts)
        self.retry_after = retry_after


class ShopRejected(ShopError):
    """The shop refused this one request for good (validation, unknown id). `facts`: status, codes, message."""

    scope = Scope.ROW
    next = Next.SKIP
    exit = Exit.DATA


class ShopUnreadable(ShopError):
    """An answer that no form gives in a readable way. `raw` holds the first bytes for the quarantine."""

    scope = Scope.RESOURCE
    next = Next.SKIP
    exit = Exit.DATA

    def __init__(self, code: str, raw: bytes = b"", **facts: object) -> None:
        super().__init__(code, **facts)
        self.raw = raw


class ShopOutcomeUnknown(ShopError):
    """A write went out and its answer is missing or a 5xx: it may or may not have happened."""

    scope = Scope.ROW
    next = Next.LOOK_UP
    exit = Exit.TEMPORARY


class ShopChanged(ShopError):
    """A row was changed in the shop between the look and the write; nothing was sent."""

    scope = Scope.ROW
    next = Next.RETRY
    exit = Exit.TEMPORARY


class ShopDamaged(ShopError):
    """A write took something from a row that it was not to touch: nothing more is written until a person has looked."""

    exit = Exit.FOUND


# --- mailbox and SMTP -------------------------------------------------------------------------------------------


class MailboxError(ConnectorError):
    scope = Scope.MAILBOX


class MailboxForbidden(MailboxError):
    """Login refused."""

    exit = Exit.NO_PERMISSION


class MailboxReauthorise(MailboxForbidden):
    """The OAuth grant of an account is dead or was never given: only a person can renew it (`mailbox authorize`).

    A state of its own, never a passing fault. `facts['mailbox']`: name of the mailbox, or `smtp`.
    """


class MailboxMisconfigured(MailboxError):
    """Certificate not trusted, STARTTLS not offered, folder unknown, a needed capability is missing."""

    exit = Exit.CONFIG


class MailboxUnavailable(MailboxError):
    next = Next.RETRY
    exit = Exit.UNAVAILABLE


class MailboxOutcomeUnknown(MailboxError):
    """A mail was to be filed in a folder and no answer came: it may be there or not."""

    scope = Scope.ROW
    next = Next.LOOK_UP
    exit = Exit.TEMPORARY


class MailUnreadable(MailboxError):
    """One mail cannot be decoded; it goes to quarantine with its bytes."""

    scope = Scope.ROW
    next = Next.SKIP
    exit = Exit.DATA


class SmtpUnavailable(MailboxError):
    """Nothing was handed over: safe to try again."""

    next = Next.RETRY
    exit = Exit.UNAVAILABLE


class SmtpRejected(MailboxError):
    """The mail server refused this mail for good."""

    scope = Scope.ROW
    next = Next.SKIP
    exit = Exit.UNAVAILABLE


class SmtpOutcomeUnknown(MailboxError):
    """DATA was begun and no final answer came: the mail may or may not be on its way."""

    scope = Scope.ROW
    next = Next.LOOK_UP
    exit = Exit.TEMPORARY
