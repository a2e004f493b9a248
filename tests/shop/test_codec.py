from __future__ import annotations

import json
import re
import tracemalloc
from contextlib import suppress
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.shop import codec
from connector.shop.codec import Shape, UndecodableError
from tests.shop.recorded import VERSIONS, Exchange, exchanges, recorded

CUSTOMERS = Shape(children=frozenset({"groups"}))
THREADS = Shape(children=frozenset({"customer_messages"}))
STATES = Shape(lang=frozenset({"name", "template"}))


def full_lists(version: str) -> list[Exchange]:
    """Every recorded list of whole rows as XML that a parser can take."""
    return [
        exchange
        for exchange in exchanges(version).values()
        if ("display", "full") in exchange.query
        and exchange.status == 200
        and ("output_format", "JSON") not in exchange.query
        and not exchange.name.startswith("ill-formed")
    ]


# --- recorded answers ---


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("xml", "json_", "shape"),
    [
        ("customers-full2", "json-list-customers-full", CUSTOMERS),
        ("threads-full2", "json-list-threads-full", THREADS),
    ],
)
def test_a_recorded_list_gives_the_same_records_as_xml_and_as_json(
    version: str, xml: str, json_: str, shape: Shape
) -> None:
    from_xml = codec.list_from_xml(recorded(version, xml).body, shape)
    assert len(from_xml) == 2
    for children in (record["associations"].get("customer_messages", []) for record in from_xml):
        if {"id": "3"} in children:
            children.remove({"id": "3"})  # deleted by the recording between the two (delete-message)
    assert from_xml == codec.list_from_json(recorded(version, json_).body, shape)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("xml", "json_"),
    [
        ("xml-single-customer", "json-single-customer"),
        ("xml-single-message", "json-single-message"),
        ("xml-single-thread", "json-single-thread"),
        ("xml-single-state", "json-single-state"),
        ("order-full10", "json-order"),
    ],
)
def test_a_recorded_row_is_the_same_in_both_forms_but_for_the_empty_fields_that_json_leaves_out(
    version: str, xml: str, json_: str
) -> None:
    def filled(record: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in record.items() if value not in ("", "0")}

    assert filled(codec.single(recorded(version, xml).body)) == filled(codec.single(recorded(version, json_).body))


@pytest.mark.parametrize("version", VERSIONS)
def test_languages_are_told_apart_in_both_forms(version: str) -> None:
    state = codec.list_from_xml(recorded(version, "order-states").body, STATES)[0]
    by_id = {row["id"]: row for row in codec.list_from_json(recorded(version, "json-list-states-i18n").body, STATES)}
    assert set(state["name"]) == {1, 2}
    same = [row for row in codec.list_from_xml(recorded(version, "order-states").body, STATES) if row["id"] in by_id]
    assert len(same) == 2
    assert all(by_id[row["id"]] == row for row in same)


@pytest.mark.parametrize("version", VERSIONS)
def test_xml_names_the_language_even_if_there_is_one(version: str) -> None:
    contact = codec.list_from_xml(recorded(version, "contacts").body, Shape(lang=frozenset({"name", "description"})))[0]
    assert contact["name"] == {2: "Webmaster"}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_list_can_be_read_and_holds_every_row(version: str) -> None:
    read = full_lists(version)
    assert len({exchange.resource for exchange in read}) >= 14
    for exchange in read:
        records = codec.list_from_xml(exchange.body, Shape())
        opened = re.findall(rb"^<(\w+)>$", exchange.body, re.MULTILINE)
        assert len(records) == (opened.count(opened[1]) if len(opened) > 1 else 0)
        assert all(isinstance(record["id"], int) for record in records)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_list_without_display_gives_ids(version: str) -> None:
    assert len(codec.ids_from_json(recorded(version, "json-list-ids").body)) == 3
    assert len(codec.ids_from_xml(recorded(version, "ro-customers").body)) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_an_empty_list_is_empty_in_all_its_forms(version: str) -> None:
    assert codec.list_from_json(recorded(version, "empty-result-json").body, CUSTOMERS) == []
    assert codec.list_from_xml(recorded(version, "empty-result").body, CUSTOMERS) == []
    assert codec.ids_from_json(recorded(version, "json-empty-ids").body) == []
    assert codec.list_from_xml(recorded(version, "order-slip-empty").body, Shape()) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_json_carries_the_rows_that_make_the_xml_ill_formed(version: str) -> None:
    rows = codec.list_from_json(recorded(version, "ill-formed-list-json").body, Shape())
    assert [row["message"] for row in rows if row["id"] in (31, 32)] == ["avant ]]> apres", "avant \x0b apres"]
    with pytest.raises(UndecodableError) as caught:
        codec.list_from_xml(recorded(version, "ill-formed-list-xml").body, Shape())
    assert caught.value.reason == "xml"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_echo_of_a_post_gives_the_new_id_in_both_forms(version: str) -> None:
    assert codec.single(recorded(version, "post-message").body)["id"] > 8000
    assert codec.single(recorded(version, "post-message-json-out").body)["id"] > 8000


