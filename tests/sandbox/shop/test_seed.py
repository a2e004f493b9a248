"""What every seeded shop has, however small."""

from collections import Counter

import pytest

from connector.sandbox.shop import VERSIONS, SandboxShop


@pytest.fixture(scope="module", params=VERSIONS)
def shop(request):
    return SandboxShop(request.param, orders=20)


def test_the_same_seed_makes_the_same_shop():
    one, two = SandboxShop(orders=20, seed=7), SandboxShop(orders=20, seed=7)
    for resource in one.world.resources:
        assert one.rows(resource) == two.rows(resource)
    assert one.full_key == two.full_key


def test_another_seed_makes_another_shop():
    one, two = SandboxShop(orders=20, seed=7), SandboxShop(orders=20, seed=8)
    assert one.rows("customer_threads") != two.rows("customer_threads")
    assert one.full_key != two.full_key


def test_twenty_orders_bring_customers_of_five_languages(shop):
    isos = {row["id"]: row["iso_code"] for row in shop.rows("languages")}
    assert {isos[row["id_lang"]] for row in shop.rows("customers")} >= {"en", "fr", "de", "es", "ar"}


def test_names_are_arabic_accented_and_where_possible_emoji(shop):
    names = "".join(row["lastname"] + row["firstname"] for row in shop.rows("customers"))
    assert "العلوي" in names
    assert "Lefèvre" in names
    assert ("😀" in names) == (shop.version != "1.6.1.24")


def test_there_are_guests_deleted_customers_and_customers_that_are_gone(shop):
    customers = shop.rows("customers")
    assert any(row["is_guest"] for row in customers)
    assert any(row["deleted"] for row in customers)
    known = {row["id"] for row in customers}
    assert any(row["id_customer"] not in known for row in shop.rows("orders"))


def test_zero_dates_are_there(shop):
    assert any(row["birthday"] == "0000-00-00" for row in shop.rows("customers"))
    assert any(row["invoice_date"] == "0000-00-00 00:00:00" for row in shop.rows("orders"))


def test_one_second_holds_many_customers(shop):
    most = Counter(row["date_upd"] for row in shop.rows("customers")).most_common(1)[0][1]
    assert most >= 6


def test_threads_are_in_all_four_statuses_and_have_messages(shop):
    threads = shop.rows("customer_threads")
    assert {row["status"] for row in threads} == {"open", "closed", "pending1", "pending2"}
    assert all(len(row["token"]) == 12 for row in threads)
    assert shop.count("customer_messages") >= len(threads)


def test_contacts_with_and_without_customer_service(shop):
    assert {row["customer_service"] for row in shop.rows("contacts")} == {0, 1}


def test_states_have_names_in_four_languages(shop):
    shipped = shop.row("order_states", 4)
    assert [shipped["name"][number] for number in (1, 2, 3, 4)] == ["Shipped", "Expédié", "Versendet", "Enviado"]


def test_some_carrier_has_a_tracking_link_and_some_has_none(shop):
    links = [row["url"] for row in shop.rows("carriers")]
    assert any("@" in link for link in links)
    assert "" in links


def test_two_orders_share_a_reference_when_a_basket_was_split():
    references = Counter(row["reference"] for row in SandboxShop(orders=60).rows("orders"))
    assert max(references.values()) > 1


def test_every_order_has_its_cart_and_some_carts_were_left(shop):
    carts = {row["id"] for row in shop.rows("carts")}
    assert {row["id_cart"] for row in shop.rows("orders")} < carts


def test_the_state_of_an_order_is_its_newest_history(shop):
    for order in shop.rows("orders"):
        assert shop.rows("order_histories", id_order=order["id"])[-1]["id_order_state"] == order["current_state"]


def test_the_shop_has_no_seeded_row_in_the_future(shop):
    assert max(row["date_upd"] for row in shop.rows("orders")) < "2025-06-02"


def test_a_shop_can_be_empty():
    shop = SandboxShop(empty=True)
    assert shop.count("orders") == 0
    assert shop.put_row("orders", {"reference": "ABCDEFGHI"}) == 1
    assert shop.row("orders", 1)["total_paid"] == "0.000000"
