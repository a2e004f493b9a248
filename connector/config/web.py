"""Settings of the page for support staff: where it listens, who may sign in, how long a session lasts."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic import ValidationInfo as Info
from pydantic import field_validator as check

from connector.config.values import File, Host, Model, Secret, is_local_port

UNIX = "unix:"


def _listen(value: str) -> str:
    """HOST:PORT of this machine or a unix socket: the page speaks no TLS, so a web server stands before it."""
    if not value or (value.startswith(f"{UNIX}/") and len(value) > len(UNIX) + 1):
        return value
    if not is_local_port(value):
        raise ValueError(
            'a port of this machine such as "127.0.0.1:8477", or "unix:/run/prestashop-connector/web.sock"; for other '
            "machines put a web server with TLS before it"
        )
    return value


def _header(value: str) -> str:
    if value and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", value):
        raise ValueError("the name of a header such as X-Remote-User")
    return value


class WebSettings(Model):
    """listen "": nobody listens. users_file None: web-users.json in the state directory. user_header "": no proxy signs
    people in; user_header_role: of people whom the proxy names and the users file does not."""

    listen: Annotated[str, AfterValidator(_listen)] = ""
    hosts: tuple[Host, ...] = ()
    users_file: File = None
    session_seconds: Annotated[float, Field(ge=60, le=7 * 86400, allow_inf_nan=False)] = 43200
    idle_seconds: Annotated[float, Field(ge=60, le=86400, allow_inf_nan=False)] = 3600
    user_header_secret: Secret | None = None
    user_header_secret_file: File = None
    user_header: Annotated[str, AfterValidator(_header)] = ""
    user_header_role: Literal["none", "read", "answer", "admin"] = "none"

    @check("user_header")
    @classmethod
    def _only_from_the_proxy(cls, value: str, info: Info) -> str:
        """Anybody on this machine can send a header to a port of it."""
        over_socket = str(info.data.get("listen", "")).startswith(UNIX)
        if value and not over_socket and info.data.get("user_header_secret") is None:
            raise ValueError(
                "no header unless listen is a unix socket or user_header_secret is set: anybody on this machine could "
                "send it"
            )
        return value