@pytest.mark.parametrize("version", VERSIONS)
def test_the_api_root_tells_the_rights_of_the_key(version: str) -> None:
    exchange = recorded(version, "api")
    info = codec.api_root(exchange.body, exchange.answer.version)
    assert info.version == version
    assert info.may("customers", "PUT")
    assert info.may("orders", "PATCH") is codec.offers_patch(exchange.body) is (version[0] in "89")
    assert len(info.rights) > 60
    limited = codec.api_root(recorded(version, "ro-api").body, version)
    assert limited.rights == {"customers": frozenset({"GET", "HEAD"})}


@pytest.mark.parametrize("version", VERSIONS)
def test_errors_are_read_in_both_forms(version: str) -> None:
    assert [fault.code for fault in codec.errors(recorded(version, "wrong-key").body)] == [20, 21]
    assert [fault.code for fault in codec.errors(recorded(version, "json-wrong-key").body)] == [20, 21]
    assert [fault.code for fault in codec.errors(recorded(version, "post-message-nomsg").body)] == [41]
    assert codec.errors(recorded(version, "missing-id").body) == []
    assert codec.errors(recorded(version, "customers-full2").body) == []


# --- spoilt and hostile answers ---


def page(message: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<prestashop xmlns:xlink="http://www.w3.org/1999/xlink">\n'
        f"<customer_messages>\n<customer_message>\n\t<id><![CDATA[7]]></id>\n\t<id_employee><![CDATA[0]]></id_employee>\n"
        f"\t<message><![CDATA[{message}]]></message>\n</customer_message>\n</customer_messages>\n</prestashop>\n"
    ).encode()


def test_text_before_and_after_the_document_is_ignored() -> None:
    spoilt = b"\xef\xbb\xbf <br />\n<b>Notice</b>: Undefined index in x.php\n" + page("Hallo") + b"<script>1</script>"
    assert codec.list_from_xml(spoilt, Shape()) == codec.list_from_xml(page("Hallo"), Shape())


def test_white_space_of_a_text_is_kept() -> None:
    assert codec.list_from_xml(page("  zwei\n\n drei\t "), Shape())[0]["message"] == "  zwei\n\n drei\t "


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<!DOCTYPE html><html><body>Login</body></html>", "html"),
        (b"Invalid new order status", "xml"),
        (page("Hallo")[:-20], "cut"),
        (page("Hallo").replace(b"<id_employee>", b"<id_employee>\x0b"), "xml"),
        (page("Hallo \xff").replace("ÿ".encode(), b"\xff"), "xml"),
        (b"<prestashop></prestashop>", "structure"),
        (b"<prestashop><a><b><id>x</id></b></a></prestashop>", "structure"),
        (b"<prestashop><a>" + b"<b>" * 50_000, "cut"),
    ],
)
def test_xml_that_is_none_is_told_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(UndecodableError) as caught:
        codec.list_from_xml(body, Shape())
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b'{"customers":[{"id":1},{"id"', "json"),
        (b"<b>Notice</b>: x {}", "json"),
        (b"<html><body>Login</body></html>", "html"),
        (b'{"customers":{"id":1}}', "structure"),
        (b'{"errors":[{"code":1,"message":""}]}', "structure"),
        (b'{"customers":[{"id":"x"}]}', "structure"),
        (b'{"customers":[{"email":"a@b.example"}]}', "structure"),
        (b'{"customers":[{"id":1,"note":"\\ud83d"}]}', "json"),
        (b'{"customers":[{"id":1,"associations":{"groups":[[null],[null]]}}]}', "children"),
        (b"[" * 100_000, "json"),
        (b'{"customers":[{"id":1,"note":"\xff"}]}', "json"),
        ('{"customers":[{"id":1,"note":"\\\U0001f600"}]}'.encode(), "json"),
        (b'{"customers":[{"id":1,"note":"\xf0\x9f\x98"}]}', "json"),
        (b'{"customers":[{"id":1,"note":"\xf0\x80\x80\x80"}]}', "json"),
    ],
)
def test_json_that_is_none_is_told_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(UndecodableError) as caught:
        codec.list_from_json(body, CUSTOMERS)
    assert caught.value.reason == reason


