"""Writing and what it sets off, where the recordings do not reach."""

import re
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import pytest
import requests

NOW = "2026-01-15 12:00:00"


def history(talk, order, state, **params):
    body = f"<h><id_order>{order}</id_order><id_order_state>{state}</id_order_state><id_employee>2</id_employee></h>"
    return talk.send("POST", "order_histories", body, **params)


def order_in_state(talk, state):
    customers = {row["id"] for row in talk.shop.rows("customers")}
    return next(
        row for row in talk.shop.rows("orders") if row["current_state"] == state and row["id_customer"] in customers
    )


def test_a_message_leaves_its_thread_as_it_was(talk_to):
    talk = talk_to()
    before = talk.shop.row("customer_threads", 2)
    assert talk.post_message("Bonjour", 2).status_code == 201
    assert talk.shop.row("customer_threads", 2) == before
    assert talk.shop.rows("customer_messages", id_customer_thread=2)[-1]["date_add"] == NOW


def test_the_word_transcript_is_refused_as_a_script(talk_to):
    assert talk_to().post_message("Transcript: hello").status_code == 400


def test_what_a_shop_stores_is_not_what_it_echoes(talk_to):
    talk = talk_to()
    answer = talk.post_message("a < b & <me@example.com>", output_format="JSON")
    assert answer.json()["customer_message"]["message"] == "a < b & <me@example.com>"
    assert talk.shop.rows("customer_messages")[-1]["message"] == "a &lt; b &amp; "


def test_a_thread_without_status_and_shop_falls_out_of_every_list(talk_to):
    talk = talk_to()
    body = "<t><id_lang>1</id_lang><id_contact>0</id_contact><token>abcdefghijklmnop</token></t>"
    assert talk.send("POST", "customer_threads", body).status_code == 201
    stored = talk.shop.rows("customer_threads")[-1]
    assert (stored["status"], stored["id_shop"], stored["token"]) == ("", 0, "abcdefghijkl")


def test_90_refuses_a_long_token(talk_to):
    body = "<t><id_lang>1</id_lang><id_contact>0</id_contact><token>abcdefghijklmnop</token></t>"
    answer = talk_to("9.0.0").send("POST", "customer_threads", body)
    assert (answer.status_code, "<![CDATA[85]]>" in answer.text) == (400, True)


def test_paying_an_order_makes_invoice_and_payment(talk_to):
    talk = talk_to()
    order = order_in_state(talk, 10)
    assert history(talk, order["id"], 2).status_code == 201
    after = talk.shop.row("orders", order["id"])
    assert (after["current_state"], after["valid"], after["date_upd"]) == (2, 1, NOW)
    assert after["invoice_number"] > 0
    assert after["total_paid_real"] == order["total_paid"]
    assert talk.shop.count("order_invoices", id_order=order["id"]) == 1
    assert talk.shop.count("order_payments", order_reference=order["reference"]) == 1
    assert talk.shop.mails_sent == []


def test_a_payment_before_the_invoice_is_counted_twice(talk_to):
    talk = talk_to()
    order = order_in_state(talk, 10)
    talk.shop.put_row("order_payments", {"order_reference": order["reference"], "amount": order["total_paid"]})
    history(talk, order["id"], 2)
    assert talk.shop.count("order_payments", order_reference=order["reference"]) == 2


def test_the_same_state_again_makes_another_row_and_another_mail(talk_to):
    talk = talk_to()
    order = order_in_state(talk, 4)
    before = talk.shop.count("order_histories", id_order=order["id"])
    for _ in range(2):
        assert history(talk, order["id"], 4, sendemail="1").status_code == 201
    assert talk.shop.count("order_histories", id_order=order["id"]) == before + 2
    assert [(mail.template, mail.id_order) for mail in talk.shop.mails_sent] == [("shipped", order["id"])] * 2


