"""What a single setting may be, for the models of every area: names, secrets, hosts, files, numbers.

A check raises ValueError with what is expected instead; nothing here reads a file or the environment.
"""

from __future__ import annotations

import os
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

POP3_REFUSED = (
    "IMAP. POP3 is not supported: it has no folders, no flags and no UIDVALIDITY, so nothing proves after a reconnect "
    "which mails were already taken in, and mails would be imported twice or lost"
)
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+")


def _name(value: str) -> str:
    """Environment variables know no case and `__` separates levels: anything laxer makes two names of one."""
    if not _NAME.fullmatch(value):
        raise ValueError("a name of a-z, 0-9 and single underscores that starts with a letter, e.g. main or shop_2")
    return value


def _secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text:
        raise ValueError("a secret that is not empty")
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise ValueError("a secret on one line without control characters")
    return value


def _host(value: str) -> str:
    if "/pop3" in value.lower():
        raise ValueError(POP3_REFUSED)
    if not _HOST.fullmatch(value):
        raise ValueError("a host name or IP address alone, without scheme, port or path")
    return value


def is_loopback(host: str) -> bool:
    """Does a connection to this host stay on this machine? Names count only as far as RFC 6761 reserves them."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost" or host.lower().rstrip(".").endswith(".localhost")


def at_home(path: str | Path) -> Path:
    """The path with its `~`; as it stands when nobody knows whose home that is, so that it is told as not there."""
    return Path(os.path.expanduser(path))


def unset(value: object) -> object:
    return None if value == "" else value


Name = Annotated[str, AfterValidator(_name)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
Host = Annotated[str, AfterValidator(_host)]
File = Annotated[Path | None, BeforeValidator(unset)]
Port = Annotated[int, Field(ge=1, le=65535)]
Id = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(gt=0, le=7 * 86400, allow_inf_nan=False)]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)


def is_local_port(value: str) -> bool:
    """Is this HOST:PORT of this machine, an IPv6 address in brackets, and nothing else?"""
    try:
        parts = urlsplit(f"//{value}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    return bool(port) and value == parts.netloc and "@" not in value and is_loopback(host)
