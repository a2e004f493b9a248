"""Ctrl-C while the program is still loading."""

from __future__ import annotations

import sys
import types

import pytest

from connector import entry


@pytest.fixture
def loading(monkeypatch):
    """Let the loading of the program end with this error; gives the exit code."""

    def load(error: BaseException) -> int:
        def fail(name: str) -> object:
            raise error

        module = types.ModuleType("connector.cli")
        module.__getattr__ = fail  # type: ignore[method-assign]
        monkeypatch.setitem(sys.modules, "connector.cli", module)
        monkeypatch.setattr("os._exit", sys.exit)
        with pytest.raises(SystemExit) as ended:
            entry.main()
        return int(ended.value.code or 0)

    return load


def wrapped() -> RuntimeError:
    error = RuntimeError("Error calling __set_name__ on 'Field' instance")
    error.__cause__ = KeyboardInterrupt()
    return error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), wrapped()])
def test_ctrl_c_ends_it_quietly_even_when_a_class_under_construction_wraps_it(loading, capsys, error):
    assert loading(error) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_another_fault_is_shown_as_it_is(loading):
    with pytest.raises(RuntimeError, match="broken"):
        loading(RuntimeError("broken"))
