from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.query import Filter, Query
from connector.shop.query import encode, id_params, list_params
from tests.shop.recorded import VERSIONS, recorded


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (Filter("id", "eq", ("5",)), "[5]"),
        (Filter("id", "any", ("10", "12", "14")), "[10|12|14]"),
        (Filter("status", "not", ("closed",)), "![closed]"),
        (Filter("status", "not", ("open", "closed")), "![open|closed]"),
        (Filter("id", "gt", ("8000",)), ">[8000]"),
        (Filter("id", "lt", ("3",)), "<[3]"),
        (Filter("name", "starts", ("PS_OS_",)), "[PS_OS_]%"),
        (Filter("id", "between", ("100", "200")), "[100,200]"),
    ],
)
def test_each_form_is_written_as_the_shop_wants_it(wanted: Filter, text: str) -> None:
    assert dict(id_params(Query((wanted,))))[f"filter[{wanted.field}]"] == text


def test_a_filter_by_date_brings_date_1_along_and_limit_has_no_brackets() -> None:
    query = Query(
        (Filter("date_upd", "between", ("2026-11-01 00:00:00", "9999-12-31 23:59:59")),),
        sort=("date_upd", "id"),
        limit=60,
        id_shop="all",
    )
    assert list_params(query) == [
        ("display", "full"),
        ("filter[date_upd]", "[2026-11-01 00:00:00,9999-12-31 23:59:59]"),
        ("date", "1"),
        ("sort", "[date_upd_ASC,id_ASC]"),
        ("limit", "60"),
        ("id_shop", "all"),
    ]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("sort-upd-id-page1", Query(sort=("date_upd", "id"), display=("id", "date_upd"))),
        ("filter-or-id", Query((Filter("id", "any", ("10", "12", "14")),), (), display=("id", "email"))),
        ("filter-interval-id", Query((Filter("id", "between", ("10", "12")),), (), display=("id", "email"))),
        ("id-gt", Query((Filter("id", "gt", ("8000",)),), display=("id", "id_customer_thread"))),
        ("filter-quote", Query((Filter("lastname", "eq", ("D'Aubigné",)),), display=("id", "lastname"))),
    ],
)
def test_the_parameters_are_those_that_the_recorded_shops_understood(version: str, name: str, query: Query) -> None:
    sent = [pair for pair in recorded(version, name).query if pair[0] != "limit"]
    assert sorted(list_params(query)) == sorted(sent)


def test_the_newest_row_is_asked_for_by_a_descending_sort() -> None:
    assert ("sort", "[date_upd_DESC,id_DESC]") in id_params(Query(sort=("date_upd", "id"), limit=1, newest_first=True))


def test_without_a_limit_none_is_sent() -> None:
    assert not [name for name, _ in id_params(Query()) if name == "limit"]


def test_the_id_is_always_among_the_displayed_fields() -> None:
    assert list_params(Query(display=("status",)))[0] == ("display", "[id,status]")


@pytest.mark.parametrize("value", ["a]b", "a[b", "a|b", "a\rb", "a\0b", "1,5", "\ud800"])
def test_a_value_that_the_shop_would_read_otherwise_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="filter on email"):
        id_params(Query((Filter("email", "eq", (value,)),)))


def test_a_comma_in_a_text_is_no_range() -> None:
    assert dict(id_params(Query((Filter("name", "eq", ("Meyer, Anna",)),))))["filter[name]"] == "[Meyer, Anna]"


def test_a_bound_that_would_make_the_range_an_equality_is_refused() -> None:
    with pytest.raises(ValueError, match="bound"):
        id_params(Query((Filter("id", "between", ("1", "x")),)))


def test_a_field_name_cannot_smuggle_parameters_in() -> None:
    with pytest.raises(ValueError, match="no field name"):
        list_params(Query(display=("id]&ws_key=x",)))
    with pytest.raises(ValueError, match="id_shop"):
        list_params(Query(id_shop="1&x=2"))


def test_brackets_and_spaces_are_percent_encoded() -> None:
    assert encode([("filter[a]", "[2026-11-01 00:00:00]")]) == "filter%5Ba%5D=%5B2026-11-01%2000%3A00%3A00%5D"


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=20))
def test_what_is_not_refused_arrives_unchanged(value: str) -> None:
    try:
        params = id_params(Query((Filter("email", "eq", (value,)),)))
    except ValueError:
        return
    assert dict(parse_qsl(encode(params)))["filter[email]"] == f"[{value}]"
