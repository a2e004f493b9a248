"""May an order go into a state, and what the shop would do by it that nobody asked for."""

from __future__ import annotations

from connector.core.model import OrderFacts, OrderState


def is_paid(facts: OrderFacts, payments: int) -> bool:
    """Is anything booked for the order? payments: rows of order_payments with its reference."""
    return payments > 0 or any(digit not in "0.+- " for digit in facts.total_paid_real)


def pays_twice(state: OrderState, facts: OrderFacts, payments: int) -> bool:
    """A state that makes the invoice or books the payment, on an order with payments but no invoice: the webservice
    does not use the payments that are there (OrderHistory::addWs, all versions; PrestaShop #20025)."""
    return (state.invoice or state.paid) and not facts.invoice_number and is_paid(facts, payments)
