"""The tree of settings: names, types, defaults and the checks of a single value.

Frozen models; nothing here reads a file or the environment (that is `sources`). Every default can be written in TOML,
so that `config.example.toml` can show it: for numbers 0 and for texts "" mean "not set" where the comment says so.
All times are seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, SecretStr
from pydantic import ValidationInfo as Info
from pydantic import field_validator as check
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

POP3_REFUSED = (
    "IMAP. POP3 is not supported: it has no folders, no flags and no UIDVALIDITY, so nothing proves after a reconnect "
    "which mails were already taken in, and mails would be imported twice or lost"
)
POSTGRES_OPTIONS = frozenset(
    {"channel_binding", "connect_timeout", "host", "port", "sslcert", "sslcrl", "sslkey", "sslmode", "sslrootcert"}
    | {"target_session_attrs"}
)
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+")
_ADDRESS = re.compile(r"[^\s@<>,;\"]+@[A-Za-z0-9][A-Za-z0-9.-]*")


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


def _key(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-9;-~]+", value.get_secret_value()):  # a colon would end the user name of HTTP Basic
        raise ValueError("a webservice key: ASCII without blanks or colon, usually 32 letters and digits")
    return value


def _instance_secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 16:
        raise ValueError("a random secret of 16 characters or more")
    return value


def _host(value: str) -> str:
    if "/pop3" in value.lower():
        raise ValueError(POP3_REFUSED)
    if not _HOST.fullmatch(value):
        raise ValueError("a host name or IP address alone, without scheme, port or path")
    return value


def _url(value: str) -> str:
    parts = urlsplit(value.strip())
    try:
        port_is_fine = parts.port != 0
    except ValueError:
        port_is_fine = False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
        raise ValueError("the shop's address, e.g. https://shop.example/")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("an address without user, password, query or fragment; the webservice key belongs into `key`")
    path = parts.path.rstrip("/").removesuffix("/api")
    return urlunsplit((parts.scheme, parts.netloc.lower(), path, "", ""))


def _zone(value: str) -> str:
    if value:
        try:
            ZoneInfo(value)
        except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError, but names of folders give OSErrors
            raise ValueError("an IANA time zone such as Europe/Paris") from None
        except KeyError:
            raise ValueError("an IANA time zone such as Europe/Paris") from None
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("a bare e-mail address such as service@shop.example")
    return value


def _mirror_url(value: str) -> str:
    if value.startswith("postgresql:"):
        return _postgres_url(value)
    if value and (not value.startswith("sqlite:///") or "?" in value or value.endswith((":///", ":memory:"))):
        raise ValueError(
            '"", a SQLite file such as sqlite:////var/lib/prestashop-connector/mirror.db, or a PostgreSQL database '
            "such as postgresql://user@host/database"
        )
    return value


def _postgres_url(value: str) -> str:
    """libpq's form, the password left out: what a URL says is shown in errors and by `check-config --show`."""
    parts = urlsplit(value)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.password is not None or "password" in given or "sslpassword" in given:
        raise ValueError(
            "a URL without a password; it belongs into mirror.password, mirror.password_file or the credential "
            "mirror__password"
        )
    try:
        port_is_fine = parts.port != 0
    except ValueError:
        port_is_fine = False
    named = parts.path.strip("/")
    if not named or "/" in named or not parts.username or not (parts.hostname or given.get("host")) or not port_is_fine:
        raise ValueError(
            "user, host and database, as in postgresql://user@host:5432/database or, over a unix socket, "
            "postgresql://user@/database?host=/run/postgresql"
        )
    if unknown := sorted(given.keys() - POSTGRES_OPTIONS):
        raise ValueError(
            f"only these options of libpq: {', '.join(sorted(POSTGRES_OPTIONS))} (not {', '.join(unknown)})"
        )
    return value


def _unset(value: object) -> object:
    return None if value == "" else value


def _folders(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) != len(value) or not all(value):
        raise ValueError("folder names, each once and none empty")
    return value


Name = Annotated[str, AfterValidator(_name)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
InstanceSecret = Annotated[Secret, AfterValidator(_instance_secret)]
Host = Annotated[str, AfterValidator(_host)]
File = Annotated[Path | None, BeforeValidator(_unset)]
Folders = Annotated[tuple[str, ...], AfterValidator(_folders)]
Port = Annotated[int, Field(ge=1, le=65535)]
Id = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(gt=0, le=7 * 86400, allow_inf_nan=False)]
Security = Literal["ssl", "starttls", "plain"]
Status = Literal["none", "open", "closed", "pending1", "pending2"]


def _port(**by_security: int) -> Callable[[dict[str, Any]], int]:
    return lambda data: by_security[data.get("security", "ssl")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)


class MirrorSettings(_Model):
    """`password`: of the PostgreSQL user. None: the server asks for none, or ~/.pgpass has it."""

    url: Annotated[str, AfterValidator(_mirror_url)] = ""
    password: Secret | None = None
    password_file: File = None

    @check("password")
    @classmethod
    def _a_file_has_no_password(cls, value: SecretStr | None, info: Info) -> SecretStr | None:
        if value is not None and "url" in info.data and not info.data["url"].startswith("postgresql:"):
            raise ValueError("no password: the mirror is a SQLite file; with PostgreSQL, set mirror.url")
        return value


class LogSettings(_Model):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class ScheduleSettings(_Model):
    """Pauses between two runs of a leg; each run is moved by up to `jitter_seconds`."""

    pull_seconds: Seconds = 60
    sweep_seconds: Seconds = 600
    deletions_seconds: Seconds = 21600
    collect_seconds: Seconds = 30
    push_seconds: Seconds = 15
    jitter_seconds: Annotated[float, Field(ge=0, le=3600)] = 5


