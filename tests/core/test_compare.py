"""Rows are compared field by field."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from connector.core.compare import FieldDifference, differing, same
from connector.core.mapping import Row

values = st.none() | st.integers() | st.text(max_size=5) | st.booleans()
parts = st.fixed_dictionaries({"a": values, "b": values})
rows = st.builds(
    Row,
    id=st.just(1),
    values=st.fixed_dictionaries({"x": values, "y": values}),
    langs=st.dictionaries(st.integers(1, 3), parts).map(
        lambda found: tuple({"id_lang": number, **part} for number, part in sorted(found.items()))
    ),
    children=st.fixed_dictionaries({"lines": st.lists(parts, max_size=3).map(tuple)}),
    digest=st.text(max_size=2),
    date_upd_local=st.none(),
)


@given(rows, st.text(max_size=3))
def test_a_row_does_not_differ_from_itself_whatever_its_digest_says(row, digest):
    other = Row(row.id, dict(row.values), row.langs, dict(row.children), digest, None)
    assert differing(row, other) == []


@given(rows, rows)
def test_the_same_fields_differ_from_either_side(one, two):
    here = {(d.field, d.mirror, d.shop) for d in differing(one, two)}
    there = {(d.field, d.shop, d.mirror) for d in differing(two, one)}
    assert here == there


@given(rows, st.sampled_from(("x", "y")))
def test_one_changed_value_is_one_difference(row, name):
    changed = Row(row.id, {**row.values, name: "something else"}, row.langs, row.children, "", None)
    assert differing(row, changed) == [FieldDifference(name, row.values[name], "something else")]


def test_texts_and_children_are_named():
    here = Row(1, {}, ({"id_lang": 1, "name": "a"},), {"lines": ({"n": 1},)}, "", None)
    there = Row(1, {}, ({"id_lang": 1, "name": "b"},), {"lines": ({"n": 1}, {"n": 2})}, "", None)
    assert [d.field for d in differing(here, there)] == ["name[1]", "lines[1].n"]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**8), max_value=10**8))
def test_an_amount_is_the_same_after_a_float(amount):
    assert same(Decimal(repr(float(amount))), amount)


def test_amounts_that_differ_by_the_smallest_coin_of_the_shop_are_not_the_same():
    assert not same(Decimal("10.000001"), Decimal("10.000002"))
