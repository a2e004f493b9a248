"""What an answer of the shop (or its absence) means: status, headers and body to the classes of connector.errors.

Codes and statuses: WebserviceRequest of 1.6.1.24, 1.7.8.11, 8.2.1 and 9.0.0, and the recorded exchanges named below.
Bodies never become facts: code 127 echoes what was sent, a Location carries the filters.

For a write the question is whether it can have happened. Refusals (4xx with a code, 429, redirects, webservice off)
come before anything is stored; any other 5xx may come after the commit, because a PHP notice in a module's hook turns
a finished write into a 500.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from connector.errors import (
    ShopError,
    ShopForbidden,
    ShopMisconfigured,
    ShopOutcomeUnknown,
    ShopRejected,
    ShopUnavailable,
    ShopUnreadable,
)
from connector.shop import codec
from connector.shop.mending import refused_field

RAW_BYTES = 65_536
"""How much of an unreadable answer is kept for the quarantine."""

_KEY_CODES = {16, 17, 18, 20, 21}
_QUERY_CODES = {28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 78, 79, 80, 81}
_REFUSED_500 = {127, 140, 141}  # the body could not be parsed; the customer's e-mail is used (recordings 58, 84)
_SAVED_400 = {86}  # an unknown association is refused after the entity was saved
_VALIDATION_CODES = {41, 84, 85, 90, 93, 123}  # texts that name a field, never a value
_PASSING = {429, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked. `params` stay out: they can hold addresses and tokens."""

    method: str
    resource: str  # '' for the api root
    base_url: str

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Answer:
    """headers: lower-case names. seconds: from the request until they came."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0

    @property
    def version(self) -> str:
        """PrestaShop's version; '' when it is not told (8.0 and later say 0 before the key is accepted)."""
        version = self.headers.get("psws-version", "")
        return "" if version == "0" else version

    @property
    def from_webservice(self) -> bool:
        return "psws-version" in self.headers or "PrestaShop" in self.headers.get("x-powered-by", "")


def fault(call: Call, answer: Answer) -> ShopError | None:
    """The error that an answer stands for; None for 2xx and for a 404 without an errors document to a read (no such
    row, recording 21). Whether a 2xx can be read is for the caller to find out."""
    status = answer.status
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return _redirect(call, answer)
    entries = codec.errors(answer.body)
    codes = sorted({entry.code for entry in entries})
    if status >= 500 or status == 429:
        return _server_fault(call, answer, codes)
    facts: dict[str, object] = {"resource": call.resource, "method": call.method, "status": status}
    if codes:
        facts["codes"] = codes
    if status == 401:
        return _unauthorised(answer, codes, facts)
    if 25 in codes:
        return ShopForbidden("shop.method_forbidden", **facts)
    if 132 in codes:
        return ShopForbidden("shop.id_shop_forbidden", **facts)
    if 27 in codes:
        return ShopMisconfigured("shop.resource_unknown", version=answer.version, **facts)
    if 999 in codes:
        return ShopMisconfigured("shop.id_shop_unknown", **facts)
    if status == 405:
        return ShopMisconfigured("shop.method_unsupported", version=answer.version, **facts)
    if not codes:
        return _foreign(call, answer, facts)
    if not call.writes and _QUERY_CODES & set(codes):
        return ShopMisconfigured("shop.query_refused", detail=_first_sentence(entries), **facts)
    if _SAVED_400 & set(codes):
        return ShopOutcomeUnknown("shop.write_failed_late", **facts)
    if _VALIDATION_CODES & set(codes):
        facts["detail"] = _first_sentence(entries)
        facts["field"] = refused_field(entries[0].message)
    return ShopRejected("shop.refused", **facts)


def outcome_unknown(call: Call, reason: str, **facts: object) -> ShopOutcomeUnknown:
    """A write went out and what came back does not tell whether it happened."""
    return ShopOutcomeUnknown(
        "shop.outcome_unknown", reason=reason, resource=call.resource, method=call.method, **facts
    )


def unreadable(call: Call, answer: Answer, reason: str, *, known: bool = False) -> ShopError:
    """A 2xx of a read whose body is not what was asked for. A whole HTML page from something that does not call itself
    the webservice is another program answering, everything else a broken answer. known: the webservice has answered
    at this address before."""
    if reason == "html" and not answer.from_webservice and not known:
        return ShopMisconfigured("shop.not_an_api", base_url=call.base_url, status=answer.status)
    return ShopUnreadable("shop.unreadable", answer.body[:RAW_BYTES], resource=call.resource, reason=reason)


