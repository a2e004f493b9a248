"""Which module may know which: the map in the README holds because these tests hold it."""

from __future__ import annotations

import ast
import sys
from fnmatch import fnmatch

import pytest

from tests.source import PACKAGE, imports, modules

ADAPTERS = ("shop", "mailbox", "mirror", "sandbox")
NOT_IN_CORE = {"time", "random", "os", "io", "socket", "logging", "threading", "secrets", "subprocess", "asyncio"}
CORE_MAY_KNOW = ("connector.core", "connector.errors")

LIBRARY_ROOMS = {
    "requests": ("shop/*", "mailbox/oauth.py", "ops/ping.py"),
    "urllib3": ("shop/*",),
    "authlib": ("mailbox/oauth.py",),
    "joserfc": ("mailbox/oauth.py",),
    "xmltodict": ("shop/*",),
    "imapclient": ("mailbox/*",),
    "smtplib": ("mailbox/*",),
    "chardet": ("mailbox/*",),
    "imaplib": ("mailbox/*", "sandbox/*"),
    "sqlalchemy": ("mirror/*",),
    "alembic": ("mirror/*",),
    "sqlite3": ("mirror/*", "sandbox/*"),
    "apscheduler": ("engine/daemon.py",),
    "pydantic": ("config/*",),
    "pydantic_core": ("config/*",),
    "pydantic_settings": ("config/*",),
    "tomllib": ("config/*", "core/*", "sandbox/*"),
    "structlog": ("ops/logs.py",),
    "prometheus_client": ("ops/metrics.py",),
    "click": ("cli/*",),
    "rich": ("cli/*",),
    "stamina": ("shop/*", "mailbox/*"),
    "werkzeug": ("sandbox/*", "web/*"),
    "flask": ("web/*",),
    "waitress": ("web/server.py",),
    "argon2": ("web/users.py",),
    "nh3": ("web/sanitise.py",),
    "babel": ("web/texts.py", "report/texts.py"),
    "jinja2": ("report/page.py",),
    "markupsafe": ("report/page.py",),
    "matplotlib": ("report/plots.py",),
    "pymap": ("sandbox/*",),
    "pysasl": ("sandbox/*",),
    "proxyprotocol": ("sandbox/*",),
    "aiosmtpd": ("sandbox/*",),
}
"""Library -> the only modules that may import it. A library that is not listed may be imported nowhere."""

REMOTE_WRITES = {
    "shop": {"create_thread", "create_message", "set_thread_status", "add_history", "set_tracking", "set_message_date"}
    | {"set_message_read", "set_customer_groups"},
    "mailbox": {"flag", "move", "delete"},
    "mailbox and sender": {"append", "send"},
}
WRITERS = ("engine/push.py", "engine/effects/*")  # effects: what push does per kind of intent


def breaches(room: str, allowed: tuple[str, ...]) -> list[str]:
    """Imports of our own modules in a room, other than the allowed ones."""
    return [
        f"{module}:{line} imports {name}"
        for module, tree in modules().items()
        if fnmatch(module, room)
        for name, line in imports(tree)
        if name.split(".")[0] == "connector" and not any(f"{name}.".startswith(f"{part}.") for part in allowed)
    ]


def test_there_is_something_to_look_at():
    rooms = {module.split("/")[0] for module in modules() if "/" in module}
    assert {"core", "engine", "ops", "config", *ADAPTERS} <= rooms


def test_core_decides_and_touches_nothing():
    wrong = [
        f"{module}:{line} imports {name}"
        for module, tree in modules().items()
        if module.startswith("core/")
        for name, line in imports(tree)
        if name.split(".")[0] in NOT_IN_CORE
        or (name.split(".")[0] not in sys.stdlib_module_names and name.split(".")[0] != "connector")
    ]
    assert wrong == []
    assert breaches("core/*", CORE_MAY_KNOW) == []


