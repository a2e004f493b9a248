"""Figures from the mirror, on both databases, against the same ones counted in plain Python from the shop's own rows.

Nothing here asks the mirror what to expect: the rows are those of the sandbox's database, money is summed up as
fractions, percentiles come from the standard library.
"""

from __future__ import annotations

import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from connector.core import periods
from connector.core.figures import RECENCY_DAYS
from connector.core.periods import Period
from connector.errors import DataError
from connector.mirror.own_tables import bounce, mail
from connector.sandbox.shop import SandboxShop
from connector.wiring import App, figures
from tests.support import databases
from tests.support.world import World

PARIS = ZoneInfo("Europe/Paris")
SPANS = ("2025-03", "2024-06-20..2025-05-20", "2025", "2025-W14")
"""The month in which the clock changes, nearly all, a year, the week after the change."""


def lived_in() -> SandboxShop:
    """A seeded shop with what seeds lack: several rates, wrong ones, edges of months, slips of all sorts."""
    shop = SandboxShop("8.2.1", orders=160, seed=3)
    chance = random.Random(7)
    rates = ("1.000000", "1.080000", "0.913750", "0.000000", "163.400000", "3.000000")
    for row in shop.rows("orders"):
        number = row["id"]
        rate = rates[number % len(rates)]
        shop.update_row("orders", number, conversion_rate=rate, id_currency=1 if rate == "1.000000" else 2)
        if number % 9 == 0:
            shop.update_row("orders", number, total_paid=f"{chance.randrange(1, 9999)}.000000")
        if number % 13 == 0:
            shop.update_row("orders", number, id_carrier=2, valid=1)
    edges = ("2025-02-28 23:59:59", "2025-03-01 00:00:00", "2025-03-31 23:59:59", "2025-04-01 00:00:00",
             "2025-03-30 02:30:00", "2025-04-06 23:59:59", "0000-00-00 00:00:00")  # fmt: skip
    for number, edge in enumerate(edges, 50):
        shop.update_row("orders", number, date_add=edge, valid=1)
    for number, row in enumerate(shop.rows("order_slip")):
        more = {
            "amount": f"{chance.randrange(1, 90000) / 1000:.6f}",
            "shipping_cost_amount": ("8.400000", "0.000000")[number % 2],
        }
        shop.update_row("order_slip", row["id"], conversion_rate="2.000000", **more)
        if number == 1:
            shop.update_row("order_slip", row["id"], id_order=99_999)  # an order that is gone
        if number % 3 == 0:
            shop.update_row("orders", row["id_order"], valid=1)  # a refund of a part: the order still counts
    for row in shop.rows("customer_messages"):
        at = datetime.fromisoformat(row["date_add"]) + timedelta(minutes=chance.randrange(5000))
        shop.update_row("customer_messages", row["id"], date_add=at.isoformat(" "))
    return shop


@pytest.fixture(scope="module", params=databases.KINDS)
def place(request, tmp_path_factory) -> Iterator[tuple[World, App]]:
    folder, shop = tmp_path_factory.mktemp("figures"), lived_in()
    with databases.on(request.param), World(folder, shop=shop, with_smtp=False) as world, world.app() as app:
        world.sync(app=app, only=("pull",))
        yield world, app


def rows(place: tuple[World, App], resource: str) -> list[dict[str, Any]]:
    return place[0].shop.rows(resource)


def inside(row: dict[str, Any], period: Period) -> bool:
    day = row["date_add"][:10]
    return period.first.isoformat() <= day < period.end.isoformat()


