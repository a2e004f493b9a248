"""The charset ladder."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.mailbox.charset import decode, scrub


@pytest.mark.parametrize(
    ("text", "written", "declared", "problem"),
    [
        ("Grüße", "utf-8", "utf-8", ""),
        ("Grüße", "utf-8", "iso-8859-1", "charset-lied"),
        ("Grüße", "utf-8", "us-ascii", ""),
        ("Grüße", "utf-8", "", ""),
        ("“Grüße” – 5 €", "cp1252", "iso-8859-1", ""),
        ("Grüße aus Köln, schöne Häuser", "cp1252", "utf-8", "charset-lied"),
        ("Здравствуйте", "koi8-r", "koi8-r", ""),
        ("Здравствуйте, где мой заказ?", "cp1251", "x-nonsense", "charset-unknown"),
        ("注文はどこですか", "cp932", "shift_jis", ""),
        ("①㈱", "cp932", "x-sjis", ""),
        ("안녕 똠", "cp949", "euc-kr", ""),
        ("你好镕", "gbk", "gb2312", ""),
        ("Größe", "mac-roman", "x-macintosh", ""),
        ("שלום", "iso-8859-8", "iso-8859-8-i", ""),
        ("plain", "ascii", "hex", ""),
    ],
)
def test_text_is_read_as_it_was_meant(text: str, written: str, declared: str, problem: str) -> None:
    assert decode(text.encode(written), declared) == (text, problem)


def test_japanese_mail_may_hold_the_signs_that_windows_adds() -> None:
    assert decode(b"\x1b$B-!$3$s\x1b(B abc \x1b(I\x3a\x1b(B", "iso-2022-jp") == ("①こん abc ｺ", "")


@pytest.mark.parametrize("name", ["hex", "zlib", "base64", "unicode_escape", "punycode", "idna", "rot13", "undefined"])
def test_a_stranger_cannot_choose_a_codec_that_is_no_charset(name: str) -> None:
    assert decode("\\x41 Grüße".encode(), name) == ("\\x41 Grüße", "charset-unknown")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.one_of(st.text(max_size=20), st.sampled_from(["utf-7", "utf-16", "hz", "utf-32"])))
def test_any_bytes_under_any_name_become_storable_text(data: bytes, name: str) -> None:
    text, _ = decode(data, name)
    text.encode()
    assert "\x00" not in text
    if data.strip(b"\x00\xff\xfe\xef\xbb\xbf") and data.isascii() and name == "":
        assert text == data.decode().replace("\x00", "")


def test_nul_and_lone_surrogates_are_scrubbed() -> None:
    assert scrub("a\x00b\ud800c😀") == "abc😀"
