"""docs/privacy.md names every place where something of people is kept, and every setting that bounds it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connector import packagedata
from connector.config.retention import RetentionSettings
from connector.mirror import own_tables

PAGE = (Path(__file__).parents[1] / "docs" / "privacy.md").read_text(encoding="utf-8")
LINES = {line.split("|")[1].strip(): set(re.findall(r"`(\w+)`", line)) for line in PAGE.splitlines() if line[:1] == "|"}
RESOURCES = [one for one in packagedata.resources() if one.personal]


def test_there_are_personal_columns():
    assert {"customers", "addresses", "customer_messages"} <= {one.name for one in RESOURCES}


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one.name)
def test_every_personal_column_is_named_in_the_line_of_its_table(resource):
    named = LINES[f"`{resource.table}`"] - {resource.table}
    assert named == {one.name for one in resource.personal}


def test_no_personal_column_hides_in_a_part_of_a_row():
    """The page has no lines for languages and associations; whoever marks one adds it."""
    shipped = packagedata.resources()
    parts = [one for r in shipped for fields in (r.lang, *(c.fields for c in r.children)) for one in fields]
    assert [one.name for one in parts if one.personal] == []


def test_every_table_of_the_program_has_its_line():
    named = {name for names in LINES.values() for name in names}
    assert set(own_tables.metadata.tables) <= named


def test_every_setting_of_retention_is_named():
    assert [name for name in RetentionSettings.model_fields if f"`{name}`" not in PAGE] == []
