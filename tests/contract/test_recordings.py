"""The sandbox answers every recorded request as the genuine shop of that version did.

All 972 exchanges, in order, over HTTP, on a sandbox that holds the rows the recordings show: status, the headers that
matter, and the whole body, apart from the current time, password hashes and random keys. What cannot match stands in
`CANNOT_MATCH` with its reason; an entry that is no longer needed fails.
"""

import http.client

import pytest

from connector.sandbox.shop import VERSIONS
from tests.contract.replay import Response, differences, exchanges, numbered, prepare, recorded, recorded_shop, replay

#: (version, number): why the sandbox cannot answer as the shop did.
CANNOT_MATCH: dict[tuple[str, int], str] = {}


@pytest.fixture(scope="module", params=VERSIONS)
def outcome(request):
    """Every exchange of one version replayed once: number to (name, differences)."""
    version = request.param
    shop = recorded_shop(version)
    found = {}
    with shop.serve() as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        for exchange in exchanges(version):
            prepare(shop, exchange["number"])
            answer = replay(shop, connection, exchange)
            found[exchange["number"]] = (exchange["name"], differences(exchange, answer))
        connection.close()
    return version, found


def test_every_exchange_is_there(outcome):
    _, found = outcome
    assert len(found) == 243


def test_the_sandbox_answers_as_the_genuine_shop_did(outcome):
    version, found = outcome
    wrong = {
        f"{number:03d} {name}": differing
        for number, (name, differing) in found.items()
        if differing and (version, number) not in CANNOT_MATCH
    }
    told = "\n\n".join(f"{title}\n" + "\n".join(differing) for title, differing in list(wrong.items())[:10])
    assert not wrong, f"{len(wrong)} of {len(found)} exchanges with {version} differ:\n{told}"


def test_no_exception_outlives_its_reason(outcome):
    version, found = outcome
    needless = [number for (other, number) in CANNOT_MATCH if other == version and not found[number][1]]
    assert not needless


def test_the_comparison_sees_a_changed_status_header_value_and_order_of_fields():
    exchange = numbered("8.2.1", 46)
    same = recorded(exchange)
    assert differences(exchange, same) == []
    swapped = same.body.replace(b"id_lang", b"id_long")
    other_value = same.body.replace(b"<status><![CDATA[closed]]>", b"<status><![CDATA[open]]>")
    no_link = same.body.replace(b' xlink:href="http://shop.test/api/orders/27"', b"")
    for body in (swapped, other_value, no_link):
        assert body != same.body
        assert len(differences(exchange, Response(same.status, same.headers, body))) == 1
    assert differences(exchange, Response(500, same.headers, same.body))
    assert differences(exchange, Response(200, same.headers | {"PSWS-Version": "0"}, same.body))
