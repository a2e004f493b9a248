"""The tree of settings: names, types, defaults and the checks of a single value (of mail: `mail`).

Frozen models; nothing here reads a file or the environment (that is `sources`). Every default can be written in TOML,
so that `config.example.toml` can show it: for numbers 0 and for texts "" mean "not set" where the comment says so.
All times are seconds.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, PrivateAttr, SecretStr
from pydantic import ValidationInfo as Info
from pydantic import field_validator as check
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connector.config.mail import Address, MailboxSettings, SmtpSettings
from connector.config.operations import HealthSettings, MetricsSettings
from connector.config.report import ReportSettings
from connector.config.retention import RetentionSettings
from connector.config.values import File, Id, Model, Name, Seconds, Secret
from connector.config.web import WebSettings

POSTGRES_OPTIONS = frozenset(
    {"channel_binding", "connect_timeout", "host", "port", "sslcert", "sslcrl", "sslkey", "sslmode", "sslrootcert"}
    | {"target_session_attrs"}
)


def _key(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-9;-~]+", value.get_secret_value()):  # a colon would end the user name of HTTP Basic
        raise ValueError("a webservice key: ASCII without blanks or colon, usually 32 letters and digits")
    return value


def _instance_secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 16:
        raise ValueError("a random secret of 16 characters or more")
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


def _language(value: str) -> str:
    if value and not re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z]{2,4})?", value):
        raise ValueError("the ISO code of a language, such as fr")
    return value.lower()


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


InstanceSecret = Annotated[Secret, AfterValidator(_instance_secret)]
Side = Literal["shop", "ours", "ask"]
Status = Literal["none", "open", "closed", "pending1", "pending2"]


class MirrorSettings(Model):
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


class LogSettings(Model):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class ScheduleSettings(Model):
    """Pauses between two runs of a leg; each run is moved by up to `jitter_seconds`."""

    pull_seconds: Seconds = 60
    sweep_seconds: Seconds = 600
    deletions_seconds: Seconds = 21600
    collect_seconds: Seconds = 30
    push_seconds: Seconds = 15
    retention_seconds: Seconds = 86400
    jitter_seconds: Annotated[float, Field(ge=0, le=3600)] = 5


class ConflictSettings(Model):
    """Whose side counts when a change of ours meets another one in the shop; an equal value is simply done."""

    thread_status: Side = "shop"
    order_status: Side = "ask"
    tracking: Side = "ask"


class ShopSettings(Model):
    """One PrestaShop installation. `employee` 0: no order status is pushed. `id_shop` 0: the shop's default."""

    url: Annotated[str, AfterValidator(_url)]
    key: Annotated[Secret, AfterValidator(_key)]
    key_file: File = None
    timezone: Annotated[str, AfterValidator(_zone)] = ""
    language: Annotated[str, AfterValidator(_language)] = ""
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
    allow_customer_put: bool = False
    forward_to: tuple[Address, ...] = ()
    emoji: Literal["auto", "keep", "spell"] = "auto"
    conflicts: ConflictSettings = ConflictSettings()
    mailboxes: dict[Name, MailboxSettings] = Field(default_factory=dict)
    smtp: SmtpSettings | None = None

    @check("smtp")
    @classmethod
    def _its_mailboxes_exist(cls, value: SmtpSettings | None, info: Info) -> SmtpSettings | None:
        boxes = info.data.get("mailboxes", {})
        for name in ("proof_mailbox", "copy_mailbox"):
            if value is not None and getattr(value, name) and getattr(value, name) not in boxes:
                known = ", ".join(boxes) or "there is none"
                raise ValueError(f"{name}: the name of one of this shop's mailboxes ({known})")
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
    retention: RetentionSettings = RetentionSettings()
    health: HealthSettings = HealthSettings()
    metrics: MetricsSettings = MetricsSettings()
    web: WebSettings = WebSettings()
    shops: dict[Name, ShopSettings] = Field(min_length=1)
    report: ReportSettings = ReportSettings()

    _warnings: tuple[str, ...] = PrivateAttr(())

    @check("report")
    @classmethod
    def _somebody_sends_it(cls, value: ReportSettings, info: Info) -> ReportSettings:
        shops: dict[str, ShopSettings] = info.data.get("shops", {})
        if value.to and shops and not any(one.smtp for one in shops.values()):
            raise ValueError("to: nobody, unless a shop has an smtp table, by which its report goes out")
        return value

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
