"""Recordings of genuine shops, and a sandbox shop that holds the rows they show.

`exchanges(version)` gives the recorded exchanges in order. `recorded_shop(version)` makes an empty sandbox and puts in
every row that the recordings let one see before it was written to; `replay` sends one recorded request to it over
HTTP. The recordings are packed one file per version; their bodies are byte for byte what the shops sent.
"""

import base64
import difflib
import gzip
import http.client
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from connector.sandbox.shop import SandboxShop

FOLDER = Path(__file__).parent / "recordings"
DOMAIN = "shop.test"
#: Rows born in this minute were made by the recorded requests themselves.
NOW = re.compile(r"2026-11-22 00:0\d:\d\d")
_RETURN = "\ue00d"
COMPARED_HEADERS = ("Content-Type", "PSWS-Version", "WWW-Authenticate", "Location", "X-Powered-By")


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes


@lru_cache(maxsize=4)
def exchanges(version: str) -> list[dict]:
    with gzip.open(FOLDER / f"ps-{version}.json.gz", "rt", encoding="utf-8") as file:
        return json.load(file)


def recorded(exchange: dict) -> Response:
    response = exchange["response"]
    return Response(response["status"], response["headers"], body_of(response))


def body_of(part: dict) -> bytes:
    if part.get("body_base64"):
        return base64.b64decode(part["body_base64"])
    return (part.get("body") or "").encode()


def numbered(version: str, number: int) -> dict:
    return next(exchange for exchange in exchanges(version) if exchange["number"] == number)


# the rows


class _Harvest:
    """Collects rows from bodies: the first sight of a field wins."""

    def __init__(self, shop: SandboxShop) -> None:
        self.shop = shop
        self.resources = shop.world.resources
        self.by_entity = {resource.entity: resource for resource in self.resources.values()}
        self.rows: dict[str, dict[int, dict]] = {name: {} for name in self.resources}
        self.posted: dict[str, int] = {}

    def read(self, exchange: dict) -> None:
        request, response = exchange["request"], exchange["response"]
        if response["status"] >= 300:
            return
        posted = request["method"] == "POST" and response["status"] == 201
        if request["method"] in ("PUT", "POST") and 'xlink:href="http' in (request.get("body") or ""):
            # a row as a GET gave it, but for what the request wants to change
            self._xml(re.sub(r"\t<(tracking_number|status)\b.*\n", "", request["body"]), False)
        if request["method"] in ("PUT", "POST") and not posted:
            return
        body = body_of(response)
        if "json" in response["headers"].get("Content-Type", ""):
            self._json(body, posted)
        elif b"<prestashop" in body:
            self._xml(body.decode("utf-8", "replace"), posted)

    def _xml(self, text: str, posted: bool) -> None:
        try:
            root = ElementTree.fromstring(text.replace("\r", _RETURN))  # a parser would drop them
        except ElementTree.ParseError:
            return
        for element in root.iter():
            resource = self.by_entity.get(element.tag)
            if resource is None or (not len(element) and element.get("id") is None):
                continue
            number = element.findtext("id") or element.get("id") or ""
            if not number.isdigit():
                continue
            values: dict = {}
            for field in resource.fields:
                child = element.find(field.name)
                if child is None:
                    continue
                if field.i18n:
                    values[field.name] = {int(one.get("id")): one.text or "" for one in child.findall("language")}
                else:
                    values[field.name] = (child.text or "").replace(_RETURN, "\r")
            children = []
            association = resource.association
            node = None if association is None else element.find(f"associations/{association.name}")
            if node is not None:
                children = [{one.tag: one.text or "" for one in item} for item in node]
            self._take(resource, int(number), values, children, posted)

    def _json(self, body: bytes, posted: bool) -> None:
        try:
            document = json.loads(body)
        except ValueError:
            return
        for entry in document.values() if isinstance(document, dict) else ():
            for item in entry if isinstance(entry, list) else [entry]:
                name = next(iter(document))
                resource = self.by_entity.get(name) or self.resources.get(name)
                if resource is None or not isinstance(item, dict):
                    continue
                values = {field.name: item[field.name] for field in resource.fields if field.name in item}
                for field in resource.fields:
                    if field.i18n and isinstance(values.get(field.name), list):
                        values[field.name] = {int(one["id"]): one["value"] for one in values[field.name]}
                association = resource.association
                children = item.get("associations", {}).get(association.name, []) if association else []
                self._take(resource, int(item["id"]), values, children, posted)

    def _take(self, resource, number: int, values: dict, children: list[dict], posted: bool) -> None:
        if NOW.match(str(values.get("date_add", ""))) and not posted:
            return
        if posted:
            self.posted[resource.name] = min(number, self.posted.get(resource.name, number))
            return
        if number >= self.posted.get(resource.name, 10**9):
            return
        if NOW.match(str(values.get("date_upd", ""))) and number in self.rows[resource.name]:
            return
        known = self.rows[resource.name].setdefault(number, {})
        for name, value in values.items():
            if isinstance(value, dict):
                known[name] = value | known.get(name, {})
            known.setdefault(name, value)
        if resource.name == "orders":
            for child in children:
                self._take(self.resources["order_details"], int(child["id"]), child | {"id_order": number}, [], False)
        elif resource.name == "customers" and children:
            known.setdefault("groups", [int(child["id"]) for child in children if child.get("id")])
        elif resource.name == "customer_threads":
            for child in children:
                if child.get("id"):
                    message = {"id_customer_thread": number}
                    self._take(self.resources["customer_messages"], int(child["id"]), message, [], False)


