"""What the mirror's views show: a documented interface for other tools, so no mapping may take a column from it."""

from __future__ import annotations

_THREADS = {"status", "email", "id_customer", "id_order", "id_contact", "id_lang", "date_add"}
_MESSAGES = {"id_customer_thread", "id_employee", "private", "date_add"}

VIEWS: dict[str, dict[str, set[str]]] = {
    "v_customer_stats": {
        "customers": {
            "email",
            "id_shop",
            "id_lang",
            "active",
            "deleted",
            "is_guest",
            "newsletter",
            "optin",
            "date_add",
        },
        "orders": {"id_customer", "valid", "total_paid", "conversion_rate", "date_add"},
        "customer_threads": {"email", "id_customer", "status"},
    },
    "v_open_threads": {
        "customer_threads": _THREADS,
        "customer_messages": _MESSAGES,
        "customers": {"firstname", "lastname"},
        "orders": {"reference"},
    },
    "v_thread_timeline": {"customer_messages": {*_MESSAGES, "message"}},
}
"""View -> table -> fields of its mapping that it stands on (a test compares). A view of which not all is mapped is not
made."""


def shown_by(table: str, name: str) -> str | None:
    """The first view that stands on this field."""
    return next((view for view, needed in VIEWS.items() if name in needed.get(table, ())), None)
