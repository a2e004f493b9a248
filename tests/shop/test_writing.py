"""Changes of rows that are there: nothing else of the row is lost, and what old data is refused is said or mended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.errors import ShopChanged, ShopDamaged, ShopOutcomeUnknown, ShopRejected
from connector.sandbox.shop import VERSIONS, Misbehave, SandboxShop
from connector.shop import ShopClient
from connector.shop.mending import mended, refused_field

BEFORE_8 = [version for version in VERSIONS if version < "8"]


@pytest.fixture(params=VERSIONS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[tuple[SandboxShop, ShopClient]]:
    yield from shop_of(request.param)


@pytest.fixture(params=BEFORE_8)
def old(request: pytest.FixtureRequest) -> Iterator[tuple[SandboxShop, ShopClient]]:
    yield from shop_of(request.param)


@pytest.fixture
def new() -> Iterator[tuple[SandboxShop, ShopClient]]:
    yield from shop_of("9.0.0")


def shop_of(version: str) -> Iterator[tuple[SandboxShop, ShopClient]]:
    shop = SandboxShop(version, orders=5, seed=1)
    with shop.serve() as server:
        client = ShopClient(server.url, shop.full_key, read_attempts=1)
        client.probe()
        yield shop, client
        client.close()


def changed(shop: SandboxShop, resource: str, row_id: int, before: dict[str, object]) -> set[str]:
    after = shop.row(resource, row_id)
    assert after is not None
    return {name for name in before if before[name] != after[name]}


def row(shop: SandboxShop, resource: str, row_id: int) -> dict[str, object]:
    found = shop.row(resource, row_id)
    assert found is not None
    return dict(found)


# --- never a blind overwrite ----------------------------------------------------------------------------------------


def test_a_put_is_not_sent_when_the_row_shows_another_value_than_the_one_decided_on(
    old: tuple[SandboxShop, ShopClient],
) -> None:
    shop, client = old
    shop.back_office_set_status(1, "pending2")
    with pytest.raises(ShopChanged):
        client.set_thread_status(1, "closed", "open")
    number = client.order_carriers(1)[0]
    shop.update_row("order_carriers", number.id, tracking_number="THEIRS")
    with pytest.raises(ShopChanged):
        client.set_tracking(number.id, "OURS", False, number.tracking_number)
    assert not [request for request in shop.requests if request.method == "PUT"]


def test_a_put_keeps_what_was_changed_right_before_it(old: tuple[SandboxShop, ShopClient]) -> None:
    shop, client = old
    shop.update_row("customer_threads", 1, status="open", id_contact=2, id_order=3)
    client.set_thread_status(1, "closed", "open")
    after = row(shop, "customer_threads", 1)
    assert (after["status"], after["id_contact"], after["id_order"]) == ("closed", 2, 3)


# --- old data -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "stored", "sent"),
    [("email", "anna@example.com ", "anna@example.com"), ("date_add", "0000-00-00 00:00:00", "2024-05-06 07:08:09")],
)
def test_what_means_nothing_is_mended_so_that_the_change_is_taken(
    sandbox: tuple[SandboxShop, ShopClient], field: str, stored: str, sent: str
) -> None:
    shop, client = sandbox
    shop.update_row("customer_threads", 1, **{"status": "open", "date_upd": "2024-05-06 07:08:09", field: stored})
    before = row(shop, "customer_threads", 1)
    assert client.set_thread_status(1, "closed", "open") == (field,)
    assert row(shop, "customer_threads", 1)[field] == sent
    assert changed(shop, "customer_threads", 1, before) == {"status", "date_upd", field}


def test_a_control_character_of_an_old_row_stops_no_put(old: tuple[SandboxShop, ShopClient]) -> None:
    shop, client = old
    shop.update_row("customers", 3, note="Bell\x07")
    group = next(r["id"] for r in shop.rows("groups") if r["id"] not in shop.groups_of(3))
    assert client.set_customer_groups(3, [group], [], allow_put=True) == ("note",)
    assert row(shop, "customers", 3)["note"] == "Bell"


def test_what_cannot_be_mended_is_told_with_its_field_and_nothing_is_written(
    sandbox: tuple[SandboxShop, ShopClient],
) -> None:
    shop, client = sandbox
    shop.update_row("customer_threads", 1, status="open", email="anna at example")
    before = row(shop, "customer_threads", 1)
    with pytest.raises(ShopRejected) as caught:
        client.set_thread_status(1, "closed", "open")
    assert caught.value.code == "shop.old_data_refused"
    assert caught.value.facts["field"] == "email"
    assert "anna" not in str(caught.value)
    assert changed(shop, "customer_threads", 1, before) == set()


def test_a_refusal_of_the_value_itself_is_no_old_data(sandbox: tuple[SandboxShop, ShopClient]) -> None:
    client = sandbox[1]
    shipment = client.order_carriers(1)[0]
    with pytest.raises(ShopRejected) as caught:
        client.set_tracking(shipment.id, "<script>", False)
    assert caught.value.code == "shop.refused"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('Validation error: "Property Customer->company is not valid"', "company"),
        ('Validation error: "Property Customer-&gt;email is not valid"', "email"),
        ('Validation error: "La propriété CustomerThread-&amp;gt;id_lang est vide."', "id_lang"),
        ('parameter "id_contact" required', "id_contact"),
        ('parameter "secure_key" not writable. Please remove this attribute of this XML', "secure_key"),
        ("nothing of the kind", ""),
    ],
)
def test_the_refused_field_is_read_in_any_language(text: str, field: str) -> None:
    assert refused_field(text) == field


def test_only_what_nobody_can_see_is_mended() -> None:
    assert mended({"company": "ACME <Ltd>"}, "company") is None
    assert mended({"email": "\u00a0a@b.test\x00 "}, "email") == "a@b.test"
    assert mended({"email": "  "}, "email") is None
    assert mended({"date_add": "0000-00-00", "date_upd": "0000-00-00"}, "date_add") is None
    assert mended({}, "email") is None


# --- customers' groups ----------------------------------------------------------------------------------------------


def other_group(shop: SandboxShop, customer: int = 3) -> int:
    return next(int(group["id"]) for group in shop.rows("groups") if group["id"] not in shop.groups_of(customer))


def test_groups_are_changed_and_password_and_keys_stay(sandbox: tuple[SandboxShop, ShopClient]) -> None:
    shop, client = sandbox
    before, kept, group = row(shop, "customers", 3), shop.groups_of(3), other_group(shop)
    client.set_customer_groups(3, [group], [], allow_put=True)
    assert shop.groups_of(3) == sorted([*kept, group])
    assert changed(shop, "customers", 3, before) <= {"date_upd", "birthday"}  # 1.6 may have no birthday
    facts = client.customer(3)
    assert facts is not None
    assert facts.groups == frozenset([*kept, group])
    client.set_customer_groups(3, [], [group], allow_put=True)
    assert shop.groups_of(3) == kept
    assert client.customer(99_999) is None


def test_a_put_of_a_customer_is_refused_unless_it_is_allowed(old: tuple[SandboxShop, ShopClient]) -> None:
    shop, client = old
    with pytest.raises(ShopRejected) as caught:
        client.set_customer_groups(3, [other_group(shop)], [], allow_put=False)
    assert caught.value.code == "shop.customer_put_not_allowed"


@pytest.mark.parametrize(("column", "lost"), [("secure_key", "secure_key"), ("passwd", "password")])
def test_a_customer_who_lost_something_is_told(new: tuple[SandboxShop, ShopClient], column: str, lost: str) -> None:
    shop, client = new
    key = row(shop, "customers", 3)[column]
    eats(shop, column)
    with pytest.raises(ShopDamaged) as caught:
        client.set_customer_groups(3, [other_group(shop)], [], allow_put=False)
    assert caught.value.facts["lost"] == lost
    assert str(key) not in repr(caught.value) + str(caught.value)


def test_a_loss_by_a_write_without_an_answer_is_noticed_by_the_look_up(new: tuple[SandboxShop, ShopClient]) -> None:
    shop, client = new
    eats(shop, "secure_key")
    shop.misbehave(Misbehave("drop_after", method="PATCH"))
    with pytest.raises(ShopOutcomeUnknown):
        client.set_customer_groups(3, [other_group(shop)], [], allow_put=False)
    with pytest.raises(ShopDamaged):
        client.customer(3)


def eats(shop: SandboxShop, column: str) -> None:
    """A module of the shop that empties a column whenever a customer is saved."""
    shop.world.store.execute(
        f"CREATE TRIGGER eats AFTER UPDATE ON customers BEGIN UPDATE customers SET {column} = '' WHERE id = NEW.id; END"
    )


# --- read flags -----------------------------------------------------------------------------------------------------


def test_a_message_is_marked_by_patch_only(sandbox: tuple[SandboxShop, ShopClient]) -> None:
    shop, client = sandbox
    before = row(shop, "customer_messages", 1)
    if not client.can_patch():
        with pytest.raises(ShopRejected) as caught:
            client.set_message_read(1, True)
        assert caught.value.code == "shop.needs_patch"
        assert changed(shop, "customer_messages", 1, before) == set()
        return
    for read in (True, False, True):
        client.set_message_read(1, read)
        assert client.read_flags([1, 999_999]) == {1: read}
    assert changed(shop, "customer_messages", 1, before) <= {"read", "date_upd", "id_product"}  # 9.0: NULL becomes 0


def test_the_shop_tells_what_a_state_does(sandbox: tuple[SandboxShop, ShopClient]) -> None:
    shop, client = sandbox
    stored = row(shop, "order_states", 4)
    state = client.order_state(4)
    assert state is not None
    assert (state.invoice, state.paid, state.shipped, state.send_email, state.deleted) == tuple(
        bool(stored[name]) for name in ("invoice", "paid", "shipped", "send_email", "deleted")
    )
    shop.update_row("order_states", 4, deleted=1)
    deleted = client.order_state(4)
    assert deleted is not None
    assert deleted.deleted
    assert client.order_state(9999) is None
