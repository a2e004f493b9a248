"""Records become typed rows, the same whatever dress they come in."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.convert import MOST_KNOWN, Converter, convert
from connector.core.mapping import parse
from connector.core.values import BadValueError, to_int, to_local, to_ref, to_utc

PARIS = ZoneInfo("Europe/Paris")
ROW = parse(
    """
pull = "delta"
[fields]
count = "int"
id_order = "ref"
active = "bool"
total = "decimal"
birthday = "date"
text = "text"
date_upd = "datetime"
[lang]
name = "text"
[children.rows.fields]
id_row = "ref from id"
price = "decimal"
""",
    "orders.toml",
)
RECORD = {
    "id": 7,
    "count": "12",
    "id_order": "5",
    "active": "1",
    "total": "12.500000",
    "birthday": "1980-02-29",
    "text": "Grüße",
    "date_upd": "2026-06-15 12:00:00",
    "name": {1: "Paid", 2: "Payé"},
    "associations": {"rows": [{"id": "3", "price": "1.5"}, {"id": "4", "price": "2"}]},
    "passwd": "never looked at",
}


def test_columns_of_another_name_take_the_shops_value():
    named = parse(
        'pull = "id"\n[fields]\ntotal_text = "text from total"\n[lang]\ntitle = "text from name"\n', "orders.toml"
    )
    row = convert(named, RECORD, PARIS)
    assert (row.values, row.langs) == (
        {"total_text": "12.500000"},
        ({"id_lang": 1, "title": "Paid"}, {"id_lang": 2, "title": "Payé"}),
    )
    assert set(json.loads(Converter(named, PARIS).kept(RECORD))) == {"id", "total", "name", "associations"}


def test_a_record_becomes_a_typed_row():
    row = convert(ROW, RECORD, PARIS)
    assert row.id == 7
    assert row.values == {
        "count": 12,
        "id_order": 5,
        "active": True,
        "total": Decimal("12.500000"),
        "birthday": date(1980, 2, 29),
        "text": "Grüße",
        "date_upd": datetime(2026, 6, 15, 10, tzinfo=UTC),
        "date_upd_local": "2026-06-15 12:00:00",
    }
    assert row.langs == ({"id_lang": 1, "name": "Paid"}, {"id_lang": 2, "name": "Payé"})
    assert row.children == {
        "rows": ({"id_row": 3, "price": Decimal("1.500000")}, {"id_row": 4, "price": Decimal("2.000000")})
    }
    assert row.date_upd_local == "2026-06-15 12:00:00"
    assert len(row.digest) == 64


def test_a_field_that_this_version_lacks_is_null():
    row = convert(ROW, {"id": 7}, PARIS)
    assert set(row.values.values()) == {None}
    assert row.langs == ()
    assert row.children == {"rows": ()}


def test_the_digest_does_not_depend_on_the_dress():
    digest = convert(ROW, RECORD, PARIS).digest
    numbers = {
        **RECORD,
        "id": "7",
        "count": 12,
        "id_order": 5,
        "active": 1,
        "total": 12.5,
        "name": {"2": "Payé", "1": "Paid"},
        "associations": {"rows": [{"id": 3, "price": 1.5}, {"id": 4, "price": "2.00"}], "others": []},
    }
    assert convert(ROW, dict(reversed(numbers.items())), PARIS).digest == digest
    for change in ({"count": "13"}, {"text": "Grüsse"}, {"name": {1: "Paid"}}, {"associations": {}}, {"active": "0"}):
        assert convert(ROW, {**RECORD, **change}, PARIS).digest != digest


def test_nulls_of_all_forms_are_the_same_row():
    empty = dict.fromkeys(("count", "id_order", "active", "total", "birthday", "text", "date_upd"), "")
    digests = {
        convert(ROW, {"id": 1, **empty}, PARIS).digest,
        convert(ROW, {"id": 1, **dict.fromkeys(empty)}, PARIS).digest,
        convert(ROW, {"id": 1, **empty, "id_order": 0, "active": "0", "birthday": "0000-00-00"}, PARIS).digest,
        convert(ROW, {"id": 1, **empty, "id_order": "0", "date_upd": "0000-00-00 00:00:00"}, PARIS).digest,
    }
    assert len(digests) == 1


def test_line_ends_that_xml_drops_do_not_count_but_are_kept():
    json_row = convert(ROW, {**RECORD, "text": "one\r\ntwo\rthree"}, PARIS)
    xml_row = convert(ROW, {**RECORD, "text": "one\ntwo\nthree"}, PARIS)
    assert json_row.digest == xml_row.digest
    assert json_row.values["text"] == "one\r\ntwo\rthree"
    written_out = convert(ROW, {**RECORD, "text": "a\\r"}, PARIS)
    assert written_out.digest != convert(ROW, {**RECORD, "text": "a\\n"}, PARIS).digest


def test_a_row_changes_its_digest_when_its_utc_times_become_known():
    assert convert(ROW, RECORD, None).digest != convert(ROW, RECORD, PARIS).digest
    assert convert(ROW, RECORD, None).values["date_upd"] is None
    assert convert(ROW, RECORD, None).values["date_upd_local"] == "2026-06-15 12:00:00"


def test_the_zone_does_not_matter_to_a_row_without_times():
    plain = parse('pull = "snapshot"\n[fields]\nname = "text"\n', "shops.toml")
    record = {"id": 1, "name": "Shop"}
    assert convert(plain, record, None).digest == convert(plain, record, PARIS).digest


def test_the_order_of_lines_in_a_mapping_does_not_matter_but_a_new_line_does():
    one = parse('pull = "id"\n[fields]\na = "text"\nb = "text"\n', "shops.toml")
    other = parse('pull = "id"\n[fields]\nb = "text"\na = "text"\n', "shops.toml")
    wider = parse('pull = "id"\n[fields]\nb = "text"\na = "text"\nc = "text"\n', "shops.toml")
    record = {"id": 1, "a": "x", "b": "y"}
    assert convert(one, record, PARIS).digest == convert(other, record, PARIS).digest
    assert convert(wider, record, PARIS).digest != convert(one, record, PARIS).digest


def test_a_text_without_its_language_holds_for_all_active_ones():
    for name in ({0: "Paid"}, "Paid"):
        row = convert(ROW, {**RECORD, "name": name}, PARIS, [2, 1])
        assert row.langs == ({"id_lang": 1, "name": "Paid"}, {"id_lang": 2, "name": "Paid"})
        assert convert(ROW, {**RECORD, "name": name}, PARIS).langs == ({"id_lang": 0, "name": "Paid"},)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"count": "twelve"}, "count"),
        ({"count": "1.5"}, "count"),
        ({"count": "1_000"}, "count"),
        ({"count": "٣"}, "count"),
        ({"count": str(2**63)}, "count"),
        ({"count": 2**80}, "count"),
        ({"count": [1]}, "count"),
        ({"id_order": "abc"}, "id_order"),
        ({"active": "yes"}, "active"),
        ({"active": []}, "active"),
        ({"total": "1,50"}, "total"),
        ({"total": "NaN"}, "total"),
        ({"total": float("inf")}, "total"),
        ({"total": "9" * 40}, "total"),
        ({"total": True}, "total"),
        ({"birthday": "15.06.2026"}, "birthday"),
        ({"birthday": "2026-02-30"}, "birthday"),
        ({"birthday": 20260615}, "birthday"),
        ({"date_upd": "2026-02-30 12:00:00"}, "date_upd"),
        ({"date_upd": "2026-06-15 25:00:00"}, "date_upd"),
        ({"date_upd": "yesterday"}, "date_upd"),
        ({"text": [1, 2]}, "text"),
        ({"name": {"en": "Paid"}}, "name"),
        ({"name": {1: ["Paid"]}}, "name"),
        ({"associations": "x"}, "associations"),
        ({"associations": {"rows": "x"}}, "rows"),
        ({"associations": {"rows": [None]}}, "rows"),
        ({"associations": {"rows": 5}}, "rows"),
        ({"associations": {"rows": [{"price": "much"}]}}, "price"),
        ({"id": "0"}, "id"),
        ({"id": None}, "id"),
        ({"id": "-4"}, "id"),
        ({"id": "seven"}, "id"),
    ],
)
def test_a_value_that_does_not_fit_names_its_field_and_not_itself(change, field):
    with pytest.raises(BadValueError) as caught:
        convert(ROW, {**RECORD, **change}, PARIS)
    assert caught.value.field == field
    assert str(caught.value) == f"{field} is no {caught.value.expected}"


def test_what_is_kept_for_the_quarantine_has_no_secret():
    record = {
        **RECORD,
        "associations": {"rows": [{"id": "3", "price": "x", "secure_key": "s3cret"}], "groups": [{"id": 1}]},
    }
    kept = Converter(ROW, PARIS).kept(record)
    assert b'"price": "x"' in kept
    assert b"never looked at" not in kept
    assert b"s3cret" not in kept
    assert b"groups" not in kept


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["2026-06-15 12:00:00", "1.5"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*RECORD, "associations"]), anything))
def test_no_record_does_more_harm_than_a_bad_value(record):
    converter = Converter(ROW, PARIS)
    converter.kept(record)
    try:
        row = converter.row(record)
    except BadValueError:
        return
    assert row.digest == converter.row(record).digest
    assert row.id > 0
    if row.values["text"] is not None:
        row.values["text"].encode()
        assert "\0" not in row.values["text"]


ZONES = [
    "Europe/Paris",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Pacific/Apia",
    "America/New_York",
    "Asia/Kathmandu",
    "UTC",
]
CHANGES = [datetime.fromisoformat(day) for day in ("2011-12-15", "2026-03-20", "2026-04-01", "2026-10-01")]
DATED = parse('pull = "delta"\n[fields]\ndate_upd = "datetime"\n', "orders.toml")


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.one_of(
        st.integers(-(10**9), 10**9).map(lambda seconds: CHANGES[0] + timedelta(seconds=seconds)),
        *(
            st.integers(0, 30 * 86400).map(lambda seconds, start=start: start + timedelta(seconds=seconds))
            for start in CHANGES
        ),
        st.datetimes(),
    ),
)
def test_a_moment_has_the_same_utc_time_however_it_was_found(zone, moment):
    text = f"{moment:%Y-%m-%d %H:%M:%S}".rjust(19, "0")
    values = Converter(DATED, ZoneInfo(zone)).row({"id": 1, "date_upd": text}).values
    assert values == {"date_upd": to_utc(text, ZoneInfo(zone)), "date_upd_local": text}


def test_a_text_that_only_looks_like_a_moment_is_none():
    for text in ("2026-06-15 12:00+01", "2026-06-15T12:00:00", "2026-W25-1 12:00:00", "2026-06-15 12:61:00"):
        converter = Converter(DATED, PARIS)
        try:
            local = to_local(text)
        except ValueError:
            with pytest.raises(BadValueError):
                converter.row({"id": 1, "date_upd": text})
        else:
            assert converter.row({"id": 1, "date_upd": text}).values["date_upd_local"] == local


def test_what_came_before_answers_only_for_itself():
    converter = Converter(ROW, PARIS)
    assert converter.row({**RECORD, "total": 1}).values["total"] == Decimal(1)
    with pytest.raises(BadValueError, match="total"):
        converter.row({**RECORD, "total": True})
    assert converter.row({**RECORD, "active": "1", "count": "1"}).values["active"] is True
    assert converter.row({**RECORD, "active": 1, "count": 1}).values["count"] == 1


def test_more_values_than_can_be_remembered_are_converted_all_the_same():
    converter = Converter(ROW, PARIS)
    for number in range(MOST_KNOWN + 10):
        assert converter.row({**RECORD, "count": str(number)}).values["count"] == number


def test_a_field_that_this_version_does_not_have_is_null_whatever_its_type():
    values = Converter(ROW, PARIS).row({"id": "1"}).values
    assert set(values.values()) == {None}
    assert list(values)[:3] == ["count", "id_order", "active"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from([*RECORD, "associations"]), anything).map(lambda r: {**RECORD, **r})))
def test_a_page_becomes_the_same_rows_as_its_records_one_by_one(records):
    rows, bad = Converter(ROW, PARIS).rows(records)
    expected, refused = [], []
    for record in records:
        try:
            expected.append(convert(ROW, record, PARIS))
        except BadValueError as error:
            refused.append((record, error.field))
    assert rows == expected
    assert [(record, error.field) for record, error in bad] == refused


numbers = st.one_of(
    st.integers(1, 10**6),
    st.integers(1, 10**6).map(str),
    st.sampled_from(
        ["0", "-5", "007", "+1", " 7", "1_0", "\u0663", "", None, True, 0, 2**63, str(2**63), str(-(2**63))]
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(numbers, numbers), max_size=12))
def test_numbers_are_the_same_whether_they_are_new_or_came_before(pairs):
    """Where most of a page's are new, they go another way than where they come again."""
    converter = Converter(ROW, PARIS)
    for count, ref in pairs:
        with suppress(BadValueError):
            converter.row({**RECORD, "count": count, "id_order": ref})
    page = [{**RECORD, "count": count, "id_order": ref} for count, ref in pairs]
    alone, together = [], []
    for record in page:
        with suppress(BadValueError):
            alone.append(convert(ROW, record, PARIS))
            assert alone[-1].values["count"] == to_int(record["count"])
            assert alone[-1].values["id_order"] == to_ref(record["id_order"])
            together.append(record)
    assert converter.rows(together)[0] == alone
    assert converter.rows(page)[0] == alone


def test_one_bad_record_costs_its_neighbours_nothing():
    page = [{**RECORD, "id": number} for number in range(1, 6)]
    page[2] = {**page[2], "total": "a lot"}
    rows, bad = Converter(ROW, PARIS).rows(page)
    assert [row.id for row in rows] == [1, 2, 4, 5]
    assert [(record["id"], error.field) for record, error in bad] == [(3, "total")]
    assert Converter(ROW, PARIS).rows([]) == ([], [])