def _born(id_customer: int) -> str:
    """The recorded customers were made 6,302 seconds apart; an unsorted list shows them in that order."""
    if id_customer < 3:
        return "2026-11-21 23:06:40"
    moment = datetime(2025, 11, 22, tzinfo=UTC) + timedelta(seconds=6302 * (id_customer - 3))
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _cell(field, value):
    if field.i18n or value is None:
        return value
    if field.kind in ("int", "bool"):
        return int(value) if str(value).strip() else None
    if value == "" and (field.nullable or field.is_date):
        return None
    return str(value)


def recorded_shop(version: str) -> SandboxShop:
    """An empty sandbox with the rows of the recorded shop, as far as the recordings show them."""
    moment = datetime(2026, 11, 22, 0, 0, 40, tzinfo=ZoneInfo("Europe/Paris"))
    shop_name = re.search(r'<api shopName="([^"]*)"', numbered(version, 1)["response"]["body"])[1]
    shop = SandboxShop(version, empty=True, domain=DOMAIN, shop_name=shop_name, clock=lambda: moment)
    model = SandboxShop(version, orders=20)
    harvest = _Harvest(shop)
    for exchange in exchanges(version):
        if not 231 <= exchange["number"] <= 236:  # messages 31 and 32 were changed by hand for these
            harvest.read(exchange)
    for name in ("shops", "shop_groups", "shop_urls", "configurations"):
        for row in model.rows(name):
            shop.put_row(name, row)
    for name, rows in harvest.rows.items():
        fields = harvest.resources[name].by_name
        for number, seen in rows.items():
            row = {key: _cell(fields[key], value) for key, value in seen.items() if key in fields}
            if name == "customers":
                row = {"id_shop": 1, "id_shop_group": 1, "groups": seen.get("groups", [])} | row
                row.setdefault("date_add", _born(number))
            if name == "orders":
                row = {"id_shop": 1} | row
            if name == "customer_messages":
                unseen = {"id_customer_thread": 999_999} | ({"id_product": None} if "id_product" in fields else {})
                row = unseen | row
            if name == "order_states":
                plain = model.row(name, number) or {}
                row = {key: value for key, value in plain.items() if key not in ("name", "template")} | row
            if "date_upd" in fields:
                row.setdefault("date_upd", "2026-11-20 00:00:00")
            shop.put_row(name, row | {"id": number})
    _add_written_rows(shop, version)
    for exchange in exchanges(version):
        told = re.search(r"the order was in state (\d+)", exchange.get("note") or "")
        if told:
            number = int(exchange["request"]["path"].rsplit("/", 1)[1])
            shop.update_row("orders", number, current_state=int(told[1]))
    for order in shop.rows("orders"):
        if float(order["total_paid_real"]) and not shop.rows("order_payments", order_reference=order["reference"]):
            payment = {"id": 100_000 + order["id"], "order_reference": order["reference"]}
            shop.put_row("order_payments", payment | {"amount": order["total_paid_real"]})
        number = {"tracking_number": order["shipping_number"] or ""}
        carriers = shop.rows("order_carriers", id_order=order["id"])
        for carrier in carriers:
            shop.update_row("order_carriers", carrier["id"], **number)
        if not carriers:
            carrier = {"id": order["id"], "id_order": order["id"], "id_carrier": order["id_carrier"]}
            shop.put_row("order_carriers", carrier | number)
    for name, number in harvest.posted.items():
        shop.next_id(name, number)
    return shop


