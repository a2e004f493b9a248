"""Pages with rows that some form does not give, served over `responses` by a shop of a few lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st
from requests import PreparedRequest

from connector.core.mapping import Field, Resource
from connector.core.query import Filter, Query
from connector.errors import ShopMisconfigured, ShopUnavailable, ShopUnreadable
from connector.shop import ShopClient

MESSAGES = Resource("customer_messages", "message", "delta", (Field("message", "text"),))
STATES = Resource("order_states", "order_state", "snapshot", (), lang=(Field("name", "text"),))
KEY = "K" * 32
ROOT = b'<prestashop><api shopName="s"><customer_messages get="true" head="true"/></api></prestashop>'
Reply = tuple[int, dict[str, str], bytes]


class Rows:
    """Rows by id with what is wrong with them: ok; json (JSON of a page with it is empty, XML good); xml (the other way
    round); both; 500 (any page with it fails); html (a page with it is a web page, with status 200); forged (JSON is
    empty, its XML opens a row of its own). The root is there too."""

    def __init__(self, rows: dict[int, str]) -> None:
        self.rows = rows
        self.lists = 0

    def __call__(self, request: PreparedRequest) -> Reply:
        params = {name: values[0] for name, values in parse_qs(urlsplit(request.url or "").query).items()}
        headers = {"PSWS-Version": "8.2.1", "Content-Type": "text/plain"}
        if urlsplit(request.url or "").path == "/api/":
            return 200, headers, ROOT
        wanted = params.get("filter[id]")
        ids = [int(part) for part in wanted.strip("[]").split("|")] if wanted else sorted(self.rows)
        ids = [row_id for row_id in ids if row_id in self.rows][: int(params.get("limit", 10**6))]
        as_json = params.get("output_format") == "JSON"
        if "display" not in params:
            self.lists += 1
            return 200, headers, json.dumps({"customer_messages": [{"id": row_id} for row_id in ids]}).encode()
        kinds = {self.rows[row_id] for row_id in ids}
        if "500" in kinds:
            return 500, {}, b""
        if "html" in kinds:
            return 200, {}, b"<!DOCTYPE html><html><body>Fatal error</body></html>"
        if as_json:
            spoilt = kinds & {"json", "both", "forged"}
            rows = [{"id": row_id, "message": f"text {row_id}"} for row_id in ids]
            body = b"" if spoilt else json.dumps({"customer_messages": rows} if rows else []).encode()
            return 200, headers, body
        return 200, headers, self._xml(ids)

    def _xml(self, ids: list[int]) -> bytes:
        parts = []
        for row_id in ids:
            kind, text = self.rows[row_id], f"text {row_id}"
            if kind in ("xml", "both"):
                text += "\x0b"
            if kind == "forged":
                text = "]]></message></customer_message><customer_message><id>1</id><message><![CDATA[forged"
            parts.append(
                f"<customer_message>\n\t<id><![CDATA[{row_id}]]></id>\n\t<message><![CDATA[{text}]]></message>\n"
                "</customer_message>\n"
            )
        return f"<prestashop>\n<customer_messages>\n{''.join(parts)}</customer_messages>\n</prestashop>".encode()


def serve(callback: Callable[[PreparedRequest], Reply]) -> responses.RequestsMock:
    mock = responses.RequestsMock(assert_all_requests_are_fired=False)
    mock.add_callback("GET", re.compile(r"https://shop\.test/api/.*"), callback)
    return mock


@pytest.fixture
def client() -> Iterator[ShopClient]:
    made = ShopClient("https://shop.test", KEY, read_attempts=1)
    yield made
    made.close()


def test_a_sound_page_takes_one_request(client: ShopClient) -> None:
    with serve(Rows({1: "ok", 2: "ok"})) as shop:
        page = client.read(MESSAGES, Query(limit=2))
        assert [record["id"] for record in page.records] == [1, 2]
        assert (page.broken, page.full) == ([], True)
        assert len(shop.calls) == 1


def test_a_page_is_full_only_when_it_holds_as_many_rows_as_were_asked_for(client: ShopClient) -> None:
    with serve(Rows({1: "ok", 2: "ok"})):
        assert not client.read(MESSAGES, Query(limit=3)).full
        assert not client.read(MESSAGES, Query()).full
        assert client.read(MESSAGES, Query(limit=1)).full


def test_a_page_that_only_xml_gives_is_read_whole(client: ShopClient) -> None:
    with serve(Rows({1: "ok", 2: "json", 3: "ok"})) as shop:
        page = client.read(MESSAGES, Query())
        assert [record["message"] for record in page.records] == ["text 1", "text 2", "text 3"]
        assert page.broken == []
        assert len(shop.calls) == 3  # JSON, ids, XML


def test_a_row_that_no_form_gives_stands_alone_with_its_bytes(client: ShopClient) -> None:
    rows = dict.fromkeys(range(1, 251), "ok") | {77: "both", 78: "json", 240: "xml"}
    with serve(Rows(rows)) as shop:
        page = client.read(MESSAGES, Query(limit=250))
        assert [broken.id for broken in page.broken] == [77]
        assert page.broken[0].reason == "empty"
        assert [record["id"] for record in page.records] == [row_id for row_id in rows if row_id != 77]
        assert page.full
        assert len(shop.calls) < 60


def test_a_row_that_always_fails_is_set_aside_and_its_neighbours_are_read(client: ShopClient) -> None:
    with serve(Rows({1: "ok", 2: "500", 3: "ok"})):
        page = client.read(MESSAGES, Query())
    assert [broken.id for broken in page.broken] == [2]
    assert page.broken[0].reason == "server_error"
    assert [record["id"] for record in page.records] == [1, 3]


def test_a_row_that_ends_in_a_web_page_is_set_aside_and_its_neighbours_are_read(client: ShopClient) -> None:
    with serve(Rows({1: "ok", 2: "html", 3: "ok"})):
        client.probe()
        page = client.read(MESSAGES, Query())
    assert [record["id"] for record in page.records] == [1, 3]
    assert [(broken.id, broken.reason) for broken in page.broken] == [(2, "html")]


def test_web_pages_from_a_webservice_that_was_known_are_a_passing_fault(client: ShopClient) -> None:
    with responses.RequestsMock() as mock:
        mock.add("GET", "https://shop.test/api/", ROOT, headers={"PSWS-Version": "8.2.1"})
        mock.add("GET", "https://shop.test/api/customer_messages", b"<html>Maintenance</html>")
        client.probe()
        with pytest.raises(ShopUnavailable) as caught:
            client.read(MESSAGES, Query())
    assert caught.value.code == "shop.html_instead"


def test_a_web_page_from_an_unknown_address_is_no_webservice(client: ShopClient) -> None:
    with responses.RequestsMock() as mock:
        mock.add("GET", "https://shop.test/api/customer_messages", b"<html>Hello</html>")
        with pytest.raises(ShopMisconfigured) as caught:
            client.read(MESSAGES, Query())
    assert caught.value.code == "shop.not_an_api"


def test_a_row_forged_by_a_text_is_not_taken_for_the_real_one(client: ShopClient) -> None:
    with serve(Rows({1: "ok", 2: "forged", 3: "ok"})):
        page = client.read(MESSAGES, Query())
    assert [broken.id for broken in page.broken] == [2]
    assert {record["id"]: record["message"] for record in page.records} == {1: "text 1", 3: "text 3"}


def test_a_shop_that_fails_on_every_row_is_ill_and_none_of_its_rows_is_set_aside(client: ShopClient) -> None:
    with serve(Rows(dict.fromkeys(range(1, 200), "500"))), pytest.raises(ShopUnavailable) as caught:
        client.read(MESSAGES, Query())
    assert caught.value.code == "shop.every_row_fails"


def test_rows_of_a_wrong_encoding_are_each_set_aside_however_many(client: ShopClient) -> None:
    with serve(Rows(dict.fromkeys(range(1, 41), "both"))):
        page = client.read(MESSAGES, Query())
    assert [broken.id for broken in page.broken] == list(range(1, 41))


def test_a_shop_that_fails_even_for_the_ids_is_not_available(client: ShopClient) -> None:
    with serve(lambda _: (500, {}, b"")), pytest.raises(ShopUnavailable) as caught:
        client.read(MESSAGES, Query())
    assert caught.value.code == "shop.unavailable"


def test_a_question_that_the_database_refuses_is_told_with_its_code(client: ShopClient) -> None:
    body = b"<prestashop><errors><error><code>97</code><message>x</message></error></errors></prestashop>"
    with serve(lambda _: (500, {}, body)), pytest.raises(ShopUnreadable) as caught:
        client.read(MESSAGES, Query())
    assert caught.value.facts["codes"] == [97]


def test_a_notice_before_the_json_costs_one_more_request_and_no_row(client: ShopClient) -> None:
    rows = Rows({1: "ok", 2: "ok"})

    def noisy(request: PreparedRequest) -> Reply:
        status, headers, body = rows(request)
        return status, headers, b"<br />\n<b>Notice</b>: Undefined index: x in y.php on line 3<br />" + body

    def noisy_page(request: PreparedRequest) -> Reply:
        return noisy(request) if "display" in (request.url or "") else rows(request)

    with serve(noisy_page):
        assert [record["id"] for record in client.read(MESSAGES, Query()).records] == [1, 2]


def test_the_ids_can_be_had_as_xml_where_json_is_spoilt(client: ShopClient) -> None:
    def only_xml(request: PreparedRequest) -> Reply:
        if "JSON" in (request.url or ""):
            return 200, {}, b""
        return 200, {}, b'<prestashop><orders><order id="4" xlink:href="x"/><order id="9"/></orders></prestashop>'

    with serve(only_xml):
        assert client.ids("orders", Query()) == [4, 9]


def test_a_field_that_an_older_version_lacks_makes_it_ask_for_all_fields(client: ShopClient) -> None:
    asked = []

    def old(request: PreparedRequest) -> Reply:
        params = parse_qs(urlsplit(request.url or "").query)
        asked.append(params["display"][0])
        if params["display"][0] != "full":
            error = {"errors": [{"code": 35, "message": 'Unable to display this field "locale". However, these are'}]}
            return 400, {}, json.dumps(error).encode()
        return 200, {}, b'{"languages":[{"id":1,"iso_code":"en"}]}'

    languages = Resource("languages", "language", "snapshot", (), display=True)
    with serve(old):
        for _ in range(2):
            assert client.read(languages, Query(display=("id", "locale"))).records[0]["iso_code"] == "en"
    assert asked == ["[id,locale]", "full", "full"]


def test_a_filter_that_the_shop_refuses_is_no_reason_to_ask_otherwise(client: ShopClient) -> None:
    body = b'{"errors":[{"code":32,"message":"This filter does not exist. Did you mean: x"}]}'
    with serve(lambda _: (400, {}, body)) as shop:
        with pytest.raises(ShopMisconfigured) as caught:
            client.read(MESSAGES, Query((Filter("nope", "eq", ("1",)),), display=("id",)))
        assert len(shop.calls) == 1
    assert caught.value.facts["detail"] == "This filter does not exist"


def test_the_only_language_is_learnt_from_xml(client: ShopClient) -> None:
    def one_language(request: PreparedRequest) -> Reply:
        if "JSON" in (request.url or ""):
            return 200, {}, '{"order_states":[{"id":4,"name":"Expédié"},{"id":5,"name":""}]}'.encode()
        return (
            200,
            {},
            (
                b"<prestashop><order_states><order_state><id>4</id><name><language id='3'>x</language></name>"
                b"</order_state></order_states></prestashop>"
            ),
        )

    with serve(one_language):
        assert [row["name"] for row in client.read(STATES, Query()).records] == [{3: "Expédié"}, {3: ""}]


def test_what_cannot_be_asked_is_not_asked(client: ShopClient) -> None:
    with serve(lambda _: (200, {}, b"[]")) as shop:
        with pytest.raises(ShopMisconfigured) as caught:
            client.read(MESSAGES, Query((Filter("message", "eq", ("a]b",)),)))
        assert len(shop.calls) == 0
    assert caught.value.code == "shop.query_impossible"


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.integers(1, 400), st.sampled_from(["ok", "ok", "ok", "json", "xml", "both", "500"]), max_size=60)
)
def test_halving_sets_exactly_the_broken_rows_aside(rows: dict[int, str]) -> None:
    if list(rows.values()).count("500") >= 20:
        return
    reader = ShopClient("https://shop.test", KEY, read_attempts=1)
    with serve(Rows(rows)):
        page = reader.read(MESSAGES, Query())
    spoilt = {row_id for row_id, kind in rows.items() if kind in ("both", "500")}
    assert {broken.id for broken in page.broken} == spoilt
    assert [record["id"] for record in page.records] == sorted(set(rows) - spoilt)
