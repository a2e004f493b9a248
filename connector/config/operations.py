"""Settings of those who watch over the service: metrics, limits, the ping."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic import ValidationInfo as Info
from pydantic import field_validator as check

from connector.config.values import File, Model, Seconds, Secret, is_local_port


def _listen(value: str) -> str:
    """HOST:PORT of this machine: what is told there is nobody else's business, and there is no login."""
    if not value:
        return value
    if not is_local_port(value):
        raise ValueError(
            'a port of this machine such as "127.0.0.1:9477" or "[::1]:9477"; for others, put a web server with a '
            "login before it"
        )
    return value


def _ping_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address that starts with https:// or http://")
    return value


class MetricsSettings(Model):
    """listen "": nobody listens. textfile None: none is written."""

    listen: Annotated[str, AfterValidator(_listen)] = ""
    textfile: File = None


class HealthSettings(Model):
    """Seconds since the last success of a leg, or since a waiting change was wished. ping_url: whoever knows it can
    pretend that all is well, so it is a secret."""

    warning_seconds: Seconds = 900
    critical_seconds: Seconds = 3600
    ping_url: Annotated[Secret, AfterValidator(_ping_url)] | None = None
    ping_url_file: File = None
    ping_seconds: Annotated[float, Field(ge=10, le=86400, allow_inf_nan=False)] = 60

    @check("critical_seconds")
    @classmethod
    def _after_the_warning(cls, value: float, info: Info) -> float:
        if value < info.data.get("warning_seconds", 0):
            raise ValueError("as many seconds as warning_seconds, or more")
        return value
