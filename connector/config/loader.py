"""Settings from all sources, or every problem at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from connector.config.mail import MailboxSettings, SmtpSettings
from connector.config.sources import PREFIX, SECRET_NAMES, SECRET_PATHS, Gathered, Loc, at, gather, suggestion
from connector.config.tree import Settings
from connector.config.values import POP3_REFUSED, at_home, is_loopback
from connector.errors import SettingsError

DEFAULT_PATH = Path("/etc/prestashop-connector/config.toml")
PATH_VARIABLE = "PRESTASHOP_CONNECTOR_CONFIG"
MASK = "********"


def load(path: Path | str | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings. `path`: of `--config`, else $PRESTASHOP_CONNECTOR_CONFIG, else the default path.

    Only the default file may be missing, when environment variables say everything. `environ`: os.environ when None.
    Raises SettingsError("settings.invalid") with all problems: file (or variable, or credential), line, key, found
    (never a secret's value), expected.
    """
    environ = os.environ if environ is None else environ
    given = path or environ.get(PATH_VARIABLE)
    file = Path(given or DEFAULT_PATH)
    gathered = gather(file, environ, file_needed=bool(given) or not any(name.startswith(PREFIX) for name in environ))
    broken_file = any(problem["key"] == "" for problem in gathered.problems)
    settings: Settings | None = None
    if not broken_file:  # else everything would be reported as missing
        try:
            settings = Settings(**gathered.tree)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_context=False):
                _add(gathered, detail)
        _one_entry_per_shop(gathered)
    if settings is not None:
        settings = _resolved(settings, file.parent, gathered)
    if settings is None or gathered.problems:
        raise SettingsError("settings.invalid", gathered.problems, count=len(gathered.problems), file=gathered.file)
    settings._warnings = (*gathered.warnings, *_unwise(settings))
    return settings


# --- problems -------------------------------------------------------------------------------------------------------


def _add(gathered: Gathered, detail: ErrorDetails) -> None:
    loc = tuple(str(part) for part in detail["loc"] if not isinstance(part, int) and part != "[key]")
    kind, name = detail["type"], loc[-1] if loc else ""
    expected = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    expected, found = _WANTED.get(kind, expected), _found(name, detail)
    if kind == "default_factory_not_called":  # follows from another problem in the same table
        return
    if kind == "extra_forbidden":
        if "pop3" in name.lower():
            expected, found = POP3_REFUSED, "pop3"
        else:
            expected, found = "a setting of this name" + suggestion(name, _names_at(loc[:-1])), "no such setting"
    elif kind == "missing" and loc == ("shops",):
        expected, found = "at least one table [shops.NAME] with url and key", "none"
    elif kind == "login_missing":
        expected, found = f"{_sources_of(loc)}, or a table {'.'.join((*loc[:-1], 'oauth'))}", "nothing"
    elif kind == "missing":
        expected, found = _sources_of(loc) if name in SECRET_NAMES else "a value; this setting is required", "nothing"
    if not any(p["key"] == ".".join(loc) and p["found"] == "no such setting" for p in gathered.problems):
        gathered.problem(loc, expected, found)


_WANTED = {"dict_type": "a table", "model_type": "a table", "tuple_type": "a list"}


def _found(name: str, detail: ErrorDetails) -> str:
    value = detail["input"]
    if value is None:
        return "nothing"
    if name in SECRET_NAMES:
        return "a value that is not shown"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, (list, tuple)):
        return "a list"
    if detail["type"] in _WANTED:  # a text where a table should be may be anything, also a secret
        return "a single value"
    text = str(value)
    if ("@" in text and "//" in text) or "?" in text:  # an address with a password or a key in it
        text = f"{text.partition('//')[0]}//{MASK}" if "//" in text else MASK
    return repr(text if len(text) <= 80 else text[:80] + "...") if isinstance(value, str) else text


def _sources_of(loc: Loc) -> str:
    flat = "__".join(loc)
    name = loc[-1]
    return f"{name}, {name}_file, a credential {flat} or the environment variable {PREFIX}{flat.upper()}"