def test_a_failing_mail_ends_in_46_with_the_state_changed(talk_to):
    talk = talk_to()
    order = order_in_state(talk, 3)
    talk.shop.mail_fails = True
    answer = history(talk, order["id"], 4, sendemail="1")
    assert (answer.status_code, "<![CDATA[46]]>" in answer.text) == (500, True)
    assert talk.shop.row("orders", order["id"])["current_state"] == 4
    assert talk.shop.rows("order_histories", id_order=order["id"])[-1]["id_employee"] == 2


def test_a_state_without_mail_sends_none(talk_to):
    talk = talk_to()
    history(talk, order_in_state(talk, 4)["id"], 5, sendemail="1")
    assert talk.shop.mails_sent == []


@pytest.mark.parametrize(("version", "mails"), [("1.6.1.24", 0), ("1.7.8.11", 1), ("8.2.1", 1), ("9.0.0", 1)])
def test_a_tracking_number_is_mailed_when_asked(talk_to, version, mails):
    talk = talk_to(version)
    order = order_in_state(talk, 4)
    row = talk.shop.rows("order_carriers", id_order=order["id"])[0]
    talk.shop.update_row("order_carriers", row["id"], id_carrier=3)
    body = f"<c><id>{row['id']}</id><id_order>{order['id']}</id_order><id_carrier>3</id_carrier>"
    answer = talk.send("PUT", "order_carriers", f"{body}<tracking_number>6AX</tracking_number></c>", sendemail="1")
    assert answer.status_code == 200
    assert talk.shop.row("order_carriers", row["id"])["tracking_number"] == "6AX"
    assert talk.shop.row("orders", order["id"])["date_upd"] == order["date_upd"]
    assert [mail.template for mail in talk.shop.mails_sent] == ["in_transit"] * mails


def test_no_tracking_mail_for_a_carrier_without_link(talk_to):
    talk = talk_to()
    order = order_in_state(talk, 4)
    row = talk.shop.rows("order_carriers", id_order=order["id"])[0]
    talk.shop.update_row("order_carriers", row["id"], id_carrier=4)
    body = f"<c><id>{row['id']}</id><tracking_number>6AX</tracking_number></c>"
    assert talk.send("PATCH", "order_carriers", body, sendemail="1").status_code == 200
    assert talk.shop.mails_sent == []


def test_groups_of_a_customer_are_replaced_by_patch(talk_to):
    talk = talk_to("9.0.0")
    body = "<c><id>2</id><associations><groups><group><id>4</id></group></groups></associations></c>"
    before = talk.shop.row("customers", 2)
    assert talk.send("PATCH", "customers", body).status_code == 200
    after = talk.shop.row("customers", 2)
    assert {name for name in after if after[name] != before[name]} == {"date_upd"}
    assert talk.shop.world.store.groups_of(2) == [4]


@pytest.mark.parametrize("version", ["1.6.1.24", "1.7.8.11", "8.2.1", "9.0.0"])
def test_the_rows_of_a_cart_are_replaced_as_a_set(talk_to, version):
    talk = talk_to(version)
    cart = talk.shop.rows("carts")[-1]
    row = "<cart_row><id_product>2</id_product><id_product_attribute>0</id_product_attribute>"
    row += "<id_address_delivery>0</id_address_delivery><quantity>3</quantity></cart_row>"
    needed = "<id_currency>1</id_currency><id_lang>1</id_lang>"
    for rows in (row, row + row):
        body = f"<cart><id>{cart['id']}</id>{needed}<associations><cart_rows>{rows}</cart_rows></associations></cart>"
        assert talk.send("PUT", f"carts/{cart['id']}", body).status_code == 200
    found = ElementTree.fromstring(talk.get(f"carts/{cart['id']}").content).findall(".//cart_row")
    assert [item.findtext("quantity") for item in found] == ["3", "3"]
    assert all((item.find("id_customization") is None) == (version == "1.6.1.24") for item in found)


def test_a_cart_with_an_order_is_not_deleted_and_goes_with_its_customer(talk_to):
    talk = talk_to()
    ordered, left = talk.shop.row("carts", 1), talk.shop.rows("carts")[-1]
    assert talk.send("DELETE", f"carts/{ordered['id']}").status_code == 500
    assert talk.send("DELETE", f"carts/{left['id']}").status_code == 200
    assert talk.shop.row("carts", left["id"]) is None
    assert talk.send("DELETE", f"customers/{ordered['id_customer']}").status_code == 200
    assert talk.shop.row("carts", ordered["id"]) is None


