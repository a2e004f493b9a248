"""The port against recorded exchanges and against the sandbox shop."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import responses
from requests import PreparedRequest

from connector.core.mapping import Child, Field, Resource
from connector.core.query import Filter, Query
from connector.engine.ports import NewMessage, NewThread, Shop
from connector.errors import (
    ShopError,
    ShopForbidden,
    ShopMisconfigured,
    ShopOutcomeUnknown,
    ShopRejected,
)
from connector.sandbox.shop import VERSIONS, Misbehave, SandboxShop
from connector.shop import ShopClient, codec
from connector.shop.codec import Shape
from connector.shop.query import list_params
from tests.shop.recorded import recorded

KEY = "K" * 32
REFERENCE = "psc1/" + "ab" * 20


class Replay:
    """Answers each request with the recorded exchange of a name, in order, and keeps what was sent."""

    def __init__(self, version: str, *names: str) -> None:
        self._waiting = [recorded(version, name) for name in names]
        self.sent: list[tuple[str, str, bytes]] = []

    def __call__(self, request: PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        body: Any = request.body or b""
        self.sent.append((request.method or "", request.url or "", body if isinstance(body, bytes) else body.read()))
        exchange = self._waiting.pop(0)
        assert request.method == exchange.method
        return exchange.status, exchange.headers, exchange.body


def replaying(mock: responses.RequestsMock, version: str, *names: str) -> tuple[ShopClient, Replay]:
    replay = Replay(version, *names)
    for method in ("GET", "POST", "PUT", "PATCH"):
        mock.add_callback(method, re.compile(r"http://shop\.test/api/.*"), replay)
    return ShopClient("http://shop.test", KEY, read_attempts=1), replay


@pytest.fixture
def mock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as made:
        yield made


def as_port(client: ShopClient) -> Shop:
    return client


# --- recorded ---


@pytest.mark.parametrize("version", VERSIONS)
def test_the_probe_tells_name_version_and_rights(mock: responses.RequestsMock, version: str) -> None:
    client, replay = replaying(mock, version, "api")
    info = as_port(client).probe()
    assert (info.version, client.version) == (version, version)
    assert info.name.startswith("Bench")
    assert info.may("customer_messages", "POST")
    assert replay.sent == [("GET", "http://shop.test/api/", b"")]


@pytest.mark.parametrize(("name", "code"), [("no-key", "shop.key_not_received"), ("wrong-key", "shop.key_refused")])
def test_the_probe_tells_what_is_wrong_with_the_key(mock: responses.RequestsMock, name: str, code: str) -> None:
    client, _ = replaying(mock, "8.2.1", name)
    with pytest.raises(ShopForbidden) as caught:
        client.probe()
    assert caught.value.code == code


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>Shop</html>"), (404, b""), (200, b""), (200, b"[]")])
def test_the_probe_tells_that_there_is_no_api(mock: responses.RequestsMock, status: int, body: bytes) -> None:
    mock.add("GET", "http://shop.test/api/", body=body, status=status)
    with pytest.raises(ShopMisconfigured) as caught:
        ShopClient("http://shop.test", KEY).probe()
    assert caught.value.code == "shop.not_an_api"


def test_without_a_version_header_the_rights_show_whether_patch_exists(mock: responses.RequestsMock) -> None:
    for version, patch in (("8.2.1", True), ("1.7.8.11", False)):
        mock.add("GET", f"http://{version}.test/api/", body=recorded(version, "api").body)
        assert ShopClient(f"http://{version}.test", KEY).dialect().has_patch is patch


@pytest.mark.parametrize("version", VERSIONS)
def test_a_message_gets_the_id_that_the_shop_gave(mock: responses.RequestsMock, version: str) -> None:
    client, replay = replaying(mock, version, "api", "post-message-json-out")
    message = NewMessage(10, "a < b & <c@d.example>", REFERENCE, id_employee=1, private=True)
    assert client.create_message(message) == codec.single(recorded(version, "post-message-json-out").body)["id"]
    method, url, body = replay.sent[1]
    assert (method, url) == ("POST", "http://shop.test/api/customer_messages?output_format=JSON")
    sent = codec.single(body.replace(b"<customer_message>", b"<customer_message><id>1</id>"))
    assert list(sent)[1:6] == ["id_employee", "id_customer_thread", "message", "user_agent", "private"]
    assert (sent["user_agent"], sent["private"]) == (REFERENCE, "1")
    assert sent["message"] == "a < b & ‹c@d.example›"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("echo", ["post-history", "post-history-mail"])
def test_a_history_goes_with_or_without_mail(mock: responses.RequestsMock, version: str, echo: str) -> None:
    client, replay = replaying(mock, version, echo)
    mailed = echo.endswith("mail")
    assert client.add_history(20, 4 if mailed else 3, 1, mailed) > 25_000
    assert ("sendemail=1" in replay.sent[0][1]) is mailed


def test_a_history_of_an_unknown_state_is_refused_where_the_shop_says_so(mock: responses.RequestsMock) -> None:
    for version, kind in (("1.6.1.24", ShopRejected), ("1.7.8.11", ShopRejected), ("8.2.1", ShopOutcomeUnknown)):
        mock.reset()
        client, _ = replaying(mock, version, "post-history-badstate")
        with pytest.raises(ShopError) as caught:
            client.add_history(20, 9999, 1, False)
        assert isinstance(caught.value, kind)


@pytest.mark.parametrize("version", ["8.2.1", "9.0.0"])
def test_a_status_is_patched_where_patch_exists(mock: responses.RequestsMock, version: str) -> None:
    client, replay = replaying(mock, version, "api", "patch-thread")
    client.set_thread_status(10, "pending1")
    body = b"<customer_thread><id>10</id><status>pending1</status></customer_thread>"
    assert body in replay.sent[1][2]
    assert replay.sent[1][0] == "PATCH"


def test_a_status_that_the_echo_does_not_show_is_in_doubt(mock: responses.RequestsMock) -> None:
    client, _ = replaying(mock, "8.2.1", "api", "patch-thread")
    with pytest.raises(ShopOutcomeUnknown):
        client.set_thread_status(10, "closed")


@pytest.mark.parametrize("version", ["1.6.1.24", "1.7.8.11"])
def test_before_8_the_tracking_number_goes_by_a_put_of_the_whole_row(
    mock: responses.RequestsMock, version: str
) -> None:
    row = codec.single(recorded(version, "put-order-carrier-tracking").request_body) | {"tracking_number": "OLD"}
    listed = json.dumps({"order_carriers": [{name: row[name] for name in row if name != "associations"}]})
    mock.add("GET", "http://shop.test/api/order_carriers", body=listed, headers={"PSWS-Version": version})
    client, replay = replaying(mock, version, "api", "put-order-carrier-tracking")
    client.set_tracking(20, "6ATRACK20", mail_customer=True)
    method, url, body = replay.sent[1]
    assert method == "PUT"
    assert codec.single(body) == row | {"tracking_number": "6ATRACK20"}
    assert ("sendemail=1" in url) is version.startswith("1.7")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_facts_of_an_order_are_read_although_empty_fields_are_left_out(
    mock: responses.RequestsMock, version: str
) -> None:
    client, _ = replaying(mock, version, "order20-before", "missing-id-json")
    facts = client.order_facts(20)
    assert facts is not None
    state = 2 if version > "8" else 5
    assert (facts.id, facts.current_state) == (20, state)
    assert facts.invoice_number > 0
    assert re.fullmatch("[A-Z]{9}", facts.reference)
    assert client.order_facts(999999) is None


def test_a_status_a_token_or_a_reference_that_the_shop_would_spoil_is_refused_before_it_is_sent() -> None:
    client = ShopClient("http://shop.invalid", KEY)
    thread = NewThread("a@b.example", "AbCdEfGhIjKl", "open", 1, 1, 0)
    for action, code in (
        (lambda: client.set_thread_status(1, "frozen"), "shop.status_unknown"),
        (lambda: client.create_thread(NewThread("a@b.example", "x" * 13, "open", 1, 1, 0)), "shop.value_too_long"),
        (lambda: client.create_thread(NewThread("a@b.example", "x", "", 1, 1, 0)), "shop.status_unknown"),
        (lambda: client.create_message(NewMessage(1, "x", "r" * 129)), "shop.value_too_long"),
        (lambda: client.create_thread(NewThread("a\x00@b.example", thread.token, "open", 1, 1, 0)),
         "shop.control_character"),
    ):  # fmt: skip
        with pytest.raises(ShopRejected) as caught:
            action()
        assert caught.value.code == code


def test_what_cannot_be_a_token_is_asked_of_nobody() -> None:
    assert ShopClient("http://shop.invalid", KEY).find_threads("a]|b") == []


# --- the sandbox ---


@pytest.fixture(params=VERSIONS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[tuple[SandboxShop, ShopClient]]:
    shop = SandboxShop(request.param, orders=30, seed=3)
    with shop.serve() as server:
        client = ShopClient(server.url, shop.full_key, read_attempts=2, retry_wait=0.01)
        yield shop, client
        client.close()


TWENTY = (
    "addresses", "carriers", "contacts", "countries", "currencies", "customer_messages", "customer_threads",
    "customers", "employees", "groups", "languages", "order_carriers", "order_details", "order_histories",
    "order_payments", "order_slip", "order_states", "orders", "shops", "states",
)  # fmt: skip
LANG = {"order_states": ("name", "template"), "contacts": ("name", "description"), "groups": ("name",),
        "carriers": ("delay",), "countries": ("name",)}  # fmt: skip


def test_twenty_resources_give_the_same_records_in_both_forms(sandbox: tuple[SandboxShop, ShopClient]) -> None:
    shop, client = sandbox
    for name in TWENTY:
        lang = tuple(Field(field, "text") for field in LANG.get(name, ()))
        resource = Resource(name, name, "id", (), lang=lang)
        query = Query(limit=50)
        records = client.read(resource, query).records
        params = "&".join(f"{key}={value}" for key, value in list_params(query))
        xml = shop.ask("GET", name, params).body
        assert records == codec.list_from_xml(xml, Shape.of(resource, with_children=True)), name
        assert client.ids(name, query) == [record["id"] for record in records]
        assert records or name in ("order_slip", "states"), name


def test_associations_come_as_lists_and_empty_ones_too(sandbox: tuple[SandboxShop, ShopClient]) -> None:
    client = sandbox[1]
    orders = Resource("orders", "order", "delta", (), children=(Child("order_rows", "line", ()),))
    page = client.read(orders, Query(limit=5))
    assert page.full
    assert all(record["associations"]["order_rows"][0]["product_quantity"] for record in page.records)
    customers = Resource("customers", "customer", "delta", (), children=(Child("nothing", "nothing", ()),))
    assert client.read(customers, Query(limit=1)).records[0]["associations"]["nothing"] == []


def test_a_thread_a_message_and_a_status_are_written_and_found_again(sandbox: tuple[SandboxShop, ShopClient]) -> None:
    shop, client = sandbox
    thread = client.create_thread(NewThread("anna@example.com", "AbCdEfGhIjK1", "open", 1, 1, 1, id_order=2))
    stored = shop.row("customer_threads", thread)
    assert stored is not None
    assert (stored["email"], stored["status"], stored["id_shop"]) == ("anna@example.com", "open", 1)
    assert client.find_threads("AbCdEfGhIjK1") == [thread]
    assert client.find_threads("abcdefghijk1") == []
    message = client.create_message(NewMessage(thread, "Grüße 😀\n<b>", REFERENCE, id_employee=1))
    assert client.find_messages(REFERENCE, thread) == client.find_messages(REFERENCE, None) == [message]
    assert client.find_messages(REFERENCE.upper(), None) == []
    assert client.find_messages(REFERENCE, thread + 1) == []
    before = dict(stored)
    client.set_thread_status(thread, "pending2")
    after = shop.row("customer_threads", thread)
    assert after is not None
    assert {name for name in before if before[name] != after[name]} <= {"status", "date_upd"}
    assert client.thread_statuses([thread, 999999]) == {thread: "pending2"}
    dated = client.set_message_date(message, "2020-02-03 04:05:06")
    row = shop.row("customer_messages", message)
    assert row is not None
    assert dated is client.dialect().has_patch is (row["date_add"] == "2020-02-03 04:05:06")


def test_statuses_of_many_threads_take_few_requests(sandbox: tuple[SandboxShop, ShopClient]) -> None:
    shop, client = sandbox
    wanted = list(range(1, 251))
    before = len(shop.requests)
    found = client.thread_statuses(wanted)
    assert len(shop.requests) - before == 3
    assert found == {row["id"]: row["status"] for row in shop.rows("customer_threads") if row["id"] in wanted}


def test_order_status_and_tracking_are_written_with_and_without_mail(sandbox: tuple[SandboxShop, ShopClient]) -> None:
    shop, client = sandbox
    client.probe()
    before = client.order_facts(1)
    assert before is not None
    state = 4 if before.current_state != 4 else 3
    mails = len(shop.mails_sent)
    row = client.add_history(1, state, 1, mail_customer=False)
    assert len(shop.mails_sent) == mails
    newest = client.histories(1)[-1]
    assert (newest.id, newest.id_order_state, newest.id_employee) == (row, state, 1)
    after = client.order_facts(1)
    assert after is not None
    assert after.current_state == state
    carrier = client.order_carriers(1)[0]
    full = shop.row("order_carriers", carrier.id)
    client.set_tracking(carrier.id, "XY 123", mail_customer=False)
    client.set_tracking(carrier.id, "", mail_customer=False)
    client.set_tracking(carrier.id, "XY 124", mail_customer=False)
    assert client.order_carriers(1)[0].tracking_number == "XY 124"
    changed = shop.row("order_carriers", carrier.id)
    assert full is not None
    assert changed is not None
    assert {name for name in full if full[name] != changed[name]} <= {"tracking_number"}


def test_a_failed_mail_of_the_shop_is_told_as_such(sandbox: tuple[SandboxShop, ShopClient]) -> None:
    shop, client = sandbox
    shop.mail_fails = True
    with pytest.raises(ShopOutcomeUnknown) as caught:
        client.add_history(2, 4, 1, mail_customer=True)
    assert caught.value.code == "shop.mail_failed"
    assert client.histories(2)[-1].id_order_state == 4


@pytest.mark.parametrize("kind", ["php_error_after", "error_after", "drop_after", "truncated"])
def test_a_write_that_was_done_and_not_answered_is_in_doubt_and_found_by_its_reference(
    sandbox: tuple[SandboxShop, ShopClient], kind: Any
) -> None:
    shop, client = sandbox
    client.probe()
    shop.misbehave(Misbehave(kind, method="POST"))
    with pytest.raises(ShopOutcomeUnknown):
        client.create_message(NewMessage(1, "Bonjour", REFERENCE))
    assert len(client.find_messages(REFERENCE, 1)) == 1


def test_a_page_is_read_through_what_hosts_and_modules_do_to_it(sandbox: tuple[SandboxShop, ShopClient]) -> None:
    shop, client = sandbox
    threads = Resource("customer_threads", "thread", "delta", ())
    sound = client.read(threads, Query(limit=5))
    for kind in ("notice_before_xml", "script_after_xml", "cut", "truncated", "drop_before", "unavailable"):
        shop.misbehave(Misbehave(kind, method="GET", retry_after=0))
        page = client.read(threads, Query(limit=5))
        assert page == sound, kind


def test_a_resource_of_a_later_version_and_a_missing_right_are_told(sandbox: tuple[SandboxShop, ShopClient]) -> None:
    shop, client = sandbox
    if client.dialect().lacks("messages"):
        with pytest.raises(ShopMisconfigured) as caught:
            client.ids("messages", Query())
        assert caught.value.code == "shop.resource_unknown"
    limited = ShopClient(client.base_url, shop.readonly_key)
    with pytest.raises(ShopForbidden) as refused:
        limited.ids("orders", Query((Filter("id", "eq", ("1",)),)))
    assert refused.value.code == "shop.resource_forbidden"
    assert refused.value.facts["resource"] == "orders"