def _names_at(loc: Loc) -> list[str]:
    """Names that the table at a path may hold."""
    kind: Any = Settings
    for part in loc:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(part)
            kind = field.annotation if field else None
        elif get_origin(kind) is dict:
            kind = get_args(kind)[1]
        if get_origin(kind) is not dict and type(None) in get_args(kind):
            kind = get_args(kind)[0]
    return list(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _one_entry_per_shop(gathered: Gathered) -> None:
    """Two entries for one installation would import every mail twice."""
    seen: dict[tuple[str | None, int | None, str], str] = {}
    shops = gathered.tree.get("shops")
    for name, shop in shops.items() if isinstance(shops, dict) else ():
        url = shop.get("url") if isinstance(shop, dict) else None
        if not isinstance(url, str):
            continue
        try:
            parts = urlsplit(url)
            port = None if parts.port in (80, 443) else parts.port
        except ValueError:
            continue
        same = (parts.hostname, port, parts.path.rstrip("/").removesuffix("/api"))
        if same in seen:
            gathered.problem(
                ("shops", name, "url"), "another address: one entry per shop", f"that of shops.{seen[same]}"
            )
        seen.setdefault(same, name)


# --- after validation -----------------------------------------------------------------------------------------------


def _resolved(settings: Settings, folder: Path, gathered: Gathered) -> Settings:
    """Files relative to the settings file made absolute; certificates and own mappings must be there."""

    def mend(model: BaseModel, loc: Loc) -> BaseModel:
        update: dict[str, Any] = {}
        for name, value in model:
            here = (*loc, name)
            if isinstance(value, BaseModel):
                update[name] = mend(value, here)
            elif isinstance(value, dict):
                update[name] = {key: mend(inner, (*here, key)) for key, inner in value.items()}
            elif isinstance(value, Path):
                update[name] = (folder / at_home(value)).absolute()
                if name == "ca_file" and not os.access(update[name], os.R_OK):
                    gathered.problem(here, "a readable file of trusted certificates (PEM)", str(update[name]))
                if name == "mappings_dir" and not (
                    update[name].is_dir() and os.access(update[name], os.R_OK | os.X_OK)
                ):
                    wanted = "a readable folder with mapping files (*.toml); make it, or leave this setting out"
                    gathered.problem(here, wanted, str(update[name]))
        return model.model_copy(update=update)

    mended = mend(settings, ())
    assert isinstance(mended, Settings)  # noqa: S101 - for the type checker; model_copy keeps the class
    return mended


def _unwise(settings: Settings) -> list[str]:
    out = []
    mirror = urlsplit(settings.mirror_url)
    options = dict(parse_qsl(mirror.query))
    host = options.get("host") or mirror.hostname or ""
    elsewhere = mirror.scheme == "postgresql" and not host.startswith("/") and not is_loopback(host)
    if elsewhere and options.get("sslmode") not in ("verify-ca", "verify-full"):
        out.append(
            "mirror.url: without sslmode=verify-full (and sslrootcert) anybody in between can pose as the database "
            "server"
        )
    for name, shop in settings.shops.items():
        host = urlsplit(shop.url).hostname or ""
        if shop.url.startswith("http://") and not is_loopback(host):
            out.append(f"shops.{name}.url: http:// sends the key and personal data readable to everybody; use https://")
        if not shop.verify_tls:
            out.append(f"shops.{name}.verify_tls: anybody in between can pose as the shop and read its key")
        if shop.settle_seconds <= shop.connect_timeout + shop.read_timeout:
            out.append(
                f"shops.{name}.settle_seconds: shorter than connect_timeout and read_timeout together; a slow request "
                "may still be under way when it is taken for one that never arrived"
            )
        servers: list[tuple[str, MailboxSettings | SmtpSettings]] = [
            (f"shops.{name}.mailboxes.{key}", box) for key, box in shop.mailboxes.items()
        ]
        if shop.smtp:
            servers.append((f"shops.{name}.smtp", shop.smtp))
        for place, server in servers:
            if is_loopback(server.host):
                continue
            if server.security == "plain":
                out.append(f'{place}.security: "plain" sends login and mails readable to everybody')
            elif not server.verify_certificate and not server.pin_sha256:
                out.append(
                    f"{place}.verify_certificate: anybody in between can pose as the server and read the password"
                )
    return out


# --- showing --------------------------------------------------------------------------------------------------------


def show(settings: Settings) -> dict[str, Any]:
    """The settings as plain values for people and JSON; secrets are masked, unset ones are ""."""

    def plain(value: object) -> object:
        if isinstance(value, SecretStr):
            return MASK
        if isinstance(value, BaseModel):
            return {name: plain(inner) for name, inner in value}
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(inner) for inner in value]
        return "" if value is None else value if isinstance(value, (bool, int, float)) else str(value)

    shown: dict[str, Any] = {name: plain(value) for name, value in settings}
    return shown | {"mirror": {**shown["mirror"], "url": settings.mirror_url}}


def secrets_of(settings: Settings) -> list[str]:
    """The secrets themselves, for the log to mask wherever they turn up."""
    tree: dict[str, Any] = settings.model_dump()
    found = [value.get_secret_value() for value in settings.old_instance_secrets]
    for pattern in SECRET_PATHS:
        nodes: list[Any] = [tree]
        for part in pattern:
            nodes = [
                inner
                for node in nodes
                if isinstance(node, dict)
                for inner in (node.values() if part == "*" else [at(node, (part,))])
            ]
        found += [node.get_secret_value() for node in nodes if isinstance(node, SecretStr)]
    return found
