"""What `init` asks for: flags first, then questions on a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import click

from connector.config import Answers
from connector.errors import UsageError

Given = dict[str, Any]


@dataclass(slots=True)
class Wanted:
    """secrets: name of the file beside the settings -> what it holds."""

    answers: Answers
    secrets: dict[str, str] = field(default_factory=dict)


def gather(given: Given, *, ask: bool) -> Wanted:
    """The answers. given: option -> value, None for one that was left out. ask: a person sits at a terminal.

    Raises UsageError with the options that are missing, or for a file without a secret.
    """
    want = _Want(given, ask)
    shop_name, box_name = given["shop"], given["mailbox_name"]
    url = want.text("url", "Address of the shop (its front office)")
    key = want.secret("key_file", "Webservice key", f"shops__{shop_name}__key")
    shop = {"url": url, "key_file": key}
    if given["employee"]:
        shop["employee"] = given["employee"]
    if given["timezone"]:
        shop["timezone"] = given["timezone"]
    mailbox = smtp = None
    if host := want.optional("mailbox", "IMAP server of the shop's mailbox"):
        mailbox = _server(host, given["mailbox_security"])
        mailbox["user"] = want.text("mailbox_user", "User of the mailbox")
        secret = f"shops__{shop_name}__mailboxes__{box_name}__password"
        mailbox["password_file"] = want.secret("mailbox_password_file", "Password of the mailbox", secret)
    if host := want.optional("smtp", "SMTP server that sends replies"):
        smtp = _server(host, given["smtp_security"])
        known = str(mailbox["user"]) if mailbox else ""
        login = want.optional("smtp_user", "User of the SMTP server", known)
        if login:
            smtp["user"] = login
            secret = f"shops__{shop_name}__smtp__password"
            smtp["password_file"] = want.secret("smtp_password_file", "Password of the SMTP server", secret)
        smtp["sender"] = want.text("sender", "Sender of replies", login if "@" in login else "")
    if want.missing:
        raise UsageError("init.missing", options=", ".join(want.missing))
    top = {"state_dir": str(given["state_dir"].absolute())} if given["state_dir"] else {}
    mirror = {"url": given["mirror_url"]} if given["mirror_url"] else {}
    return Wanted(Answers(shop, mailbox, smtp, top, mirror, (shop_name, box_name)), want.secrets)


class _Want:
    def __init__(self, given: Given, ask: bool) -> None:
        self.given, self.ask = given, ask
        self.missing: list[str] = []
        self.secrets: dict[str, str] = {}

    def text(self, name: str, question: str, default: str = "") -> str:
        return self._or_note(name, lambda: click.prompt(question, default=default or None, err=True), default)

    def optional(self, name: str, question: str, likely: str = "") -> str:
        """likely: what an empty answer means; - means none then."""
        if self.given[name] is not None or not self.ask:
            return self.given[name] or ""
        shown = f"{question} (-: none)" if likely else f"{question} (empty: none)"
        answer = str(click.prompt(shown, default=likely, show_default=bool(likely), err=True)).strip()
        return "" if answer == "-" else answer

    def secret(self, name: str, question: str, file: str) -> str:
        """Keeps the secret for a file of its own, whose place in the settings is returned."""
        if self.given[name] is not None:
            value = self.given[name].read().strip("\r\n")
            if not value.strip():
                raise UsageError("init.empty_secret", option=_option(name))
        else:
            value = self._or_note(name, lambda: click.prompt(question, hide_input=True, err=True))
        self.secrets[file] = value
        return f"secrets/{file}"

    def _or_note(self, name: str, question: Callable[[], Any], default: str = "") -> str:
        value = self.given[name] if not name.endswith("_file") else None
        if value is None and self.ask:
            value = question()
        if value is None:
            value = default
        if not value:
            self.missing.append(_option(name))
        return str(value or "").strip()


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _server(host: str, security: str) -> dict[str, str | int | bool]:
    """HOST or HOST:PORT; an IPv6 address with a port stands in brackets."""
    found = re.fullmatch(r"(?:\[(?P<six>.+)\]|(?P<host>[^:]+)):(?P<port>\d{1,5})", host)
    if found is None:
        return {"host": host.strip("[]"), "security": security}
    return {"host": found["six"] or found["host"], "security": security, "port": int(found["port"])}