def worth(order: dict[str, Any], amount: str | Fraction) -> Fraction:
    rate = Fraction(order["conversion_rate"]) or Fraction(1)
    micros = Fraction(amount) / rate * 10**6
    return Fraction((micros * 2 + 1) // 2, 10**6)  # amounts are positive: half up


def exact(value: Fraction | int) -> Decimal:
    whole = Fraction(value) * 10**6
    assert whole.denominator == 1
    return Decimal(whole.numerator).scaleb(-6)


def near(found: Decimal | None, wanted: Fraction | float | int) -> bool:
    return found is not None and abs(Fraction(found) - Fraction(wanted)) <= Fraction(1, 10**6)


def p90(values: list[Any]) -> Any:
    return statistics.quantiles(values, n=10, method="inclusive")[8] if len(values) > 1 else values[0]


# --- customers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", SPANS)
def test_orders_and_what_they_are_worth(place, text):
    period = periods.parse(text)
    found = figures.customers(place[1], "main", period)
    for one in (found.this, found.before):
        placed = [order for order in rows(place, "orders") if inside(order, one.period)]
        sold = [order for order in placed if order["valid"]]
        total = sum((worth(order, order["total_paid"]) for order in sold), Fraction())
        assert (one.orders, one.uncounted) == (len(sold), len(placed) - len(sold))
        assert one.total == exact(total)
        assert one.total_tax_excl == exact(sum(worth(order, order["total_paid_tax_excl"]) for order in sold))
        assert near(one.average, total / len(sold)) if sold else one.average is None
        days = Counter(order["date_add"][:10] for order in sold)
        assert {str(day.day): day.orders for day in one.days} == days
        assert sum(day.total for day in one.days) == one.total
    assert found.this.orders > 0
    assert found.currency == "EUR"


@pytest.mark.parametrize("text", SPANS[:2])
def test_who_bought_how_often_how_lately_for_how_much(place, text):
    period = periods.parse(text)
    one = figures.customers(place[1], "main", period).this
    emails = {row["id"]: row["email"].casefold() for row in rows(place, "customers")}
    known: dict[object, list[dict[str, Any]]] = defaultdict(list)
    for order in rows(place, "orders"):
        if order["valid"] and "2000" < order["date_add"] < period.end.isoformat():
            known[emails.get(order["id_customer"], order["id_customer"])].append(order)
    here = {who: [o for o in theirs if inside(o, period)] for who, theirs in known.items()}
    here = {who: theirs for who, theirs in here.items() if theirs}
    new = {who for who in here if min(o["date_add"] for o in known[who]) >= period.first.isoformat()}
    spent = {who: sum(worth(o, o["total_paid"]) for o in theirs) for who, theirs in here.items()}
    assert (one.customers, one.new, one.returning) == (len(here), len(new), len(here) - len(new))
    assert one.accounts == len({o["id_customer"] for theirs in here.values() for o in theirs})
    assert one.new_total == exact(sum(spent[who] for who in new))
    assert one.returning_total == exact(sum(spent[who] for who in here.keys() - new))
    counts = Counter(min(len(theirs), 5) for theirs in here.values())
    assert [band.count for band in one.frequency] == [counts[number] for number in (1, 2, 3, 4, 5)]
    assert one.orders_each.mean == pytest.approx(statistics.mean(map(len, here.values())))
    assert near(one.per_customer.median, statistics.median(spent.values()))
    assert near(one.per_customer.p90, p90(list(spent.values())))
    ever = [sum(worth(o, o["total_paid"]) for o in theirs) for theirs in known.values()]
    assert (one.lifetime.count, one.lifetime.total) == (len(known), exact(sum(ever)))
    ages = [(period.last - date.fromisoformat(max(o["date_add"] for o in t)[:10])).days for t in known.values()]
    assert one.recency_days.median == pytest.approx(statistics.median(ages))
    ends = [-1, *RECENCY_DAYS, 10**6]
    expected = [sum(1 for age in ages if low < age <= high) for low, high in pairwise(ends)]
    assert [band.count for band in one.recency] == expected
    assert one.best[0].total == exact(max(spent.values()))
    registered = [row for row in rows(place, "customers") if inside(row, period) and not row["is_guest"]]
    assert one.registered == len(registered)


@pytest.mark.parametrize("text", SPANS[:2])
def test_by_country_carrier_and_payment_module(place, text):
    period = periods.parse(text)
    one = figures.customers(place[1], "main", period, "fr").this
    sold = [order for order in rows(place, "orders") if order["valid"] and inside(order, period)]
    country = {row["id"]: row["id_country"] for row in rows(place, "addresses")}
    reference = {row["id"]: row["id_reference"] for row in rows(place, "carriers")}
    for found, key in (
        (one.countries, lambda order: country.get(order["id_address_delivery"])),
        (one.carriers, lambda order: reference.get(order["id_carrier"])),
        (one.modules, lambda order: order["module"]),
    ):
        wanted: dict[Any, list[Fraction]] = defaultdict(list)
        for order in sold:
            wanted[key(order)].append(worth(order, order["total_paid"]))
        assert sorted((group.orders, group.total) for group in found) == sorted(
            (len(some), exact(sum(some))) for some in wanted.values()
        )
        assert [group.total for group in found] == sorted((group.total for group in found), reverse=True)
    assert {group.code: group.name for group in one.countries}.get("DE", "Allemagne") == "Allemagne"
    assert {group.name for group in one.modules} == {order["module"] for order in sold}


@pytest.mark.parametrize("text", SPANS[:2])
def test_what_was_bought_most(place, text):
    period = periods.parse(text)
    found = figures.customers(place[1], "main", period, products=5)
    orders = {order["id"]: order for order in rows(place, "orders") if order["valid"]}
    for one, listed in ((found.this, 5), (found.before, 10)):
        wanted: dict[int, list[Any]] = defaultdict(lambda: [0, set(), Fraction()])
        for line in rows(place, "order_details"):
            order = orders.get(line["id_order"])
            if order and inside(order, one.period):
                mine = wanted[line["product_id"]]
                mine[0] += line["product_quantity"]
                mine[1].add(order["id"])
                mine[2] += worth(order, Fraction(line["unit_price_tax_incl"]) * line["product_quantity"])
        assert len(one.products) <= listed
        for product in one.products:
            quantity, bought, total = wanted[product.id]
            assert (product.quantity, product.orders, product.total) == (quantity, len(bought), exact(total))
        most = sorted((-mine[0], number) for number, mine in wanted.items())[:5]
        assert [(-product.quantity, product.id) for product in one.products[:5]] == most
    compared = {one.id for one in found.this.products} & wanted.keys()
    assert compared <= {one.id for one in found.before.products}
    assert found.this.products[0].name


@pytest.mark.parametrize("text", SPANS[:2])
def test_refunds(place, text):
    period = periods.parse(text)
    one = figures.customers(place[1], "main", period).this.refunds
    orders = {order["id"]: order for order in rows(place, "orders")}
    slips = [slip for slip in rows(place, "order_slip") if inside(slip, period)]
    given = {
        slip["id"]: worth(
            orders.get(slip["id_order"], slip), Fraction(slip["amount"]) + Fraction(slip["shipping_cost_amount"])
        )
        for slip in slips
    }
    counted = [slip["id"] for slip in slips if orders.get(slip["id_order"], {}).get("valid")]
    assert (one.slips, one.orders) == (len(slips), len({slip["id_order"] for slip in slips}))
    assert one.total == exact(sum(given.values()))
    assert one.of_counted == exact(sum(given[number] for number in counted))


def test_there_is_something_to_compare(place):
    one = figures.customers(place[1], "main", periods.parse("2024-06-20..2025-05-20")).this
    assert one.refunds.slips > 5
    assert Decimal(0) < one.refunds.of_counted < one.refunds.total
    assert one.accounts > one.customers > one.returning >= 0
    assert len(one.countries) > 3


# --- customer service -----------------------------------------------------------------------------------------------


def utc(local: str) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=PARIS).astimezone(UTC)