class MailboxSettings(_Model):
    """One IMAP account. `id_shop`, `id_lang`, `contact` and `employee` 0: not set."""

    host: Host
    security: Security = "ssl"
    port: Port = Field(default_factory=_port(ssl=993, starttls=143, plain=143))
    user: Annotated[str, Field(min_length=1)]
    password: Secret
    password_file: File = None
    verify_certificate: bool = True
    ca_file: File = None
    sent_folders: Folders = ()
    folders: Folders = ("INBOX",)
    since: Annotated[date | None, BeforeValidator(_unset)] = None
    create_threads: bool = False
    after: Literal["leave", "flag", "move", "delete"] = "leave"
    move_to: str = ""
    flag: Annotated[str, Field(pattern=r"^(\\(Seen|Answered|Flagged)|[A-Za-z$][A-Za-z0-9$_.-]*)$")] = "$Imported"
    id_shop: Id = 0
    id_lang: Id = 0
    contact: Id = 0
    employee: Id = 0
    foreign_sender: Literal["file", "quarantine"] = "file"
    timeout: Seconds = 60

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

    @check("move_to")
    @classmethod
    def _move_has_a_target(cls, value: str, info: Info) -> str:
        if (info.data.get("after") == "move") != bool(value):
            raise ValueError('a folder name together with after = "move", and nothing without it')
        if value in info.data.get("folders", ()) + info.data.get("sent_folders", ()):
            raise ValueError("a folder that is not itself collected")
        return value


class SmtpSettings(_Model):
    """The server that sends replies. `user` "": no login."""

    host: Host
    security: Security = "starttls"
    port: Port = Field(default_factory=_port(ssl=465, starttls=587, plain=25))
    user: str = ""
    password: Secret | None = None
    password_file: File = None
    verify_certificate: bool = True
    ca_file: File = None
    sender: Annotated[str, AfterValidator(_address)]
    sender_name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    message_id_host: Host = Field(default_factory=lambda data: data.get("sender", "@unset.invalid").rpartition("@")[2])
    bcc: str = ""
    proof_mailbox: str = ""
    proof_folder: Annotated[str, Field(min_length=1)] = "Sent"
    timeout: Seconds = 60

    @check("bcc")
    @classmethod
    def _bcc_is_an_address(cls, value: str) -> str:
        return _address(value) if value else value

    @check("password")
    @classmethod
    def _user_and_password(cls, value: SecretStr | None, info: Info) -> SecretStr | None:
        if "user" in info.data and bool(info.data["user"]) != (value is not None):
            raise ValueError("user and password together, or neither of them (no login)")
        return value


class ShopSettings(_Model):
    """One PrestaShop installation. `employee` 0: no order status is pushed. `id_shop` 0: the shop's default."""

    url: Annotated[str, AfterValidator(_url)]
    key: Annotated[Secret, AfterValidator(_key)]
    key_file: File = None
    timezone: Annotated[str, AfterValidator(_zone)] = ""
    employee: Id = 0
    id_shop: Id = 0
    page_size: Annotated[int, Field(ge=1, le=10_000)] = 1000
    connections: Annotated[int, Field(ge=1, le=16)] = 2
    most_deleted_percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 10
    snapshot_seconds: Seconds = 3600
    connect_timeout: Seconds = 10
    read_timeout: Seconds = 60
    settle_seconds: Seconds = 120
    verify_tls: bool = True
    ca_file: File = None
    reply_status: Status = "closed"
    mailboxes: dict[Name, MailboxSettings] = {}
    smtp: SmtpSettings | None = None

    @check("smtp")
    @classmethod
    def _proof_mailbox_exists(cls, value: SmtpSettings | None, info: Info) -> SmtpSettings | None:
        boxes = info.data.get("mailboxes", {})
        if value is not None and value.proof_mailbox and value.proof_mailbox not in boxes:
            known = ", ".join(boxes) or "there is none"
            raise ValueError(f"proof_mailbox: the name of one of this shop's mailboxes ({known})")
        return value

    @check("settle_seconds")
    @classmethod
    def _longer_than_a_request(cls, value: float, info: Info) -> float:
        if value <= info.data.get("read_timeout", 0):
            raise ValueError(
                "more seconds than read_timeout: a request that is still running would be taken for one that "
                "never arrived and be sent again"
            )
        return value


class Settings(BaseSettings):
    """Everything that can be set. Made by `config.load`; `warnings` holds what is allowed but unwise, one line each."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True, env_prefix="", env_file=None
    )

    state_dir: Path = Path("/var/lib/prestashop-connector")
    instance_secret: InstanceSecret | None = None
    instance_secret_file: File = None
    old_instance_secrets: tuple[InstanceSecret, ...] = ()
    mappings_dir: File = None
    mirror: MirrorSettings = MirrorSettings()
    log: LogSettings = LogSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    shops: dict[Name, ShopSettings] = Field(min_length=1)

    _warnings: tuple[str, ...] = PrivateAttr(())

    @property
    def warnings(self) -> tuple[str, ...]:
        return self._warnings

    @property
    def mirror_url(self) -> str:
        """The mirror's SQLAlchemy URL, without a password; a relative file lies in the state directory."""
        if self.mirror.url.startswith("postgresql:"):
            return self.mirror.url
        path = Path(self.mirror.url.removeprefix("sqlite:///") or "mirror.db")
        return f"sqlite:///{self.state_dir / path}"

    @property
    def mirror_password(self) -> str:
        return self.mirror.password.get_secret_value() if self.mirror.password else ""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands in: it must know which source a value comes from, to name it in an error."""
        return (init_settings,)