def test_an_earlier_entity_stays_when_a_later_one_fails(talk_to):
    talk = talk_to()
    before = talk.shop.count("customer_messages")
    answer = talk.send("POST", "customer_messages", "<m><message>one</message></m><m><read>1</read></m>")
    assert answer.status_code == 400
    assert talk.shop.count("customer_messages") == before + 1


def test_deleting_a_customer_takes_its_threads_along(talk_to):
    talk = talk_to()
    thread = next(row for row in talk.shop.rows("customer_threads") if talk.shop.row("customers", row["id_customer"]))
    assert talk.send("DELETE", f"customers/{thread['id_customer']}").status_code == 200
    assert talk.shop.row("customer_threads", thread["id"]) is None
    assert talk.shop.count("customer_messages", id_customer_thread=thread["id"]) == 0


def test_an_address_in_use_is_only_marked_deleted(talk_to):
    talk = talk_to()
    used = talk.shop.row("orders", 1)["id_address_invoice"]
    talk.send("DELETE", f"addresses/{used}")
    assert talk.shop.row("addresses", used)["deleted"] == 1


def test_the_back_office_changes_a_status_without_moving_date_upd(talk_to):
    talk = talk_to()
    before = talk.shop.row("customer_threads", 1)
    talk.shop.back_office_set_status(1, "pending2")
    after = talk.shop.row("customer_threads", 1)
    assert (after["status"], after["date_upd"]) == ("pending2", before["date_upd"])


def test_the_contact_form_reopens_a_thread_and_moves_date_upd(talk_to):
    talk = talk_to()
    talk.shop.back_office_set_status(1, "closed")
    talk.shop.contact_form(1, "Encore moi")
    assert talk.shop.row("customer_threads", 1)["status"] == "open"
    assert talk.shop.row("customer_threads", 1)["date_upd"] == NOW


def test_clients_that_write_at_once_get_ids_of_their_own(talk_to):
    talk = talk_to()
    before = talk.shop.count("customer_messages")

    def write(number):
        session = requests.Session()
        session.auth = (talk.shop.full_key, "")
        body = f"<prestashop><m><message>{number}</message></m></prestashop>"
        texts = [session.post(f"{talk.url}/api/customer_messages", data=body, timeout=10).text for _ in range(4)]
        return [re.search(r"<id><!\[CDATA\[(\d+)", text)[1] for text in texts]

    with ThreadPoolExecutor(6) as pool:
        ids = [number for found in pool.map(write, range(6)) for number in found]
    assert len(set(ids)) == 24
    assert talk.shop.count("customer_messages") == before + 24


def test_all_changed_fields_of_a_put_thread_are_replaced_and_the_rest_is_reset(talk_to):
    talk = talk_to()
    body = "<t><id>1</id><id_lang>1</id_lang><id_contact>2</id_contact><token>abcdefghijkl</token></t>"
    assert talk.send("PUT", "customer_threads/999", body).status_code == 200
    stored = talk.shop.row("customer_threads", 1)
    assert (stored["status"], stored["email"], stored["id_customer"], stored["date_add"]) == ("", "", 0, NOW)


def test_put_of_an_order_in_old_shops_mails_every_time(talk_to):
    for version, rows in (("1.7.7.8", 1), ("1.7.8.11", 0)):
        talk = talk_to(version)
        order = order_in_state(talk, 4)
        text = talk.get(f"orders/{order['id']}").text
        before = talk.shop.count("order_histories", id_order=order["id"])
        inner = text.partition('xlink">\n')[2].partition("</prestashop>")[0]
        body = re.sub(r' (xlink:href|notFilterable|nodeType|virtualEntity)="[^"]*"', "", inner)
        assert talk.send("PUT", "orders", body).status_code == 200
        assert talk.shop.count("order_histories", id_order=order["id"]) == before + rows
        assert len(talk.shop.mails_sent) == rows
