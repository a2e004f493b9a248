"""Settings of mail: an IMAP account that is collected, and the SMTP server that sends replies. Times are seconds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic import ValidationInfo as Info
from pydantic import field_validator as check
from pydantic_core import PydanticCustomError

from connector.config.oauth import OAuthSettings
from connector.config.values import POP3_REFUSED, File, Host, Id, Model, Port, Seconds, Secret, unset

_ADDRESS = re.compile(r"[^\s@<>,;\"]+@[A-Za-z0-9][A-Za-z0-9.-]*")


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("a bare e-mail address such as service@shop.example")
    return value


def is_address(value: str) -> bool:
    """Is this a bare e-mail address?"""
    return _ADDRESS.fullmatch(value) is not None


Address = Annotated[str, AfterValidator(_address)]


def _folders(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) != len(value) or not all(value):
        raise ValueError("folder names, each once and none empty")
    return value


def _pins(value: tuple[str, ...], info: Info) -> tuple[str, ...]:
    found = tuple(pin.replace(":", "").lower() for pin in value)
    if not all(re.fullmatch(r"[0-9a-f]{64}", pin) for pin in found):
        raise ValueError("SHA-256 fingerprints of certificates: 64 hex digits each, with or without colons")
    if found and info.data.get("security") == "plain":
        raise ValueError('none with security = "plain": without TLS there is no certificate')
    if found and info.data.get("ca_file") is not None:
        raise ValueError("either fingerprints here or ca_file")
    return found


Pins = Annotated[tuple[str, ...], AfterValidator(_pins)]
LONGEST_REPLY_NAME = 30
"""Characters before the @ of a reply address: 64 are allowed (RFC 5321 4.5.3.1.1), the tag takes up to 34."""

Folders = Annotated[tuple[str, ...], AfterValidator(_folders)]
Bytes = Annotated[int, Field(ge=0, le=10**12)]
Security = Literal["ssl", "starttls", "plain"]


def _port(**by_security: int) -> Callable[[dict[str, Any]], int]:
    return lambda data: by_security[data.get("security", "ssl")]


class MailboxSettings(Model):
    """One IMAP account. `id_shop`, `id_lang`, `contact` and `employee` 0: not set."""

    host: Host
    security: Security = "ssl"
    port: Port = Field(default_factory=_port(ssl=993, starttls=143, plain=143))
    user: Annotated[str, Field(min_length=1)]
    oauth: OAuthSettings | None = None
    password: Secret | None = None
    password_file: File = None
    verify_certificate: bool = True
    ca_file: File = None
    pin_sha256: Pins = ()
    sent_folders: Folders = ()
    folders: Folders = ("INBOX",)
    since: Annotated[date | None, BeforeValidator(unset)] = None
    create_threads: bool = False
    max_bytes: Annotated[int, Field(ge=10_000, le=200_000_000)] = 25_000_000
    too_large: Literal["file", "quarantine"] = "file"
    attachment_bytes: Bytes = 25_000_000
    attachment_bytes_mail: Bytes = 50_000_000
    attachment_bytes_day: Bytes = 1_000_000_000
    after: Literal["leave", "flag", "move", "delete"] = "leave"
    move_to: str = ""
    flag: Annotated[str, Field(pattern=r"^(\\(Seen|Answered|Flagged)|[A-Za-z$][A-Za-z0-9$_.-]*)$")] = "$Imported"
    id_shop: Id = 0
    id_lang: Id = 0
    contact: Id = 0
    employee: Id = 0
    foreign_sender: Literal["file", "quarantine"] = "file"
    authserv_id: Annotated[str, Field(pattern=r"^[^\s;\"()=]*$")] = ""
    dmarc_fail: Literal["quarantine", "file", "off"] = "quarantine"
    reply_address: str = ""
    sender: str = ""
    idle: bool = True
    idle_connections: Annotated[int, Field(ge=1, le=10)] = 3
    timeout: Seconds = 60

    @check("password")
    @classmethod
    def _one_way_to_log_in(cls, value: SecretStr | None, info: Info) -> SecretStr | None:
        if "oauth" in info.data and (info.data["oauth"] is None) == (value is None):
            if value is None:
                raise PydanticCustomError("login_missing", "a password or a table oauth")
            raise ValueError("either a password or a table oauth")
        return value

    @check("port")
    @classmethod
    def _no_pop3_port(cls, value: int) -> int:
        if value in (110, 995):
            raise ValueError(f"the port of {POP3_REFUSED}")
        return value

    @check("folders")
    @classmethod
    def _one_role_per_folder(cls, value: tuple[str, ...], info: Info) -> tuple[str, ...]:
        sent = info.data.get("sent_folders", ())
        if not value and not sent:
            raise ValueError("at least one folder here or in sent_folders")
        if set(value) & set(sent):
            raise ValueError("other folders than those in sent_folders: a folder holds customers' mails or staff's")
        return value

    @check("reply_address")
    @classmethod
    def _room_for_a_tag(cls, value: str) -> str:
        if value and ("+" in value or len(_address(value).rpartition("@")[0]) > LONGEST_REPLY_NAME):
            raise ValueError(f"an address without +, with at most {LONGEST_REPLY_NAME} characters before the @")
        return value

    @check("sender")
    @classmethod
    def _sender_of_a_contact(cls, value: str, info: Info) -> str:
        if value and not info.data.get("contact", 1):
            raise ValueError("an address together with `contact`: it is the sender of that contact's mails")
        return _address(value) if value else value

    @check("move_to")
    @classmethod
    def _move_has_a_target(cls, value: str, info: Info) -> str:
        if (info.data.get("after") == "move") != bool(value):
            raise ValueError('a folder name together with after = "move", and nothing without it')
        if value in info.data.get("folders", ()) + info.data.get("sent_folders", ()):
            raise ValueError("a folder that is not itself collected")
        return value


class SmtpSettings(Model):
    """The server that sends replies. `user` "": no login."""

    host: Host
    security: Security = "starttls"
    port: Port = Field(default_factory=_port(ssl=465, starttls=587, plain=25))
    user: str = ""
    oauth: OAuthSettings | None = None
    password: Secret | None = None
    password_file: File = None
    verify_certificate: bool = True
    ca_file: File = None
    pin_sha256: Pins = ()
    sender: Annotated[str, AfterValidator(_address)]
    sender_name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    message_id_host: Host = Field(default_factory=lambda data: data.get("sender", "@unset.invalid").rpartition("@")[2])
    bcc: str = ""
    proof_mailbox: str = ""
    proof_folder: Annotated[str, Field(min_length=1)] = "Sent"
    copy_mailbox: str = ""
    copy_folder: Annotated[str, Field(min_length=1)] = "Sent"
    timeout: Seconds = 60

    @check("bcc")
    @classmethod
    def _bcc_is_an_address(cls, value: str) -> str:
        return _address(value) if value else value

    @check("password")
    @classmethod
    def _user_and_password(cls, value: SecretStr | None, info: Info) -> SecretStr | None:
        if value is not None and info.data.get("oauth") is not None:
            raise ValueError("either a password or a table oauth")
        login = value is not None or info.data.get("oauth") is not None
        if "user" in info.data and "oauth" in info.data and bool(info.data["user"]) != login:
            raise ValueError("user and password together (or user and a table oauth), or neither of them (no login)")
        return value