def test_an_association_that_nobody_mirrors_may_be_broken() -> None:
    body = b'{"customers":[{"id":1,"associations":{"groups":[[null],[null]]}}]}'
    assert codec.list_from_json(body, Shape()) == [{"id": 1, "associations": {}}]


def test_an_employee_cannot_be_forged_out_of_a_message() -> None:
    forged = page("x]]></message><id_employee><![CDATA[1]]></id_employee><message><![CDATA[y")
    with pytest.raises(UndecodableError) as caught:
        codec.list_from_xml(forged, Shape())
    assert caught.value.reason == "repeated"


def test_entities_of_a_hostile_answer_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + page("x").replace(
        b"<![CDATA[x]]>", b"&b;"
    )
    with pytest.raises(UndecodableError):
        codec.list_from_xml(bomb, Shape())


def test_null_true_and_false_are_what_xml_would_show() -> None:
    body = b'{"x":[{"id":3,"a":null,"b":true,"c":false,"d":12,"e":1.50,"f":1e400}]}'
    assert codec.list_from_json(body, Shape()) == [
        {"id": 3, "a": "", "b": "1", "c": "", "d": "12", "e": "1.50", "f": "1e400", "associations": {}}
    ]


def test_the_only_language_is_named_if_it_is_known_and_marked_if_not() -> None:
    body = '{"order_states":[{"id":1,"name":"Expédié","color":"#fff"}]}'.encode()
    assert codec.list_from_json(body, STATES, 2)[0]["name"] == {2: "Expédié"}
    assert codec.list_from_json(body, STATES)[0]["name"] == {codec.UNKNOWN_LANGUAGE: "Expédié"}
    assert codec.list_from_json(body, STATES)[0]["color"] == "#fff"


def test_error_codes_survive_a_message_that_makes_the_document_ill_formed() -> None:
    body = (
        b"<prestashop><errors><error><code><![CDATA[85]]></code><message><![CDATA[a\x0b]]></message></error></errors>"
    )
    assert [fault.code for fault in codec.errors(body)] == [85]


# --- both forms of any row ---

# What XML can carry; a carriage return becomes a line feed there, so that only JSON keeps it.
texts = st.text(st.characters(exclude_characters="\r\ufffe\uffff", exclude_categories=["Cs", "Cc"]), max_size=30).map(
    lambda text: text.replace("]]>", "")
)
names = st.from_regex(r"[a-z][a-z_]{1,12}", fullmatch=True).filter(
    lambda name: name not in ("id", "associations", "language", "name", "groups")
)
items = st.lists(st.dictionaries(names, texts, min_size=1, max_size=3), max_size=3)
rows = st.lists(
    st.tuples(
        st.integers(1, 10**9),
        st.dictionaries(names, st.one_of(texts, st.integers(0, 10**6), st.none()), max_size=5),
        st.dictionaries(st.integers(1, 30), texts, min_size=2, max_size=4),
        items,
    ),
    max_size=4,
)


def as_json(generated: list[tuple[int, dict[str, Any], dict[int, str], list[dict[str, str]]]]) -> bytes:
    if not generated:
        return b"[]"
    made = []
    for row_id, fields, languages, children in generated:
        row: dict[str, Any] = {"id": row_id, **fields}
        row["name"] = [{"id": str(key), "value": value} for key, value in languages.items()]
        if children:
            row["associations"] = {"groups": children}
        made.append(row)
    return json.dumps({"things": made}, ensure_ascii=False).encode()