@pytest.mark.parametrize("text", SPANS[:2])
def test_messages_by_writer_weekday_and_hour(place, text):
    period = periods.parse(text)
    one = figures.service(place[1], "main", period).this
    said = [row for row in rows(place, "customer_messages") if inside(row, period)]
    theirs = [row for row in said if not row["id_employee"]]
    answers = [row for row in said if row["id_employee"] and not row["private"]]
    notes = [row for row in said if row["id_employee"] and row["private"]]
    assert (one.from_customers, one.answers, one.notes) == (len(theirs), len(answers), len(notes))
    assert one.active == len({row["id_customer_thread"] for row in said})
    for grid, some in ((one.customer_hours, theirs), (one.answer_hours, answers)):
        moments = Counter(datetime.fromisoformat(row["date_add"]).timetuple()[3::3] for row in some)
        assert {(hour, day): grid[day][hour] for day in range(7) for hour in range(24) if grid[day][hour]} == moments
    names = {row["id"]: f"{row['firstname']} {row['lastname']}" for row in rows(place, "employees")}
    for employee in one.employees:
        mine = [row for row in said if row["id_employee"] == employee.id]
        assert (employee.name, employee.notes) == (names[employee.id], sum(row["private"] for row in mine))
        assert employee.answers == len(mine) - employee.notes
        assert employee.threads == len({row["id_customer_thread"] for row in mine})
    assert sum(employee.answers for employee in one.employees) == one.answers


