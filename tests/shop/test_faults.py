from __future__ import annotations

import pytest

from connector.errors import (
    ShopError,
    ShopForbidden,
    ShopMisconfigured,
    ShopOutcomeUnknown,
    ShopRejected,
    ShopUnavailable,
    ShopUnreadable,
)
from connector.shop.faults import Answer, Call, fault, retry_after, unreadable
from connector.words import explain
from tests.shop.recorded import VERSIONS, exchanges, recorded

BASE = "https://shop.test"


def of(version: str, name: str, base_url: str = BASE) -> ShopError | None:
    exchange = recorded(version, name)
    return fault(Call(exchange.method, exchange.resource, base_url), exchange.answer)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("name", "kind", "code", "facts"),
    [
        ("wrong-key", ShopForbidden, "shop.key_refused", {"codes": [20, 21]}),
        ("short-key", ShopForbidden, "shop.key_refused", {}),
        ("json-wrong-key", ShopForbidden, "shop.key_refused", {"codes": [20, 21]}),
        ("inactive-key", ShopForbidden, "shop.key_refused", {}),
        ("no-key", ShopForbidden, "shop.key_not_received", {}),
        ("ro-orders", ShopForbidden, "shop.resource_forbidden", {"resource": "orders"}),
        ("ro-put", ShopForbidden, "shop.method_forbidden", {"resource": "customers", "method": "PUT"}),
        ("unknown-resource", ShopMisconfigured, "shop.resource_unknown", {"resource": "nopes"}),
        ("webservice-off-503", ShopMisconfigured, "shop.webservice_off", {}),
        ("messages-delta-nodate1", ShopMisconfigured, "shop.query_refused", {"codes": [32]}),
        ("sort-upd-id-nodate1", ShopMisconfigured, "shop.query_refused", {"codes": [38]}),
        ("display-bad-field", ShopMisconfigured, "shop.query_refused", {"codes": [35]}),
        ("json-bad-filter", ShopMisconfigured, "shop.query_refused", {"codes": [32]}),
        ("foreign-host-302", ShopMisconfigured, "shop.redirected", {"suggested": "http://shop.test"}),
        ("foreign-host-post", ShopMisconfigured, "shop.redirected", {"suggested": "http://shop.test"}),
        ("method-bogus", ShopMisconfigured, "shop.method_unsupported", {"codes": [23]}),
        ("post-message-nomsg", ShopRejected, "shop.refused", {"detail": 'parameter "message" required'}),
        ("post-message-script", ShopRejected, "shop.refused", {"codes": [85]}),
        ("post-with-id", ShopRejected, "shop.refused", {"codes": [91]}),
        ("put-thread-partial", ShopRejected, "shop.refused", {"codes": [41]}),
        ("put-thread-noid", ShopRejected, "shop.refused", {"codes": [90]}),
        ("post-bad-xml", ShopRejected, "shop.refused", {"codes": [127]}),
        ("post-empty", ShopRejected, "shop.refused", {"codes": [127]}),
        ("post-json-body", ShopRejected, "shop.refused", {"codes": [127]}),
        ("delete-missing", ShopRejected, "shop.refused", {"codes": [87]}),
    ],
)
def test_a_recorded_refusal_is_known_by_its_code(
    version: str, name: str, kind: type[ShopError], code: str, facts: dict[str, object]
) -> None:
    error = of(version, name)
    assert isinstance(error, kind)
    assert error.code == code
    assert facts.items() <= error.facts.items()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_missing_row_is_no_error(version: str) -> None:
    for name in ("missing-id", "missing-id-json", "get-deleted", "id-zero"):
        assert recorded(version, name).status == 404
        assert of(version, name) is None


@pytest.mark.parametrize("version", VERSIONS)
def test_an_unknown_id_shop_is_told_from_a_wrong_address(version: str) -> None:
    error = of(version, "id-shop-99", "http://shop.test")
    assert error is not None
    assert error.code == "shop.redirected_home"


@pytest.mark.parametrize("version", ["8.2.1", "9.0.0", "1.7.8.11"])
def test_a_customer_with_a_used_address_is_refused_although_the_status_is_500(version: str) -> None:
    error = of(version, "post-customer-dup")
    assert isinstance(error, ShopRejected)
    assert 140 in error.facts["codes"]  # type: ignore[operator]


def test_an_unknown_state_is_a_refusal_where_the_shop_says_so_and_doubtful_where_it_says_nothing() -> None:
    assert isinstance(of("1.7.8.11", "post-history-badstate"), ShopRejected)
    assert isinstance(of("8.2.1", "post-history-badstate"), ShopOutcomeUnknown)
    assert isinstance(of("9.0.0", "post-history-badorder"), ShopOutcomeUnknown)


