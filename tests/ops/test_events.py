"""The registry of events holds what the program emits, and nothing else."""

from __future__ import annotations

import ast
import re

from connector.ops import events
from tests.source import modules

CONSTANTS = {name: value for name, value in vars(events).items() if isinstance(value, str) and name.isupper()}


def uses() -> dict[str, set[str]]:
    """Constant of the registry -> the modules that name it."""
    found: dict[str, set[str]] = {}
    for module, tree in modules().items():
        if module == "ops/events.py":
            continue
        for node in ast.walk(tree):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name in CONSTANTS:
                found.setdefault(name, set()).add(module)
    return found


def emit_calls() -> list[tuple[str, ast.Call]]:
    return [
        (module, node)
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "emit"
        and node.args
    ]


def test_every_constant_is_an_event_and_every_event_a_constant():
    assert sorted(CONSTANTS.values()) == sorted(events.EVENTS)
    assert all(
        name == value.upper().replace(".", "_") or name == "SHOP_REAUTHORISE" for name, value in CONSTANTS.items()
    )


def test_names_are_dotted_and_past_tense_and_levels_are_known():
    past = re.compile(
        r"[a-z]+\.([a-z]+_)*([a-z]+ed|taken|lost|busy|forbidden|pending|in_doubt|conflict|tripped|mismatch)"
    )
    for name, (level, meaning) in events.EVENTS.items():
        assert past.fullmatch(name), name
        assert level in {"debug", "info", "warning", "error"}
        assert meaning


def test_events_are_emitted_by_constant_never_by_text():
    by_text = [f"{module}:{call.lineno}" for module, call in emit_calls() if isinstance(call.args[0], ast.Constant)]
    assert by_text == []


def test_only_listed_keys_are_emitted():
    unknown = {
        f"{module}:{call.lineno} {keyword.arg}"
        for module, call in emit_calls()
        for keyword in call.keywords
        if keyword.arg and keyword.arg not in events.KEYS and keyword.arg != "exc_info"
    }
    assert sorted(unknown) == []


def test_every_event_is_emitted_somewhere():
    assert sorted(CONSTANTS.keys() - uses().keys()) == []


def test_no_key_invites_personal_data():
    assert not {"email", "address", "subject", "name", "from_addr", "to", "body", "message", "key"} & events.KEYS.keys()
