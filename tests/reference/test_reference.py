"""What the documents say is what the program does: nothing is missing in them, and nothing is too much."""

from __future__ import annotations

import re
import shutil
import subprocess

import click
import pytest

from connector.cli.main import program
from connector.config.loader import PATH_VARIABLE
from connector.errors import Exit
from connector.mirror import own_tables
from connector.ops.events import EVENTS
from reference import MADE, REPOSITORY, schema
from reference.manpage import commands, roff
from tests.test_config import config, leaves

PAGE = REPOSITORY / "docs" / "prestashop-connector.8"
OPERATING = REPOSITORY / "docs" / "operating.md"


@pytest.mark.parametrize("path", sorted(MADE))
def test_a_made_document_is_what_the_program_makes_of_it_now(path):
    assert (REPOSITORY / path).read_text(encoding="utf-8") == MADE[path](), "make docs"


def test_the_manual_page_has_every_verb_with_every_option():
    page = PAGE.read_text(encoding="utf-8")
    for words, command, _ in commands():
        assert f'.SS "{roff(" ".join(words))}"' in page
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert roff(parameter.opts[0]) in page
    assert roff(PATH_VARIABLE) in page


def test_the_manual_page_has_every_setting_and_every_exit_code():
    page = PAGE.read_text(encoding="utf-8")
    unknown = [name for name in leaves(config.Settings) if f"{name.rpartition('.')[2]} = " not in page]
    assert unknown == []
    assert [code for code in Exit if f"\\fB{int(code)}\\fR" not in page] == []


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed (Debian: apt-get install groff)")
def test_the_manual_page_is_set_without_a_complaint():
    command = ["groff", "-man", "-ww", "-z", "-Tutf8", str(PAGE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_table_of_the_mirror_has_its_sentence():
    assert set(schema.OWN) == set(own_tables.metadata.tables)


def test_whoever_is_woken_by_an_event_finds_what_to_do():
    told = set(re.findall(r"^### `([a-z_.]+)`$", OPERATING.read_text(encoding="utf-8"), re.MULTILINE))
    assert told == {name for name, (level, _) in EVENTS.items() if level in ("warning", "error")}


def test_the_operators_guide_knows_every_exit_code_and_only_commands_that_exist():
    text = OPERATING.read_text(encoding="utf-8")
    assert set(map(int, re.findall(r"^\| (\d+) \|", text, re.MULTILINE))) == {int(code) for code in Exit}
    known = {" ".join(words): command for words, command, _ in commands()}
    groups = {name for name, command in program.commands.items() if isinstance(command, click.Group)}
    told = re.findall(r"`prestashop-connector ([a-z][^`]*)`", " ".join(text.split()))
    assert len(told) > 15
    for said in told:
        words = said.split()
        name = " ".join(words[:2]) if words[0] in groups else words[0]
        assert name in known, said
        flags = {flag for parameter in known[name].params for flag in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= flags | {"--help"}, said