def as_xml(generated: list[tuple[int, dict[str, Any], dict[int, str], list[dict[str, str]]]]) -> bytes:
    def field(name: str, value: object) -> str:
        link = f" xlink:href={quoteattr('http://shop.test/api/x/1')}" if len(name) % 2 else ""
        return f"\t<{name}{link}><![CDATA[{'' if value is None else value}]]></{name}>\n"

    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<prestashop xmlns:xlink="http://www.w3.org/1999/xlink">\n<things>\n'
    ]
    for row_id, fields, languages, children in generated:
        lines.append("<thing>\n" + field("id", row_id) + "".join(field(*pair) for pair in fields.items()))
        inner = "".join(
            f'<language id="{key}" xlink:href="l/{key}"><![CDATA[{value}]]></language>'
            for key, value in languages.items()
        )
        lines.append(f"\t<name>{inner}</name>\n<associations>\n")
        if children:
            nodes = "".join(
                "\t<group>\n" + "".join(field(*pair) for pair in child.items()) + "\t</group>\n" for child in children
            )
            lines.append(f'<groups nodeType="group" api="groups">\n{nodes}</groups>\n</associations>\n</thing>\n')
        else:
            lines.append('<groups nodeType="group" api="groups"/>\n</associations>\n</thing>\n')
    lines.append("</things>\n</prestashop>\n")
    return "".join(lines).encode()


@settings(max_examples=80, deadline=None)
@given(rows)
def test_any_rows_give_the_same_records_in_both_forms(generated: list[Any]) -> None:
    shape = Shape(frozenset({"name"}), frozenset({"groups"}))
    records = codec.list_from_json(as_json(generated), shape)
    assert [record["id"] for record in records] == [row[0] for row in generated]
    assert records == codec.list_from_xml(as_xml(generated), shape)


@settings(max_examples=150, deadline=None)
@given(
    st.text(alphabet='a\\"u\u20ac\ue000\ufffd\N{GRINNING FACE}\N{DESERET CAPITAL LETTER LONG I}\U0010ffff', max_size=9)
)
def test_a_text_is_whole_whatever_stands_before_its_emoji(text: str) -> None:
    body = json.dumps({"things": [{"id": 1, "note": text}]}, ensure_ascii=False).encode()
    assert codec.list_from_json(body, Shape()) == [{"id": 1, "note": text, "associations": {}}]


def test_an_emoji_does_not_make_a_page_four_times_as_large_in_memory() -> None:
    note = "a note of no particular interest " * 3
    peaks = []
    for end in ("", "\N{GRINNING FACE}"):
        rows = [{"id": number, "note": note} for number in range(1, 5000)]
        body = json.dumps({"things": [*rows, {"id": 5000, "note": end}]}, ensure_ascii=False).encode()
        tracemalloc.start()
        codec.list_from_json(body, Shape())
        peaks.append(tracemalloc.get_traced_memory()[1] / len(body))
        tracemalloc.stop()
    plain, smiling = peaks
    assert smiling < 1.35 * plain


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=60))
def test_a_written_text_is_read_back_whole_or_refused(text: str) -> None:
    try:
        body = codec.entity_xml("customer_message", [("id", "1"), ("message", text)])
    except ValueError:
        assert any(ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 or ord(char) >= 0xFFFE for char in text)
    else:
        assert codec.single(body)["message"] == text


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet='<>/"{}[]:,0aid&;!prestashop', max_size=80).map(str.encode))
def test_no_bytes_make_the_codec_fail_in_another_way(body: bytes) -> None:
    for decode in (
        lambda: codec.list_from_json(body, STATES),
        lambda: codec.list_from_xml(b"<prestashop>" + body + b"</prestashop>", STATES),
        lambda: codec.single(body),
        lambda: codec.errors(body),
    ):
        with suppress(UndecodableError):
            decode()


def test_a_put_sends_every_field_but_no_association() -> None:
    record = {"id": 5, "status": "open", "name": {1: "x"}, "date_add": "2026-01-01 00:00:00", "associations": {"a": []}}
    assert codec.writable_fields(record, ("id",)) == [("status", "open"), ("date_add", "2026-01-01 00:00:00")]
