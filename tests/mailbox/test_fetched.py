"""FETCH answers: what is read the quick way is what IMAPClient's parser says."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imapclient.exceptions import ProtocolError
from imapclient.response_parser import parse_fetch_response

from connector.mailbox import fetched

DATE = b'INTERNALDATE "17-Jul-1996 02:44:25 -0700"'
AT = datetime(1996, 7, 17, 2, 44, 25, tzinfo=timezone(timedelta(hours=-7)))


def test_the_usual_answers_are_read() -> None:
    assert fetched.rows([(b"1 (UID 7 " + DATE + b" BODY[] {3}", b"abc"), b")"]) == {
        7: {b"INTERNALDATE": AT, b"BODY[]": b"abc"}
    }
    assert fetched.rows([b"1 (UID 7 RFC822.SIZE 12)", b"2 (" + DATE + b" RFC822.SIZE 13 UID 9)"]) == {
        7: {b"RFC822.SIZE": 12},
        9: {b"RFC822.SIZE": 13, b"INTERNALDATE": AT},
    }


def test_what_is_not_usual_is_read_by_the_library() -> None:
    unsolicited = [(b"1 (UID 7 BODY[] {3}", b"abc"), b" FLAGS (\\Seen))", b"2 (FLAGS (\\Seen))"]
    found = fetched.rows(unsolicited)
    assert (found[7][b"BODY[]"], found[7][b"FLAGS"], found[2][b"FLAGS"]) == (b"abc", (b"\\Seen",), (b"\\Seen",))
    quoted = fetched.rows([b'1 (UID 7 BODY[] "abc")'])
    assert quoted[7][b"BODY[]"] == b"abc"
    assert fetched.rows([None]) == {}
    with pytest.raises(ProtocolError):
        fetched.rows([(b"1 (UID 7 BODY[] {3}", b"abc")])


_items = st.one_of(
    st.integers(0, 2**32 - 1).map(b"UID %d".__mod__),
    st.integers(0, 2**32 - 1).map(b"RFC822.SIZE %d".__mod__),
    st.sampled_from([DATE, b'INTERNALDATE " 1-Feb-2026 00:00:00 +0000"', b"FLAGS (\\Seen)", b"MODSEQ (12)"]),
)
_heads = st.builds(lambda seq, items: (b"%d (" % seq) + b" ".join(items), st.integers(1, 99), st.lists(_items))
_plain = _heads.map(lambda head: [head + b")"])
_bodies = st.builds(
    lambda head, data, end: [(b"%s BODY[] {%d}" % (head, len(data)), data), end],
    _heads,
    st.binary(max_size=20),
    st.sampled_from([b")", b" FLAGS ())", b" UID 3)"]),
)


@settings(max_examples=300)
@given(st.lists(st.one_of(_plain, _bodies), max_size=4).map(lambda parts: [line for part in parts for line in part]))
def test_both_ways_say_the_same(lines: list[Any]) -> None:
    quick = fetched._usual(lines)
    if quick is None:
        return
    by_library = parse_fetch_response(lines, normalise_times=False)
    assert quick == {uid: {k: v for k, v in row.items() if k != b"SEQ"} for uid, row in by_library.items()}