@pytest.mark.parametrize("text", SPANS[:2])
def test_first_answers_and_messages_a_thread(place, text):
    period = periods.parse(text)
    one = figures.service(place[1], "main", period).this
    begun = [row for row in rows(place, "customer_threads") if inside(row, period)]
    seconds: dict[int, list[float]] = defaultdict(list)
    public, unanswered = [], 0
    for thread in begun:
        talk = [row for row in rows(place, "customer_messages") if row["id_customer_thread"] == thread["id"]]
        talk = sorted((row for row in talk if not row["private"]), key=lambda row: (utc(row["date_add"]), row["id"]))
        public += [len(talk)] if talk else []
        asked = next((row for row in talk if not row["id_employee"]), None)
        answers = [row for row in talk[talk.index(asked) :] if row["id_employee"]] if asked else []
        unanswered += asked is not None and not answers
        if answers:
            wait = utc(answers[0]["date_add"]) - utc(asked["date_add"])
            seconds[answers[0]["id_employee"]].append(wait.total_seconds())
    every = [wait for some in seconds.values() for wait in some]
    assert (one.begun, one.unanswered) == (len(begun), unanswered)
    assert (one.first_answer.count, one.per_thread.count) == (len(every), len(public))
    assert one.per_thread.mean == pytest.approx(statistics.mean(public))
    assert one.per_thread.p90 == pytest.approx(p90(public))
    if every:
        assert one.first_answer.median == pytest.approx(statistics.median(every))
        assert one.first_answer.p90 == pytest.approx(p90(every))
    for employee in one.employees:
        assert employee.first_answer.count == len(seconds[employee.id])
    assert {row.id: row.count for row in one.begun_contacts} == Counter(row["id_contact"] or None for row in begun)
    assert {row.id: row.count for row in one.begun_languages} == Counter(row["id_lang"] for row in begun)


def test_threads_as_they_are_now(place):
    threads, now = rows(place, "customer_threads"), place[1].clock.now()
    found = figures.service(place[1], "main", periods.parse("2025-03"), "de").now
    assert found.threads == len(threads)
    assert found.statuses == Counter(row["status"] for row in threads)
    for groups, field in ((found.contacts, "id_contact"), (found.languages, "id_lang")):
        wanted: dict[Any, Counter[str]] = defaultdict(Counter)
        for row in threads:
            wanted[row[field] or None][row["status"]] += 1
        assert {group.id: group.statuses for group in groups} == wanted
        assert sum(group.waiting for group in groups) == found.waiting
    assert {group.name for group in found.contacts} == {"", "Kundenservice", "Rücksendungen"}
    messages = defaultdict(list)
    for row in rows(place, "customer_messages"):
        if not row["private"]:
            messages[row["id_customer_thread"]].append(row)
    since = []
    for thread in threads:
        talk = messages[thread["id"]]  # who waits goes by ids, as `thread next` does
        last = max((row["id"] for row in talk if row["id_employee"]), default=0)
        open_ = [utc(row["date_add"]) for row in talk if row["id"] > last]
        since += [min(open_)] if open_ and thread["status"] == "open" else []
    assert (found.waiting, found.waiting_since) == (len(since), min(since))
    assert found.waiting > 3
    for bands in (found.waiting_ages, found.ages):
        assert [bands[0].first, bands[-1].last] == [None, None]
    assert sum(band.count for band in found.waiting_ages) == found.waiting
    assert sum(group.total for group in found.ages) == len(threads)
    old = sum(1 for row in threads if now - utc(row["date_add"]) > timedelta(days=90))
    assert found.ages[-1].total == old