def test_core_reads_no_clock_and_no_file():
    """datetime is a value there; asking what time it is now is not for core."""
    wrong = [
        f"{module}:{node.lineno}"
        for module, tree in modules().items()
        if module.startswith("core/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (
            (
                isinstance(node.func, ast.Attribute)
                and node.func.attr in {"now", "utcnow", "today", "read_text", "read_bytes"}
            )
            or (isinstance(node.func, ast.Name) and node.func.id in {"open", "print", "input"})
        )
    ]
    assert wrong == []


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_knows_core_and_the_ports_and_no_other_adapter(adapter):
    allowed = (*CORE_MAY_KNOW, "connector.engine.ports", f"connector.{adapter}")
    assert breaches(f"{adapter}/*", allowed) == []


def test_the_engine_knows_no_adapter():
    assert breaches("engine/*", (*CORE_MAY_KNOW, "connector.engine", "connector.ops.events")) == []


def test_the_ports_know_only_core():
    assert breaches("engine/ports/*", ("connector.core", "connector.engine.ports")) == []


def test_errors_know_nobody():
    assert breaches("errors.py", ()) == []


def test_settings_know_only_errors():
    assert breaches("config/*", ("connector.config", "connector.errors")) == []


def test_operations_know_nobody_else():
    assert breaches("ops/*", ("connector.ops", "connector.errors", "connector.core")) == []


def test_words_know_only_errors():
    assert breaches("words.py", ("connector.words_parts", "connector.errors")) == []
    assert breaches("words_parts/*", ()) == []


def test_only_wiring_knows_every_adapter():
    outside = [
        f"{module}:{line} imports {name}"
        for module, tree in modules().items()
        if not module.startswith("wiring/") and module.split("/")[0] not in ADAPTERS
        for name, line in imports(tree)
        for adapter in ADAPTERS
        if f"{name}.".startswith(f"connector.{adapter}.") and not (adapter == "sandbox" and module.startswith("cli/"))
    ]
    assert outside == []


def test_wiring_does_without_the_sandbox():
    """The sandbox is an extra; the service runs without its libraries."""
    wired = [tree for module, tree in modules().items() if module.startswith("wiring/")]
    assert wired
    assert [line for tree in wired for name, line in imports(tree) if "sandbox" in name] == []


def test_every_library_stays_in_its_room():
    wrong = []
    for module, tree in modules().items():
        for name, line in imports(tree):
            library = name.split(".")[0]
            if library == "connector" or (library in sys.stdlib_module_names and library not in LIBRARY_ROOMS):
                continue
            if not any(fnmatch(module, room) for room in LIBRARY_ROOMS.get(library, ())):
                wrong.append(f"{module}:{line} imports {library}")
    assert wrong == []


def test_only_push_writes_to_a_far_side():
    """Calls of the writing methods of shop, mailbox and sender. `move` and `append` are also the names of the outbox
    and of lists: those are told apart by what they are called on."""
    harmless = {"move": {"outbox", "_outbox"}, "append": None, "flag": set(), "delete": set()}
    wrong = []
    for module, tree in modules().items():
        if any(fnmatch(module, writer) for writer in WRITERS) or module.split("/")[0] in ADAPTERS:
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            method, on = node.func.attr, node.func.value
            if method not in set().union(*REMOTE_WRITES.values()):
                continue
            owner = on.attr if isinstance(on, ast.Attribute) else getattr(on, "id", "")
            if method == "append" and len(node.args) == 1:  # a list's; a mailbox's takes four
                continue
            if owner in (harmless.get(method) or ()):
                continue
            wrong.append(f"{module}:{node.lineno} calls {owner}.{method}")
    assert wrong == []


def test_only_settings_read_the_environment():
    wrong = [
        f"{module}:{node.lineno}"
        for module, tree in modules().items()
        if not module.startswith(("config/", "ops/systemd.py", "cli/", "sandbox/"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]
    assert wrong == []


def test_no_module_is_too_long_to_be_read_at_once():
    long = {
        path.relative_to(PACKAGE).as_posix(): count
        for path in PACKAGE.rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_every_module_says_what_it_is_for():
    silent = [
        module
        for module, tree in modules().items()
        if not ast.get_docstring(tree) and not (module.endswith("__init__.py") and not tree.body)
    ]
    assert silent == []
