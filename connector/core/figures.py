"""What figures look like: plain dataclasses of numbers, names and dates, for the commands, the report and the page.

Which orders count is defined once: `connector.mirror.counting`. Times: seconds, and moments in UTC, unless a name says
`local`. Money: Decimal with six places in the shop's default currency, each order converted by its own
conversion_rate. Nothing here holds a name, an address or a text of a customer.

Figures of a person, not of a row: a person is a casefolded e-mail address, so that an account and the guest orders of
the same address are one customer; who has no address in the mirror (erased, or gone from the shop) is one by row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from connector.core.periods import Period

DAY = 86_400
THREAD_AGES = (DAY, 3 * DAY, 7 * DAY, 30 * DAY, 90 * DAY)
"""Seconds at which bands of threads' ages end; the last band has no end."""
WAITING_AGES = (4 * 3600, DAY, 3 * DAY, 7 * DAY, 30 * DAY)
"""The same for customers who wait for an answer."""
RECENCY_DAYS = (30, 90, 180, 365)
"""Days since the last order at which bands end: up to and including."""
ORDERS_EACH = (1, 2, 3, 4)
"""Orders a customer at which bands end: up to and including."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How numbers are spread. count: how many there are; the rest is None without any. p90: the 90th percentile.
    Between two numbers a percentile is interpolated, as PostgreSQL's percentile_cont does."""

    count: int = 0
    mean: float | None = None
    median: float | None = None
    p90: float | None = None


@dataclass(frozen=True, slots=True)
class Amounts:
    """The same for money, with its sum."""

    count: int = 0
    total: Decimal = Decimal("0.000000")
    mean: Decimal | None = None
    median: Decimal | None = None
    p90: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """How many lie between two bounds. A bound that is None is none. Ages: `first` <= seconds < `last`. Whole numbers
    (orders, days): `first` <= number <= `last`."""

    first: int | None
    last: int | None
    count: int


# --- customer service ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ThreadGroup:
    """Threads of one contact, language or age. id: of the contact or language, None for threads without one or for
    ages. name: '' when the mirror has none. statuses: open, pending1, pending2, closed, '' -> how many, those that
    there are. first, last: bounds of an age, as in `Band`."""

    id: int | None
    name: str
    statuses: Mapping[str, int]
    waiting: int = 0
    first: int | None = None
    last: int | None = None

    @property
    def total(self) -> int:
        return sum(self.statuses.values())


@dataclass(frozen=True, slots=True)
class ServiceNow:
    """All threads as the mirror has them at `at`. Who waits for an answer is what `thread next` means: open threads
    that end with the customer's words and whose answer is not on its way. waiting_since: of who waits longest."""

    at: datetime
    threads: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    contacts: Sequence[ThreadGroup] = ()
    languages: Sequence[ThreadGroup] = ()
    ages: Sequence[ThreadGroup] = ()
    waiting: int = 0
    waiting_since: datetime | None = None
    waiting_ages: Sequence[Band] = ()


@dataclass(frozen=True, slots=True)
class EmployeeFigures:
    """One employee in one period. answers: messages that customers can read. notes: private ones. threads: in which
    they wrote either. first_answer: seconds from a customer's first words to the first answer, where it was theirs, in
    threads begun in the period. name: '' for one whom the shop does not have any more."""

    id: int
    name: str
    answers: int = 0
    notes: int = 0
    threads: int = 0
    first_answer: Spread = Spread()


@dataclass(frozen=True, slots=True)
class NamedCount:
    id: int | None
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Mails:
    """Mails that came into the mailboxes in a period, each copy once. Automatic ones: by kind (auto_reply,
    auto_generated, list, bounce, loop, shop_notification), filed as a private note or left aside. bounced: mails of
    ours of which a report says that they did not arrive, each once."""

    total: int = 0
    imported: int = 0
    quarantined: int = 0
    automatic: Mapping[str, int] = field(default_factory=dict)
    bounced: int = 0