def _add_written_rows(shop: SandboxShop, version: str) -> None:
    """Rows that a recorded request writes to although no recording shows them before."""
    for exchange in exchanges(version):
        request = exchange["request"]
        body = request.get("body") or ""
        resource = request["path"].split("/")[2] if request["path"].count("/") > 1 else ""
        found = re.search(r"<id>(?:<!\[CDATA\[)?(\d+)", body) if request["method"] in ("PUT", "PATCH") else None
        targets = [(resource, found)] if found else []
        if resource == "order_histories" and exchange["response"]["status"] == 201:
            targets.append(("orders", re.search(r"<id_order>(\d+)", body)))
        for name, match in targets:
            if shop.row(name, int(match[1])) is None:
                more = {"id_order": int(match[1]), "id_carrier": 2} if name == "order_carriers" else {}
                shop.put_row(name, {"id": int(match[1])} | more)


# the requests


def prepare(shop: SandboxShop, number: int) -> None:
    """The special conditions of some exchanges, as their notes tell them."""
    if number == 231:
        shop.update_row("customer_messages", 31, message="avant ]]> apres")
        shop.update_row("customer_messages", 32, message="avant \v apres")
    shop.webservice_enabled = number != 242
    shop.set_key_active(shop.readonly_key, number != 243)


def replay(shop: SandboxShop, connection: http.client.HTTPConnection, exchange: dict) -> Response:
    """Send one recorded request, as it was, with this shop's keys."""
    request = exchange["request"]
    keys = {"full-key": shop.full_key, "customers-read-only-key": shop.readonly_key, "none": None}
    keys["wrong-key"] = "abc" if exchange["name"] == "short-key" else "W" * 32
    key = keys[request["authorization"]]
    headers = {"Host": DOMAIN} | request["headers"]
    if key is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
    query = "&".join(
        f"{quote(name)}={quote(shop.full_key if name == 'ws_key' else value)}" for name, value in request["query"]
    )
    target = request["path"] + (f"?{query}" if query else "")
    connection.request(request["method"], target, body_of(request) or None, headers)
    answer = connection.getresponse()
    return Response(answer.status, dict(answer.getheaders()), answer.read())


# the comparison

_SECRET = re.compile(r"\$2y\$10\$[\w./$]+|\b[0-9a-f]{32}\b")
#: "Now" on the shop's clock, on the database's (UTC), and six hours before (last_passwd_gen of a new customer).
_PASSED = re.compile(r"2026-11-21 (18|23):0\d:\d\d|2026-11-22 00:0\d:\d\d")


def masked(body: bytes) -> str:
    """The body without what differs from run to run: now, hashes, random keys."""
    return _PASSED.sub("NOW", _SECRET.sub("SECRET", body.decode("utf-8", "replace")))


def differences(exchange: dict, answer: Response) -> list[str]:
    """What the sandbox answered otherwise than the shop; empty when a client could not tell them apart."""
    wanted = recorded(exchange)
    found = []
    if answer.status != wanted.status:
        found.append(f"status {answer.status}, recorded {wanted.status}")
    for name in COMPARED_HEADERS:
        if answer.headers.get(name) != wanted.headers.get(name):
            found.append(f"{name} {answer.headers.get(name)!r}, recorded {wanted.headers.get(name)!r}")
    if ("Content-Sha1" in answer.headers) != ("Content-Sha1" in wanted.headers):
        found.append("Content-Sha1 on one side only")
    if exchange["request"]["method"] != "HEAD" and masked(answer.body) != masked(wanted.body):
        lines = difflib.unified_diff(_lines(wanted.body), _lines(answer.body), "recorded", "sandbox", lineterm="", n=0)
        found.append("\n".join(["body", *list(lines)[:12]]))
    return found


def _lines(body: bytes) -> list[str]:
    return masked(body).replace(',"', ',\n"').splitlines()
