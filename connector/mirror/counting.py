"""Which orders count and what they are worth. The one place that says so: figures, segments and views ask here.

- An order counts when PrestaShop's own flag `valid` says so. The shop sets it from the order's state (`logable`) at
  each change of state (OrderHistory::changeIdOrderState, 1.6 to 9.0); the customer's page and its sums go by it.
- An order's amount is divided by its own `conversion_rate`, which gives the shop's default currency as it stood when
  the order was placed (Customer::getStats does the same). A rate of 0 or NULL counts as 1.
- Each order's converted amount is rounded to six places, half away from zero, and summed up as whole millionths:
  exact on PostgreSQL and on SQLite, which has no decimals.
- An order belongs to the day on which it was placed (`date_add_local`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, func

from connector.mirror.dialect import micros


def counts(orders: FromClause) -> ColumnElement[bool]:
    """Does an order count?"""
    return orders.c.valid.is_(True)


def converted(orders: FromClause, amount: ColumnElement[Any]) -> ColumnElement[int]:
    """An amount of an order in the shop's default currency, in whole millionths; NULL is 0."""
    return micros(func.coalesce(amount, 0), func.coalesce(func.nullif(orders.c.conversion_rate, 0), 1))


def worth(orders: FromClause) -> ColumnElement[int]:
    """What was to be paid for an order, with tax and shipping, as `converted`. `total_paid_real` is another thing: it
    grows with each payment that is entered."""
    return converted(orders, orders.c.total_paid)