@dataclass(frozen=True, slots=True)
class ServicePeriod:
    """Customer service in one period, by the shop's own days.

    begun: threads begun in it, also by contact and language. active: threads with a message in it. from_customers,
    answers, notes, automatic: messages in it by customers, by employees, private ones of employees, private ones of
    nobody (automatic mail filed). first_answer: of the threads begun in it, seconds from the customer's first words
    to the first public words of an employee after them. unanswered: those of them that still have none. closing:
    seconds from a thread's beginning to its closing, for closings seen in the period; see `closings_from`.
    per_thread: messages of the threads begun in it, notes left out. customer_hours, answer_hours: seven weekdays from
    Monday on, 24 hours each, shop-local."""

    period: Period
    begun: int = 0
    begun_contacts: Sequence[NamedCount] = ()
    begun_languages: Sequence[NamedCount] = ()
    active: int = 0
    from_customers: int = 0
    answers: int = 0
    notes: int = 0
    automatic: int = 0
    first_answer: Spread = Spread()
    unanswered: int = 0
    closing: Spread = Spread()
    per_thread: Spread = Spread()
    employees: Sequence[EmployeeFigures] = ()
    customer_hours: Sequence[Sequence[int]] = ()
    answer_hours: Sequence[Sequence[int]] = ()
    mails: Mails = Mails()


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """Customer service of a shop: now, in a period, and in the one before."""

    shop: str
    now: ServiceNow
    this: ServicePeriod
    before: ServicePeriod


# --- customers ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sales:
    """Counted orders of one country, carrier or payment module. id: of country or carrier, None for a module or when
    it is not known. name: of the country or carrier, '' when the mirror has none; of a module its technical name.
    code: ISO code of a country."""

    id: int | None
    name: str
    orders: int
    total: Decimal
    code: str = ""


@dataclass(frozen=True, slots=True)
class ProductFigures:
    """A product in counted orders. name: as the shop has it now, else as it was sold last. total: with tax, at the
    price it was sold for."""

    id: int | None
    name: str
    reference: str
    quantity: int
    orders: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class Refunds:
    """Credit slips of a period, by their own date, whether their orders count or not (a refunded order counts no more).
    total: what was given back, shipping included. of_counted: the part of it that concerns orders which count."""

    slips: int = 0
    orders: int = 0
    total: Decimal = Decimal("0.000000")
    shipping: Decimal = Decimal("0.000000")
    of_counted: Decimal = Decimal("0.000000")


@dataclass(frozen=True, slots=True)
class DayFigures:
    day: date
    orders: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class BestCustomer:
    """id: the newest account of the person, None when the order names none. last: day of their last order in the
    period."""

    id: int | None
    orders: int
    total: Decimal
    last: date


@dataclass(frozen=True, slots=True)
class CustomerPeriod:
    """Orders and customers in one period, by the shop's own days and the day an order was placed.

    orders, total, total_tax_excl: of orders that count; total is what was to be paid, with tax and shipping. uncounted:
    orders placed in the period that do not count (not paid yet, cancelled, refunded). average: total by orders.
    customers: persons with a counted order in it; accounts: rows of `customers` that these orders name. new: persons
    whose first counted order lies in it; returning: the others. registered: accounts made in it, guests left out.
    frequency: customers by their number of orders in it; per_customer: their totals in it; orders_each: how many
    orders. recency: all persons who ever ordered up to its end, by days since the last order at its end;
    recency_days the same as a spread. lifetime: their totals up to its end.
    products, countries, carriers, modules: the largest first. days: each with a counted order."""

    period: Period
    orders: int = 0
    total: Decimal = Decimal("0.000000")
    total_tax_excl: Decimal = Decimal("0.000000")
    uncounted: int = 0
    average: Decimal | None = None
    customers: int = 0
    accounts: int = 0
    new: int = 0
    returning: int = 0
    new_total: Decimal = Decimal("0.000000")
    returning_total: Decimal = Decimal("0.000000")
    registered: int = 0
    frequency: Sequence[Band] = ()
    orders_each: Spread = Spread()
    per_customer: Amounts = Amounts()
    recency: Sequence[Band] = ()
    recency_days: Spread = Spread()
    lifetime: Amounts = Amounts()
    best: Sequence[BestCustomer] = ()
    products: Sequence[ProductFigures] = ()
    countries: Sequence[Sales] = ()
    carriers: Sequence[Sales] = ()
    modules: Sequence[Sales] = ()
    refunds: Refunds = Refunds()
    days: Sequence[DayFigures] = ()


@dataclass(frozen=True, slots=True)
class CustomerFigures:
    """Customers of a shop in a period and in the one before. currency: ISO code of its default currency, '' when the
    mirror does not know it."""

    shop: str
    currency: str
    this: CustomerPeriod
    before: CustomerPeriod
