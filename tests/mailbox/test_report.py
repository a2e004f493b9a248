"""Delivery reports, and verdicts of servers that must not be decoded."""

from __future__ import annotations

import pytest

from connector.core.authres import dmarc
from connector.mailbox.mime import decode
from connector.mailbox.report import delivery

HEAD = b"Reporting-MTA: dns; mx.example\r\n\r\n"


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (HEAD + b"Final-Recipient: rfc822; a@x\r\nAction: failed\r\nStatus: 5.1.1\r\n", ("failed", "5.1.1")),
        (HEAD + b"final-recipient: rfc822; a@x\naction: Delayed (soon)\nstatus: 4.4.7 (x)\n", ("delayed", "4.4.7")),
        (
            HEAD
            + b"Final-Recipient: rfc822; a@x\r\nAction: delivered\r\nStatus: 2.0.0\r\n\r\n"
            + b"Final-Recipient: rfc822; b@x\r\nAction: failed\r\nStatus: 5.2.2\r\n",
            ("failed", "5.2.2"),
        ),
        (HEAD, ("", "")),
        (b"", ("", "")),
        (HEAD + b"Action: exploded\r\nStatus: 9.9.9\r\n", ("", "")),
        (b"Action: failed\r\nStatus: none\r\n", ("failed", "")),
    ],
)
def test_the_recipient_who_fares_worst_counts(report, expected):
    assert delivery([report]) == expected


def test_a_report_of_megabytes_is_read_in_bounded_time():
    assert delivery([b"Action: failed\r\n\r\n" * 300_000])[0] == "failed"


def test_the_report_inside_a_bounce_is_found():
    raw = (
        b"From: mailer-daemon@x\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        b"--b\r\n\r\nsorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n" + HEAD
        + b"Action: failed\r\nStatus: 5.0.0\r\n--b--\r\n"
    )  # fmt: skip
    mail = decode(raw)
    assert (mail.delivery_action, mail.delivery_status) == ("failed", "5.0.0")


def test_an_encoded_word_in_a_verdict_ends_no_comment():
    word = "=?utf-8?q?=29=3B_dmarc=3Dpass_header=2Efrom=3Dx=2Eexample=3B_=28?="
    raw = (
        f"Authentication-Results: mx.own; spf=fail (sender {word})\r\n smtp.mailfrom=e@y\r\nFrom: a@x.example\r\n\r\nhi"
    )
    assert not dmarc(decode(raw.encode()).headers, "mx.own", "a@x.example").passed