def test_closings_are_those_that_were_seen(place):
    world, app = place
    today = periods.parse(f"{date.today()}..{date.today() + timedelta(days=1)}")  # noqa: DTZ011 - the machine's is fine
    closed = [row for row in rows(place, "customer_threads") if row["status"] == "open"][:3]
    assert figures.service(app, "main", today).this.closing.count == 0
    for row in closed:
        world.shop.back_office_set_status(row["id"], "closed")
    world.sync(app=app, only=("pull",))
    found = figures.service(app, "main", today).this.closing
    ages = [(app.clock.now() - utc(row["date_add"])).total_seconds() for row in closed]
    assert found.count == 3
    assert found.median == pytest.approx(statistics.median(ages), abs=60)
    world.shop.back_office_set_status(closed[0]["id"], "open")
    world.sync(app=app, only=("pull",))
    assert figures.service(app, "main", today).this.closing.count == 3  # it was closed, and is open again


def test_mails_and_bounces(place):
    app = place[1]
    march = datetime(2025, 3, 10, tzinfo=UTC)
    made = [
        ("imported", "signed", march), ("imported", "signed", march), ("ignored", "auto_reply", march),
        ("pending", "auto_reply_filed", march), ("ignored", "list", march), ("imported", "bounce_filed", march),
        ("ignored", "bounce_again", march), ("ignored", "delivery_delayed", march), ("quarantined", "empty", march),
        ("ignored", "own", march), ("imported", "signed", datetime(2025, 3, 31, 22, 0, 1, tzinfo=UTC)),
    ]  # fmt: skip
    common = {"shop": "main", "mailbox": "m", "folder": "INBOX", "uidvalidity": 1, "size": 1, "from_addr": "",
              "subject": "", "backfill": False, "text_hash": "", "entered_at": march, "message_id": ""}  # fmt: skip
    copies = [
        {**common, "uid": uid, "state": state, "reason": reason, "internaldate": at, "mail_key": f"{max(uid, 1)}",
         "role": "customers"}
        for uid, (state, reason, at) in enumerate(made)
    ]  # fmt: skip
    with app.mirror.database.write() as connection:
        connection.execute(insert(mail), [*copies, {**copies[0], "uid": 99, "mail_key": "99", "role": "staff"}])
        ids = [row[0] for row in connection.execute(mail.select().with_only_columns(mail.c.id).order_by(mail.c.id))]
        lost = {"shop": "main", "id_thread": 1, "action": "failed", "status": "5.1.1"}
        reports = [(ids[0], "<a@x>", march), (ids[1], "<a@x>", march), (ids[2], "<b@x>", march + timedelta(days=40))]
        connection.execute(insert(bounce), [{**lost, "copy_id": c, "message_id": i, "at": at} for c, i, at in reports])
    found = figures.service(app, "main", periods.parse("2025-03")).this.mails
    assert (found.total, found.imported, found.quarantined, found.bounced) == (9, 2, 1, 1)
    assert found.automatic == {"auto_reply": 2, "bounce": 3, "list": 1}
    april = figures.service(app, "main", periods.parse("2025-04")).this.mails
    assert (april.total, april.bounced) == (1, 1)  # by the shop's clock it came in April


# --- beside the figures ---------------------------------------------------------------------------------------------


def test_another_shop_of_the_mirror_has_figures_of_its_own(place):
    ground = figures._ground(place[1], "elsewhere", "")
    assert figures.SqlCustomerFigures(ground, 5).of(periods.parse("2025")).orders == 0
    assert figures.SqlServiceFigures(ground, None).now(place[1].clock.now()).threads == 0


def test_an_empty_period_has_no_averages(place):
    found = figures.as_json(figures.customers(place[1], "main", periods.parse("1999")))
    assert (found["this"]["orders"], found["this"]["average"]) == (0, None)
    assert found["this"]["per_customer"] == {"count": 0, "total": "0.000000", "mean": None, "median": None, "p90": None}


def test_without_a_period_it_is_the_last_thirty_days(place):
    period = figures.period(place[1], "main")
    assert (period.days, period.span) == (30, "days")
    assert period.last == place[1].clock.now().astimezone(PARIS).date()


def test_what_is_not_mapped_is_named(place):
    ground = figures._ground(place[1], "main", "")
    with pytest.raises(DataError) as told:
        ground.need({"orders": ("valid", "no_such"), "customers": ("email",)})
    assert (told.value.code, told.value.facts) == ("figures.unmapped", {"table": "orders", "columns": ["no_such"]})
