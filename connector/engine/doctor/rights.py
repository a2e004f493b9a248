"""What a webservice key may do, against what the work needs: too little stops it, too much is a risk."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from connector.core.model import ShopInfo
from connector.engine.doctor.finding import Finding, fail, ok, warn
from connector.engine.legs import NEEDED, rights_missing
from connector.errors import CheckFound, ShopForbidden

CHECK = "shop.rights"
BEYOND = "shop.rights_beyond"
HASHES = ("employees",)
"""Resources whose rows hold password hashes and reset tokens of people who can enter the back office."""


def rights(shop: str, info: ShopInfo, resources: Sequence[str], has_patch: bool) -> Iterator[Finding]:
    """resources: names of those that are mapped and that this version has."""
    missing, unread = rights_missing(info, resources, has_patch)
    if missing:
        yield fail(CHECK, shop, ShopForbidden("shop.rights_missing", shop=shop, missing=", ".join(missing)))
    else:
        yield ok(CHECK, shop, CHECK, resources=len(resources) - len(unread))
    if unread:
        yield warn(CHECK, shop, CheckFound("doctor.not_readable", resources=", ".join(unread)))
    yield from _beyond(shop, info, resources, has_patch)


def _beyond(shop: str, info: ShopInfo, resources: Collection[str], has_patch: bool) -> Iterator[Finding]:
    found = False
    readable = [name for name in HASHES if info.may(name, "GET")]
    deletable = sorted(name for name in info.rights if info.may(name, "DELETE"))
    writable = [f"{method} {name}" for name in sorted(info.rights) for method in _unneeded(name, info, has_patch)]
    foreign = sorted(name for name in info.rights if name not in {*resources, *NEEDED} and info.may(name, "GET"))
    if readable:
        found = True
        yield warn(BEYOND, shop, CheckFound("doctor.reads_hashes", resources=", ".join(readable)))
    if deletable:
        found = True
        yield warn(BEYOND, shop, CheckFound("doctor.may_delete", count=len(deletable), resources=_some(deletable)))
    if writable:
        found = True
        yield warn(BEYOND, shop, CheckFound("doctor.may_write", count=len(writable), rights=_some(writable)))
    if foreign:
        found = True
        yield warn(BEYOND, shop, CheckFound("doctor.may_read", count=len(foreign), resources=_some(foreign)))
    if not found:
        yield ok(BEYOND, shop, BEYOND)


def _unneeded(resource: str, info: ShopInfo, has_patch: bool) -> list[str]:
    wanted = {
        "customer_threads": {"POST", "PATCH" if has_patch else "PUT"},
        "customer_messages": {"POST", "PATCH"},
        "order_histories": {"POST"},
        "order_carriers": {"PATCH" if has_patch else "PUT"},
        "customers": {"PATCH" if has_patch else "PUT"},
    }.get(resource, set())
    return [m for m in ("POST", "PUT", "PATCH") if info.may(resource, m) and m not in wanted]


def _some(names: Sequence[str]) -> str:
    """The first few: a key with all rights has hundreds."""
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
