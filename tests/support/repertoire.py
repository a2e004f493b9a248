"""Everything that the program can be asked to do to a far side, found by itself.

`wishes` looks through what an `App` hands out for methods that make intents and calls each with made-up values, chosen
by the names of its parameters. `mails` are the mails whose intents no command makes. A new command is covered the day
it is there; one with a parameter of a new name fails here until `Samples` knows a value for it, and a kind of intent
that nothing of this makes fails `test_the_undisturbed_run_does_all_that_it_should`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from connector.core.model import Intent, MailState
from connector.wiring import App
from tests.support.world import World

SHOP = "main"


class Samples:
    """A value for each parameter's name. Each call gets a thread, an order and a customer of its own."""

    def __init__(self, world: World, app: App) -> None:
        shop = world.shop
        asked = {row["id_customer_thread"] for row in shop.rows("customer_messages") if not row["id_employee"]}
        threads = [row for row in shop.rows("customer_threads", status="open") if "@" in row["email"] and row["token"]]
        self._threads = iter([row for row in threads if row["id"] in asked][1:])  # the first one gets mails
        self._orders = iter(shop.rows("orders", current_state=3) + shop.rows("orders", current_state=2))
        self._customers = iter(shop.rows("customers", deleted=0))
        self._quarantined = iter(app.mirror.ledger.listing(SHOP, [MailState.QUARANTINED], 10))
        employee = next(row for row in shop.rows("employees") if row["active"])
        self._fixed: dict[str, Any] = {
            "text": "A text, with an ü and a 🙂.",
            "comment": "Please have a look.",
            "status": "pending2",
            "wish": "delivered",
            "number": "1Z 999 AA1",
            "to": employee["email"],
            "read": True,
            "add": (2,),
            "remove": (),
        }
        self._drawn: dict[str, Any] = {
            "thread_id": lambda: next(self._threads)["id"],
            "order_id": lambda: next(self._orders)["id"],
            "customer_id": lambda: next(self._customers)["id"],
            "copy": lambda: next(self._quarantined),
        }

    def of(self, name: str, where: str) -> Any:
        if name in self._drawn:
            return self._drawn[name]()
        if name in self._fixed:
            return self._fixed[name]
        raise AssertionError(f"{where} has a parameter {name!r}: tests/support/repertoire.py needs a value for it")


def methods() -> Iterator[tuple[str, str]]:
    """(how the App hands it out, name of a method of it that makes intents)."""
    for handed_out, function in inspect.getmembers(App, inspect.isfunction):
        if handed_out.startswith("_"):
            continue
        found = function.__annotations__.get("return", "")
        parts = inspect.signature(function).parameters
        kind = inspect.getmodule(App).__dict__.get(found) if isinstance(found, str) else found  # type: ignore[union-attr]
        if not inspect.isclass(kind) or list(parts)[1:] != ["name"]:
            continue
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_") and method.__annotations__.get("return") == "list[Intent]":
                yield handed_out, name


def wishes(world: World, app: App, *, options: bool = False) -> list[Intent]:
    """One call of each; with options also one with each switch the other way round."""
    samples, made = Samples(world, app), list[Intent]()
    for handed_out, name in methods():
        method = getattr(getattr(app, handed_out)(SHOP), name)
        parameters = inspect.signature(method).parameters.values()
        needed = [one.name for one in parameters if one.default is inspect.Parameter.empty]
        needed += [one.name for one in parameters if one.name == "comment"]
        switches: list[dict[str, Any]] = [{}]
        if options:
            switches += [{one.name: not one.default} for one in parameters if isinstance(one.default, bool)]
        for switch in switches:
            where = f"{handed_out}.{name}"
            values = {one: samples.of(one, where) for one in needed}
            found = method(**values, **switch)
            assert found, f"{where} found nothing to do for {values}"
            made += found
    return made


def mails(world: World) -> list[tuple[str, bytes]]:
    """(folder, raw mail): a reply to a closed thread, a new question, a reply to that question, an automatic mail, a
    mail that waits for a person, and an answer that staff wrote in a mail program."""
    people, closed, opened = world.people, world.thread("closed"), world.thread("open")
    question = people.new_question("new.person@customer.test")
    message_id = question.split(b"Message-ID: <")[1].split(b">")[0].decode()
    args = (int(opened["id"]), str(opened["token"]), str(opened["email"]))  # type: ignore[call-overload]
    return [
        ("INBOX", world.reply(closed)),
        ("INBOX", question),
        ("INBOX", people.reply_by_reference(message_id, "new.person@customer.test")),
        ("INBOX", people.auto_reply(*args)),
        ("INBOX", people.spoofed(args[0], "x", "eve@elsewhere.test", wrong_token=True)),
        ("Sent", people.staff_reply(args[2], args[0], args[1])),
    ]


__all__ = ["SHOP", "mails", "methods", "wishes"]
