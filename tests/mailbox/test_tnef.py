"""winmail.dat: text, names and files; whatever ends too early keeps what came before."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.mailbox import rtf, tnef
from connector.mailbox.mime import attachments, decode

# The example of [MS-OXRTFCP] 3.1.1.
HELLO = bytes.fromhex(
    "2d000000 2b000000 4c5a4675 f1c5c7a7 03000a00 72637067 31323542 320af320 68656c09 00206277 05b06c64 7d0a800f a0"
)


def attribute(level: int, key: int, value: bytes) -> bytes:
    return struct.pack("<BII", level, key, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def variable(kind: int, key: int, value: bytes) -> bytes:
    return struct.pack("<HHII", kind, key, 1, len(value)) + value + b"\0" * (-len(value) % 4)


def named(key: int, value: int) -> bytes:
    name = "x-custom\0".encode("utf-16-le")
    head = struct.pack("<HH", 3, key) + b"\7" * 16 + struct.pack("<II", 1, len(name))
    return head + name + b"\0" * (-len(name) % 4) + struct.pack("<I", value)


def properties(*rows: bytes) -> bytes:
    return struct.pack("<I", len(rows)) + b"".join(rows)


def container(*attributes: bytes) -> bytes:
    return tnef.SIGNATURE + b"\1\0" + attribute(1, 0x00089006, struct.pack("<I", 0x10000)) + b"".join(attributes)


def picture(name: str = "Foto größe.jpg") -> bytes:
    return (
        attribute(2, 0x00069002, b"\0" * 14)
        + attribute(2, 0x00018010, b"FOTO~1.JPG\0")
        + attribute(2, 0x0006800F, b"\xff\xd8jpeg")
        + attribute(
            2,
            0x00069005,
            properties(
                struct.pack("<HHI", 3, 0x0E20, 6),
                named(0x8001, 9),
                variable(0x1F, 0x3707, (name + "\0").encode("utf-16-le")),
                variable(0x1E, 0x370E, b"image/jpeg\0"),
                variable(0x1E, 0x3712, b"pic@x\0"),
            ),
        )
    )


def mail(data: bytes, text: str = "") -> bytes:
    return (
        b"From: zoe@customer.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode() + b"\r\n--b\r\n"
        b'Content-Type: application/ms-tnef; name="winmail.dat"\r\nContent-Transfer-Encoding: binary\r\n\r\n'
        + data
        + b"\r\n--b--\r\n"
    )


CODEPAGE = attribute(1, 0x00069007, struct.pack("<II", 1252, 0))
BODY = attribute(1, 0x0002800C, "Die Größe passt nicht.\r\nZoe\0".encode("cp1252"))


def test_text_and_files_come_out_of_the_container() -> None:
    raw = mail(container(CODEPAGE, BODY, picture()))
    found = decode(raw)
    assert found.text == "Die Größe passt nicht.\nZoe"
    assert [(one.name, one.content_type, one.size) for one in found.attachments] == [
        ("Foto größe.jpg", "image/jpeg", 6)
    ]
    assert found.problems == ("tnef",)
    assert [data for _, data in attachments(raw)] == [b"\xff\xd8jpeg"]


def test_the_mails_own_text_counts_before_the_containers() -> None:
    assert decode(mail(container(CODEPAGE, BODY), text="Hello")).text == "Hello"


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (variable(0x1F, 0x1000, "Grüße\0".encode("utf-16-le")), "Grüße"),
        (variable(0x102, 0x1013, b"<p>one</p><p>two</p>"), "one\n\ntwo"),
        (variable(0x102, 0x1009, HELLO), "hello world"),
    ],
)
def test_the_text_is_found_in_each_of_its_forms(row: bytes, text: str) -> None:
    assert decode(mail(container(attribute(1, 0x00069003, properties(row))))).text == text


def test_a_container_that_is_cut_short_gives_what_came_before_and_stays_itself() -> None:
    whole = container(CODEPAGE, BODY, picture())
    found = decode(mail(whole[:-40]))
    assert found.text == "Die Größe passt nicht.\nZoe"
    assert [one.name for one in found.attachments] == ["winmail.dat", "FOTO~1.JPG"]
    assert found.problems == ("tnef-damaged",)


def test_names_inside_are_cleaned_like_all_others() -> None:
    assert decode(mail(container(picture("../../etc/pass\u202egpj.exe")))).attachments[0].name == "passgpj.exe"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_bytes_are_read_without_a_fault(data: st.DataObject) -> None:
    whole = bytearray(container(CODEPAGE, BODY, attribute(1, 0x00069003, properties(named(0x8000, 1))), picture()))
    for _ in range(data.draw(st.integers(0, 6))):
        whole[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
    found = tnef.read(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    found.text.encode()
    assert all(len(one.data) <= len(whole) for one in found.files)


def test_lengths_that_promise_gigabytes_cost_nothing() -> None:
    endless = struct.pack("<I", 0xFFFFFFFF) + struct.pack("<HHI", 0x1003, 0x1000, 0xFFFFFFFF)
    found = tnef.read(container(BODY, attribute(1, 0x00069003, endless)))
    assert (found.text.splitlines()[0], found.damaged) == ("Die Größe passt nicht.", True)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}\f0 one\par two\tab x\'e9 \{y\}}", "one\ntwo\txé {y}"),
        (rb"{\rtf1\ansi\uc1 \u1055?\u1088?\u-10179?\u-8704?}", "Пр😀"),
        (rb"{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Hello{\*\htmltag72 </p>}\htmlrtf\par}}",
         "Hello"),
        (rb"{\rtf1{\*\unknown hidden}shown}", "shown"),
        (b"}}}{\\", ""),
    ],
)  # fmt: skip
def test_rtf_is_read_as_text(source: bytes, text: str) -> None:
    assert rtf.to_text(source) == text


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_rtf_gives_clean_text(source: bytes) -> None:
    rtf.to_text(source).encode()
    assert len(rtf.decompress(HELLO[:16] + source)) <= 43


def test_braces_without_end_are_read_in_one_pass() -> None:
    assert rtf.to_text(b"{" * 300_000 + b"deep") == "deep"
