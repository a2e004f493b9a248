"""Which files of a mail are kept, what they are called, and what they are."""

import io
import time
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.attachments import DAY_FULL, MAIL_FULL, TOO_LARGE, Limits, reasons, to_name
from connector.core.filetypes import UNKNOWN, sniff
from connector.core.model import Attachment

LIMITS = Limits(file=100, mail=150, day=1000)


@pytest.mark.parametrize(
    ("sizes", "used", "expected"),
    [
        ([100, 50], 0, ["", ""]),
        ([101, 50], 0, [TOO_LARGE, ""]),
        ([100, 60, 50], 0, ["", MAIL_FULL, ""]),
        ([80, 40], 900, ["", DAY_FULL]),
        ([], 0, []),
    ],
)
def test_each_limit_has_its_reason_and_a_smaller_file_may_still_fit(sizes, used, expected):
    assert list(reasons(sizes, LIMITS, used)) == expected


@given(st.lists(st.integers(0, 300), max_size=20), st.integers(0, 2000))
def test_what_is_kept_never_exceeds_a_limit(sizes, used):
    kept = [size for size, why in zip(sizes, reasons(sizes, LIMITS, used), strict=True) if not why]
    assert all(size <= LIMITS.file for size in kept)
    assert sum(kept) <= LIMITS.mail
    assert not any(kept) or used + sum(kept) <= LIMITS.day


LOGO = Attachment("logo.png", "image/png", 10, "logo@x", inline=True)
BILL = Attachment("bill.pdf", "application/pdf", 10)


def test_images_of_the_page_are_no_files_unless_the_mail_says_nothing_else():
    assert to_name([LOGO, BILL], "Hello") == [BILL]
    assert to_name([LOGO], "Hello") == []
    assert to_name([LOGO], " ") == [LOGO]


def zipped(*names, stored=b""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, stored or b"x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "declared", "expected"),
    [
        (b"%PDF-1.7\n", "image/png", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "application/pdf", "image/png"),
        (b"\xff\xd8\xff\xe0", "", "image/jpeg"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "", "image/webp"),
        (b"\x00\x00\x00\x18ftypheic", "image/jpeg", "image/heic"),
        (b"\x00\x00\x00\x18ftypisom", "", "video/mp4"),
        (b"MZ\x90\x00", "application/pdf", "application/vnd.microsoft.portable-executable"),
        (b"\x7fELF\x02", "text/plain", "application/x-elf"),
        (b"#!/bin/sh\nrm -rf /\n", "text/plain", "text/x-shellscript"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "application/msword", "application/msword"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "image/png", "application/x-ole-storage"),
        (zipped("a.txt"), "application/pdf", "application/zip"),
        (zipped("[Content_Types].xml", "word/document.xml"), "", "application/vnd.openxmlformats-officedocument"
                                                                   ".wordprocessingml.document"),
        (zipped("mimetype", stored=b"application/vnd.oasis.opendocument.text"), "",
         "application/vnd.oasis.opendocument.text"),
        (b"<!DOCTYPE html><html>", "text/plain", "text/html"),
        (b"<?xml version='1.0'?><svg onload=alert(1)>", "image/png", "image/svg+xml"),
        (b"name;qty\n1;2\n", "text/csv", "text/csv"),
        (b"just words", "application/pdf", "text/plain"),
        (b"\xef\xbb\xbfBEGIN:VCALENDAR", "", "text/calendar"),
        (b"From: a@b.example\r\nSubject: hi\r\n", "", "message/rfc822"),
        (b"", "application/pdf", UNKNOWN),
        (b"\x00\x01\x02\x03", "application/pdf", UNKNOWN),
    ],
)  # fmt: skip
def test_the_bytes_tell_the_type_not_the_mail(data, declared, expected):
    assert sniff(data, declared) == expected


@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_bytes_have_a_type_of_plain_form(data, declared):
    kind = sniff(data, declared)
    assert "/" in kind
    assert kind.isascii()
    assert kind.isprintable()


@pytest.mark.parametrize("piece", [b"<!---->", b"<!-- ", b"<!--->-->", b" \n", b"<?xml ?>", b"Received: x\n ", b"-->"])
def test_hostile_files_are_told_at_once(piece):
    data = piece * 2000
    began = time.perf_counter()
    assert "/" in sniff(data, "text/html")
    assert time.perf_counter() - began < 0.5
