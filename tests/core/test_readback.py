"""What a shop stored, compared with what was sent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.readback import CHANGED, CUT, EMOJI, altered
from connector.core.wording import safe_message
from connector.sandbox.shop.definitions import Field
from connector.sandbox.shop.dialect import Dialect
from connector.sandbox.shop.rules import is_clean_html, stored_value
from connector.shop.dialect import Dialect as Ours

VERSIONS = ("1.6.1.24", "1.7.8.11", "8.2.1", "9.0.0")


@pytest.mark.parametrize(
    ("sent", "stored", "expected"),
    [
        ("Danke!", "Danke!", ""),
        ("a < b & c\nnext", "a &lt; b &amp; c\nnext", ""),
        ("one\ntwo", "one<br />\r\ntwo", ""),
        ("Danke 😀!", "Danke ????!", EMOJI),
        ("Danke 😀!", "Danke ?!", EMOJI),
        ("Danke 😀! Bis bald", "Danke ", EMOJI),
        ("😀", "", EMOJI),
        ("a long text", "a long", CUT),
        ("a long text", "", CHANGED),
        ("a long text", "another text", CHANGED),
    ],
)
def test_a_difference_has_a_name(sent, stored, expected):
    assert altered(sent, stored) == expected


PIECES = st.lists(
    st.one_of(
        st.text(max_size=6),
        st.sampled_from(
            ["<", ">", " ", "\n", "\r\n", "\x0b", "&", ";", "&lt;", "script", ":", "on", "click", "toggle", "=", "'x'",
             "form", "iframe", "input", "object", "embed", "b", "/", "br", "!--", "-->", "<b>", "</b>", "<br />", "😀",
             "\u202e", "\ud800", "\x00", "\u200b", "é", "&eacute;", "<![CDATA[", "]]>", "<form letter@x>",
             "Transcript:"]
        ),
    ),
    max_size=20,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(PIECES, st.sampled_from(VERSIONS))
def test_every_version_takes_any_text_as_it_is_sent_and_a_person_reads_the_same_words(text, version):
    theirs, ours = Dialect(version), Ours.of(version)
    sent = safe_message(text, keeps_html=ours.keeps_html, utf8mb4=ours.utf8mb4).text
    assert all(is_clean_html(sent, Dialect(each)) for each in VERSIONS)
    field = MESSAGE_STR if ours.version < (8,) else MESSAGE_HTML
    assert altered(text, str(stored_value(field, sent, theirs))) == ""


MESSAGE_STR = Field("message", "str", required=True, max_size=16_777_216, validator="isCleanHtml")
MESSAGE_HTML = Field("message", "html", required=True, max_size=4_194_303, validator="isCleanHtml")
