"""Settings of a login by OAuth 2, which stands in for a password: provider, flow, client, secrets, endpoints."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic import ValidationInfo as Info
from pydantic import field_validator as check

from connector.config.values import File, Model, Secret, is_loopback

Flow = Literal["authorization_code", "device_code", "client_credentials", "service_account"]
FLOWS: dict[str, tuple[str, ...]] = {
    "google": ("authorization_code", "service_account"),
    "microsoft": ("device_code", "authorization_code", "client_credentials"),
    "custom": ("authorization_code", "device_code", "client_credentials", "service_account"),
}
"""What each provider has for mail; the first is its default."""

ANY_TENANT = ("organizations", "common", "consumers")


def _endpoint(value: str) -> str:
    if not value:
        return value
    parts = urlsplit(value)
    try:
        port_is_fine = parts.port != 0
    except ValueError:
        port_is_fine = False
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not secure or not parts.hostname or not port_is_fine or parts.username is not None or parts.fragment:
        raise ValueError("an https:// address without user and fragment (http:// only for this machine)")
    return value


def _redirect(value: str) -> str:
    if not re.fullmatch(r"(https?://\S+|urn:[\w:.-]+)", value):
        raise ValueError("the redirect address that is registered for the client, e.g. http://127.0.0.1:8400/")
    return value


def _key_file(value: SecretStr) -> SecretStr:
    """The key file of a service account, as Google gives it."""
    try:
        found = json.loads(value.get_secret_value())
        whole = all(isinstance(found[name], str) and found[name] for name in ("client_email", "private_key"))
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise ValueError("the JSON key file of a service account, with client_email and private_key")
    return value


def _default_flow(data: dict[str, Any]) -> Any:  # noqa: ANN401 - one of Flow, which is checked as any value is
    if data.get("service_account") is not None:
        return "service_account"
    return FLOWS[data.get("provider", "custom")][0]


Endpoint = Annotated[str, AfterValidator(_endpoint)]
KeyFile = Annotated[SecretStr, AfterValidator(_key_file)]


class OAuthSettings(Model):
    """How access tokens are had. Texts "": the provider's own. `refresh_token` only seeds what the state directory
    keeps."""

    provider: Literal["google", "microsoft", "custom"]
    service_account: KeyFile | None = None
    service_account_file: File = None
    flow: Flow = Field(default_factory=_default_flow)
    client_id: str = ""
    client_secret: Secret | None = None
    client_secret_file: File = None
    refresh_token: Secret | None = None
    refresh_token_file: File = None
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$")] = ANY_TENANT[0]
    scope: Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")] = ""
    authorize_url: Endpoint = ""
    token_url: Endpoint = ""
    device_url: Endpoint = ""
    redirect_url: Annotated[str, AfterValidator(_redirect)] = "http://127.0.0.1:8400/"
    ca_file: File = None

    @check("flow")
    @classmethod
    def _the_provider_has_it(cls, value: str, info: Info) -> str:
        has = FLOWS.get(info.data.get("provider", ""), FLOWS["custom"])
        if value not in has:
            raise ValueError(f"a flow that {info.data['provider']} has for mail: {', '.join(has)}")
        if value == "service_account" and info.data.get("service_account", value) is None:
            raise ValueError("service_account only together with service_account_file")
        return value

    @check("client_id")
    @classmethod
    def _a_client_has_a_name(cls, value: str, info: Info) -> str:
        if bool(value) == (info.data.get("flow", "") == "service_account") and "flow" in info.data:
            raise ValueError("the id of the client that is registered with the provider (none with a service account)")
        return value

    @check("client_secret")
    @classmethod
    def _a_client_proves_itself(cls, value: SecretStr | None, info: Info) -> SecretStr | None:
        if value is None and info.data.get("flow") == "client_credentials":
            raise ValueError("a secret: with client_credentials it is what the client logs in with")
        return value

    @check("tenant")
    @classmethod
    def _a_client_of_one_tenant(cls, value: str, info: Info) -> str:
        by_itself = (info.data.get("provider"), info.data.get("flow")) == ("microsoft", "client_credentials")
        if by_itself and value in ANY_TENANT:
            raise ValueError("the id or domain of your tenant: with client_credentials no person says which it is")
        return value

    @check("token_url", "authorize_url", "device_url")
    @classmethod
    def _own_endpoints_are_named(cls, value: str, info: Info) -> str:
        needed = {"authorize_url": "authorization_code", "device_url": "device_code"}
        flow = info.data.get("flow")
        of_this_flow = flow is not None and needed.get(info.field_name or "", flow) == flow
        if info.data.get("provider") == "custom" and of_this_flow and not value:
            raise ValueError("the address of this endpoint of your own provider")
        return value
