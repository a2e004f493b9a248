"""Reading, where the recordings do not reach: other seeds, other keys, other filters."""

import pytest
import requests

from connector.sandbox.shop import VERSIONS, Misbehave, permissions


@pytest.mark.parametrize("version", VERSIONS)
def test_every_resource_of_the_api_root_answers(talk_to, version):
    talk = talk_to(version)
    for entry in talk.shop.world.api:
        answer = talk.get(entry.name, limit="1", display="full")
        assert answer.status_code == 200, entry.name
        assert answer.headers["PSWS-Version"] == version


@pytest.mark.parametrize("version", VERSIONS)
def test_every_resource_reads_the_same_in_json_and_xml(talk_to, version):
    talk = talk_to(version)
    for name in talk.shop.world.resources:
        ids = talk.ids(name, sort="[id_ASC]")
        listed = talk.get(name, display="[id]", sort="[id_ASC]", output_format="JSON").json()
        plural = "order_slips" if name == "order_slip" else name
        assert [item["id"] for item in listed[plural]] == ids
        assert talk.get(f"{name}/{ids[0]}").status_code == 200


def test_an_unsupported_operator_is_ignored(talk_to):
    talk = talk_to()
    everyone = talk.ids("customers", sort="id_ASC")
    assert talk.ids("customers", sort="id_ASC", **{"filter[id]": ">=[5]"}) == everyone
    assert talk.ids("customers", sort="id_ASC", **{"filter[id]": ">[5]"}) == [n for n in everyone if n > 5]


def test_a_bracketed_limit_gives_the_same_first_rows_for_ever(talk_to):
    talk = talk_to()
    first = talk.ids("orders", sort="[id_ASC]", limit="0,5")
    assert talk.ids("orders", sort="[id_ASC]", limit="[10,5]") == first
    assert talk.ids("orders", sort="[id_ASC]", limit="abc") == []


def test_a_filter_on_a_translated_field_looks_at_the_asked_languages(talk_to):
    talk = talk_to()
    assert talk.ids("order_states", **{"filter[name]": "[Versendet]"}) == [4]
    assert talk.ids("order_states", language="1", **{"filter[name]": "[Versendet]"}) == []


def test_text_compares_without_case_and_accents(talk_to):
    talk = talk_to()
    assert talk.ids("customers", **{"filter[lastname]": "[MULLER]"}) == talk.ids(
        "customers", **{"filter[lastname]": "[Müller]"}
    )


def test_a_computed_field_cannot_be_filtered(talk_to):
    answer = talk_to().get("orders", **{"filter[shipping_number]": "[6A]"})
    assert answer.status_code == 400
    assert "<code><![CDATA[34]]></code>" in answer.text


def test_display_of_one_resource_is_broken_before_178(talk_to):
    assert "<order id=" in talk_to("1.7.6.9").get("orders/3", display="full").text
    assert "<reference>" in talk_to("1.7.8.11").get("orders/3", display="full").text


def test_an_inactive_language_is_refused(talk_to):
    answer = talk_to().get("order_states/4", language="6")
    assert (answer.status_code, "<![CDATA[81]]>" in answer.text) == (400, True)


def test_a_key_sees_only_what_it_may(talk_to):
    talk = talk_to()
    key = "A" * 32
    talk.shop.add_key(key, permissions(orders=("GET",), order_histories=("GET", "POST")))
    root = requests.get(f"{talk.url}/api/", auth=(key, ""), timeout=5).text
    assert "<orders xlink:href" in root
    assert "<customers" not in root
    assert requests.get(f"{talk.url}/api/customers", auth=(key, ""), timeout=5).status_code == 401
    assert requests.put(f"{talk.url}/api/orders", data=b"<x/>", auth=(key, ""), timeout=5).status_code == 405


def test_keep_alive_serves_many_requests_on_one_connection(talk_to):
    talk = talk_to()
    for _ in range(3):
        assert talk.get("orders/1").headers.get("Connection") != "close"
    pools = talk.session.get_adapter(talk.url).poolmanager.pools
    (key,) = pools.keys()
    assert pools[key].num_connections == 1


def test_two_shops_show_their_own_orders_and_all_threads(talk_to):
    talk = talk_to(shops=2, orders=40)
    one, two = set(talk.ids("orders", id_shop="1")), set(talk.ids("orders", id_shop="2"))
    assert one
    assert two
    assert not one & two
    assert set(talk.ids("orders", id_shop="all")) == one | two
    assert len(talk.ids("customer_threads", id_shop="1")) == talk.shop.count("customer_threads")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_shop_that_is_switched_off_shows_its_orders_nowhere(talk_to, version):
    talk = talk_to(version, shops=2, orders=40)
    talk.shop.update_row("shops", 2, active=0)
    theirs = {row["id"] for row in talk.shop.rows("orders", id_shop=2)}
    assert talk.get("orders", id_shop="2").status_code == 302
    everywhere = talk.get("orders", id_shop="all")
    assert everywhere.status_code == (302 if version in ("1.6.1.24", "1.7.8.11") else 200)
    assert not theirs & set(talk.ids("orders"))
    assert everywhere.status_code == 302 or not theirs & set(talk.ids("orders", id_shop="all"))


def test_all_shops_at_once_lead_elsewhere_before_81(talk_to):
    answer = talk_to("1.7.8.11", shops=2).get("orders", id_shop="all")
    assert answer.status_code == 302


def test_requests_are_kept_for_the_test_to_read(talk_to):
    talk = talk_to()
    talk.get("orders/1", output_format="JSON")
    log = talk.shop.requests[-1]
    assert (log.method, log.path, log.query, log.status) == ("GET", "/api/orders/1", "output_format=JSON", 200)


def test_a_closed_shop_hangs_up_on_kept_connections(talk_to):
    talk = talk_to()
    with talk.shop.serve() as server:
        assert talk.session.get(f"{server.url}/api/orders/1", timeout=5).status_code == 200
    with pytest.raises(requests.ConnectionError):
        talk.session.get(f"{server.url}/api/orders/1", timeout=5)


def test_a_reopened_shop_still_has_what_was_written(talk_to):
    talk = talk_to()
    talk.post_message("kept over a restart")
    with talk.shop.serve() as server:
        answer = talk.session.get(
            f"{server.url}/api/customer_messages", params={"sort": "id_DESC", "limit": "1"}, timeout=5
        )
        assert server.url in answer.text
    assert talk.shop.rows("customer_messages")[-1]["message"] == "kept over a restart"


def test_a_chunked_body_is_read_whole(talk_to):
    talk = talk_to()
    parts = iter([b"<prestashop><m><message>in ", b"pieces</message></m></prestashop>"])
    answer = talk.session.post(f"{talk.url}/api/customer_messages", data=parts, timeout=5)
    assert answer.status_code == 201
    assert talk.shop.rows("customer_messages")[-1]["message"] == "in pieces"


def test_an_answer_to_head_never_has_a_body_even_when_it_is_an_error(talk_to):
    talk = talk_to()
    assert talk.send("HEAD", "nopes").status_code == 400
    talk.shop.misbehave(Misbehave("error_before", method="HEAD"))
    assert talk.send("HEAD", "orders/1").status_code == 500
    assert talk.send("HEAD", "orders/1").content == b""
    assert talk.get("orders/1").text.startswith("<?xml")