def test_a_failed_query_is_no_passing_fault() -> None:
    assert isinstance(of("8.2.1", "date-histories-upd"), ShopUnreadable)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_answer_of_success_is_no_error(version: str) -> None:
    for exchange in exchanges(version).values():
        if 200 <= exchange.status < 300:
            assert of(version, exchange.name) is None


@pytest.mark.parametrize("version", VERSIONS)
def test_no_fact_repeats_a_body_an_address_of_a_person_or_a_token(version: str) -> None:
    for exchange in exchanges(version).values():
        error = of(version, exchange.name)
        if error is not None:
            text = str(error)
            assert "@" not in text
            assert "Original XML" not in text
            assert len(text) < 420
            assert "{" not in "".join(explain(error))


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def xml_error(*codes: int) -> bytes:
    entries = "".join(f"<error><code><![CDATA[{code}]]></code><message>x</message></error>" for code in codes)
    return f"<prestashop><errors>{entries}</errors></prestashop>".encode()


READ = Call("GET", "orders", BASE)
WRITE = Call("POST", "order_histories", BASE)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_passing_fault_of_a_read_carries_the_time_to_wait(status: int) -> None:
    error = fault(READ, answer(status, b"<html>", retry_after="17"))
    assert isinstance(error, ShopUnavailable)
    assert error.retry_after == 17


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 520])
@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", xml_error(3, 15), xml_error(85), b"Fatal error"])
def test_any_5xx_leaves_a_write_in_doubt(status: int, body: bytes) -> None:
    assert isinstance(fault(WRITE, answer(status, body)), ShopOutcomeUnknown)


def test_code_46_alone_means_saved_but_not_mailed() -> None:
    error = fault(WRITE, answer(500, xml_error(46)))
    assert isinstance(error, ShopOutcomeUnknown)
    assert error.code == "shop.mail_failed"
    assert error.facts["codes"] == [46]
    assert fault(Call("POST", "customer_messages", BASE), answer(500, xml_error(46))).code == "shop.write_failed_late"  # type: ignore[union-attr]


def test_a_429_to_a_write_came_before_it() -> None:
    assert isinstance(fault(WRITE, answer(429, retry_after="2")), ShopUnavailable)


def test_a_refusal_after_the_entity_was_saved_is_doubtful() -> None:
    assert isinstance(fault(WRITE, answer(400, xml_error(86))), ShopOutcomeUnknown)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (403, b"<html>Forbidden</html>", "shop.blocked"),
        (401, b"<html>Login</html>", "shop.other_login"),
        (404, b"<html>Not found</html>", "shop.not_an_api"),
        (403, xml_error(132), "shop.id_shop_forbidden"),
        (404, xml_error(999), "shop.id_shop_unknown"),
        (405, b"", "shop.method_unsupported"),
        (408, b"", "shop.unavailable"),
        (414, b"", "shop.refused"),
    ],
)
def test_what_stands_in_front_of_the_shop_is_named(status: int, body: bytes, code: str) -> None:
    error = fault(READ, answer(status, body))
    assert error is not None
    assert error.code == code


@pytest.mark.parametrize(
    ("location", "suggested"),
    [
        ("https://www.shop.test/api/customers?filter[email]=a@b.example", "https://www.shop.test"),
        ("https://shop.test/fr/api/orders", "https://shop.test/fr"),
        ("http://shop.test/index.php?url=customers", "http://shop.test"),
        ("https://user:secret@shop.test/", "https://shop.test"),
        ("https://shop.test/login/anna%40example.com", "https://shop.test"),
        ("/login", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_a_redirect_names_the_right_address_and_nothing_more(location: str, suggested: str) -> None:
    error = fault(Call("GET", "orders", "http://shop.test/x"), answer(301, location=location))
    assert isinstance(error, ShopMisconfigured)
    assert error.facts["suggested"] == suggested


def test_retry_after_may_be_a_date_of_the_shops_own_clock() -> None:
    date, later = "Sun, 22 Nov 2026 00:00:00 GMT", "Sun, 22 Nov 2026 00:00:30 GMT"
    assert retry_after(answer(503, date=date, retry_after=later)) == 30
    assert retry_after(answer(503, date=later, retry_after=date)) == 0
    assert retry_after(answer(503, retry_after="soon")) is None
    assert retry_after(answer(503)) is None


def test_a_page_of_another_program_is_a_wrong_address_and_a_spoilt_answer_is_not() -> None:
    assert unreadable(READ, answer(200, b"<html>"), "html").code == "shop.not_an_api"
    assert unreadable(READ, answer(200, b"<html>", psws_version="8.2.1"), "html").code == "shop.unreadable"
    assert unreadable(READ, answer(200, b"{"), "json").code == "shop.unreadable"


def test_the_version_0_of_a_refusal_is_no_version() -> None:
    assert recorded("8.2.1", "wrong-key").answer.version == ""
    assert recorded("1.7.8.11", "wrong-key").answer.version == "1.7.8.11"