def _server_fault(call: Call, answer: Answer, codes: list[int]) -> ShopError:
    status = answer.status
    facts: dict[str, object] = {"resource": call.resource, "method": call.method, "status": status}
    if codes:
        facts["codes"] = codes
    if status == 503 and 22 in codes:
        return ShopMisconfigured("shop.webservice_off", **facts)
    if status == 429:
        return ShopUnavailable("shop.too_many_requests", retry_after(answer), **facts)
    if call.writes:
        if _REFUSED_500 & set(codes):
            return ShopRejected("shop.refused", **facts)
        if died_before_writing(answer.body):
            return ShopRejected("shop.state_or_order_unknown", **facts)
        if codes == [46] and call.resource in ("order_histories", "order_carriers"):
            return ShopOutcomeUnknown("shop.mail_failed", **facts)
        return ShopOutcomeUnknown("shop.write_failed_late", **facts)
    if status in _PASSING:
        return ShopUnavailable("shop.unavailable", retry_after(answer), **facts)
    return ShopUnreadable("shop.server_error", answer.body[:RAW_BYTES], **facts)


def died_before_writing(body: bytes) -> bool:
    """Up to 1.7.8 an unknown order or state ends the request at once with this text alone, with status 200 or 500, and
    nothing is written (recordings 78, 79, 92, 93)."""
    return body.strip() == b"Invalid new order status"


def _unauthorised(answer: Answer, codes: list[int], facts: dict[str, object]) -> ShopError:
    if 26 in codes:
        return ShopForbidden("shop.resource_forbidden", **facts)
    if _KEY_CODES & set(codes):
        return ShopForbidden("shop.key_refused", **facts)
    realm = answer.headers.get("www-authenticate", "")
    if "PrestaShop" in realm or answer.body.strip() == b"401 Unauthorized":
        return ShopForbidden("shop.key_not_received", **facts)  # recording 26
    return ShopForbidden("shop.other_login", **facts)


def _foreign(call: Call, answer: Answer, facts: dict[str, object]) -> ShopError | None:
    """A 4xx without an errors document: not said by the webservice, except for its empty 404 (a web server's own 404
    has a page)."""
    if answer.status == 404 and not call.writes and not answer.body.strip():
        return None
    if answer.status in (404, 410):
        return ShopMisconfigured("shop.not_an_api", base_url=call.base_url, **facts)
    if answer.status == 403:
        return ShopForbidden("shop.blocked", **facts)
    if answer.status == 408:
        return (
            outcome_unknown(call, "timeout", status=408)
            if call.writes
            else ShopUnavailable("shop.unavailable", retry_after(answer), **facts)
        )
    return ShopRejected("shop.refused", **facts)


def _redirect(call: Call, answer: Answer) -> ShopError:
    """The webservice itself never redirects: the address is not the shop's own, or id_shop is unknown (187, 239).

    Following would turn a POST into a GET that answers 200 and did nothing."""
    location = answer.headers.get("location", "")
    facts: dict[str, object] = {"base_url": call.base_url, "status": answer.status}
    target, asked = urlsplit(location), urlsplit(call.base_url)
    if target.scheme not in ("http", "https") or not target.hostname:
        return ShopMisconfigured("shop.redirected", suggested="", **facts)
    host = target.netloc.rpartition("@")[2]
    path, found, _ = target.path.partition("/api/")
    if not found:
        path = re.sub(r"/(?:api|index\.php)?$", "", target.path)
    if not re.fullmatch(r"(?:/[A-Za-z0-9._~-]{1,40}){0,4}", path):
        path = ""  # nothing that could be a person's data
    suggested = f"{target.scheme}://{host}{path}"
    if (target.scheme, host) == (asked.scheme, asked.netloc) and suggested.rstrip("/") == call.base_url.rstrip("/"):
        return ShopMisconfigured("shop.redirected_home", **facts)
    return ShopMisconfigured("shop.redirected", suggested=suggested, **facts)


def retry_after(answer: Answer) -> float | None:
    """Seconds from the header Retry-After, which holds seconds or a date (RFC 9110, section 10.2.3)."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    try:
        then = parsedate_to_datetime(value)
    except ValueError:
        return None
    # The date is compared with the shop's own clock, so that a wrong clock here does no harm.
    now = datetime.now(UTC)
    with suppress(KeyError, ValueError):
        now = parsedate_to_datetime(answer.headers["date"])
    try:
        return max(0.0, (then - now).total_seconds())
    except TypeError:  # one with, one without a zone
        return None


def clock(answer: Answer) -> datetime | None:
    """The server's time from the header Date (RFC 9110, section 6.6.1), UTC."""
    try:
        told = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return None
    return told.astimezone(UTC) if told.tzinfo else None


def _first_sentence(entries: list[codec.ShopFault]) -> str:
    """What the shop says, without the list of everything that exists; such texts name fields, not values."""
    text = entries[0].message if entries else ""
    return re.split(r"\. |\n|However", text, maxsplit=1)[0].strip()[:160]
