"""The trust ladder: signed Message-ID, token, reference by a participant; nothing else joins a thread."""

from __future__ import annotations

import pytest

from connector.core import identity
from connector.core.matching import Referenced, Trust, clues, match, match_staff, suggest
from tests.support.mails import SECRET, a_mail, a_thread

THREAD = a_thread()


def _clues(mail):
    return clues(mail, [SECRET], "main")


def _referenced(*, sender="ann@example.com", thread=THREAD, create_key=""):
    return Referenced("earlier@mail.example", thread, create_key, "thread:12", frozenset({sender}))


@pytest.mark.parametrize(
    "subject",
    [
        "Re: [Shop] An answer to your message is available #ct12 #tcAbCdEfGhIjKl",
        "AW: Sie haben auf Ihre Nachricht Nr. ct12 eine Antwort erhalten (Ticket tcAbCdEfGhIjKl)",
        "An answer to your message no. ct%thread_id is available (thread ID tcAbCdEfGhIjKl)",
        "#tcAbCdEfGhIjKl #ct12",
        "RE: #CT12 #TCAbCdEfGhIjKl",
    ],
    ids=["english", "german-without-hash", "american-broken-id", "other-order", "upper-case-marks"],
)
def test_the_token_in_the_subject_joins_the_thread(subject):
    mail = a_mail(subject=subject)
    found = match(mail, _clues(mail), [], [THREAD], [])
    assert (found.trust, found.thread, found.participant) == (Trust.TOKEN, THREAD, True)


def test_the_number_alone_proves_nothing():
    mail = a_mail(subject="Re: your order #ct12")
    assert not match(mail, _clues(mail), [], [], []).found


def test_a_token_in_another_case_is_another_token():
    mail = a_mail(subject="Re: #ct12 #tcabcdefghijkl")
    found = match(mail, _clues(mail), [], [THREAD], [])
    assert (found.found, found.why) == (False, "token_unknown")


def test_a_wrong_token_is_said_and_not_taken_for_a_new_question():
    mail = a_mail(subject="Re: #ct12 #tcZZZZZZZZZZZZ")
    assert match(mail, _clues(mail), [], [], []).why == "token_unknown"


def test_a_token_that_two_threads_share_needs_the_number_too():
    other = a_thread(id=13)
    mail = a_mail(subject="Re: #tcAbCdEfGhIjKl")
    assert match(mail, _clues(mail), [], [THREAD, other], []).why == "token_of_several_threads"
    mail = a_mail(subject="Re: #ct13 #tcAbCdEfGhIjKl")
    assert match(mail, _clues(mail), [], [THREAD, other], []).thread == other


def test_a_valid_token_from_another_address_is_a_match_but_no_participant():
    mail = a_mail(subject="Re: #ct12 #tcAbCdEfGhIjKl", from_addr="eve@example.com")
    found = match(mail, _clues(mail), [], [THREAD], [])
    assert found.found
    assert not found.participant


def test_our_signed_message_id_beats_a_token_of_another_thread():
    mid = identity.message_id(SECRET, "main", 12, "psc1/x", "shop.test")
    mail = a_mail(subject="Re: #ct13 #tcZZZZZZZZZZZZ", in_reply_to=(mid,))
    found = _clues(mail)
    assert found.signed == (12,)
    assert match(mail, found, [THREAD], [], []).trust is Trust.MESSAGE_ID


def test_a_forged_message_id_is_no_clue():
    mail = a_mail(references=("psc1.12.0123456789abcdef.000000000000000000000000@shop.test",))
    assert _clues(mail).signed == ()


def test_a_reference_counts_only_when_the_sender_takes_part():
    mail = a_mail(in_reply_to=("earlier@mail.example",))
    assert match(mail, _clues(mail), [], [], [_referenced()]).trust is Trust.REFERENCE
    stranger = match(mail, _clues(mail), [], [], [_referenced(sender="bob@example.com")])
    assert (stranger.found, stranger.why) == (False, "reference_by_a_stranger")


def test_a_reply_to_a_mail_whose_thread_is_not_made_yet_waits_for_it():
    mail = a_mail(in_reply_to=("earlier@mail.example",))
    pending = Referenced("earlier@mail.example", None, "thread.create:k", "mail:k", frozenset({"ann@example.com"}))
    found = match(mail, _clues(mail), [], [], [pending])
    assert (found.create_key, found.group) == ("thread.create:k", "mail:k")


def test_the_nearest_reference_is_believed_first():
    mail = a_mail(in_reply_to=("c@x",), references=("a@x", "b@x", "c@x"))
    assert _clues(mail).references == ("c@x", "b@x", "a@x")


def test_a_mail_of_ours_is_known_by_its_own_id():
    mid = identity.message_id(SECRET, "main", 12, "psc1/x", "shop.test")
    assert _clues(a_mail(message_id=mid)).is_own


def test_a_bounce_names_the_thread_of_the_enclosed_mail():
    mid = identity.message_id(SECRET, "main", 12, "psc1/x", "shop.test")
    assert _clues(a_mail(enclosed_ids=("other@x", mid))).bounced == ((mid, 12),)


def test_a_sent_mail_joins_the_only_open_thread_of_its_recipient():
    mail = a_mail(to=("ann@example.com",), from_addr="max@shop.test", subject="your parcel")
    one = match_staff(mail, _clues(mail), [], [], [], [THREAD])
    assert (one.trust, one.thread) == (Trust.RECIPIENT, THREAD)
    two = match_staff(mail, _clues(mail), [], [], [], [THREAD, a_thread(id=13)])
    assert (two.found, two.why) == (False, "not_about_a_thread")


def test_a_subject_of_a_megabyte_is_read_in_linear_time():
    mail = a_mail(subject="#tc" * 300_000 + "#ct" * 300_000)
    assert _clues(mail).tokens == ()


# --- the signed reply address -----------------------------------------------------------------------------------------

REPLIES = ("support@shop.test",)


def tagged(thread=12, secret=SECRET, shop="main", address="support@shop.test"):
    return identity.tagged(address, identity.address_tag(secret, shop, thread))


def test_a_mail_to_the_signed_reply_address_joins_its_thread():
    for where in ("to", "cc", "delivered_to"):
        mail = a_mail(**{"to": (), where: (tagged().upper(),)})
        found = clues(mail, [SECRET], "main", REPLIES)
        assert found.addressed == (12,)
        outcome = match(mail, found, [], [], [], [THREAD])
        assert (outcome.trust, outcome.thread, outcome.participant) == (Trust.ADDRESS, THREAD, True)


@pytest.mark.parametrize(
    "address",
    [
        tagged(secret="another secret of good length"),
        tagged(shop="other"),
        tagged(address="sales@shop.test"),
        tagged().replace("ct12.", "ct13."),
        "support+ct12.@shop.test",
        "support+ct12@shop.test",
        "support+@shop.test",
        "support+ct" + "9" * 400 + ".00@shop.test",
        "support+ctx.0123456789abcdef0123@shop.test",
    ],
)
def test_a_forged_reply_address_is_no_clue(address):
    assert clues(a_mail(to=(address,)), [SECRET], "main", REPLIES).addressed == ()


def test_a_reply_address_counts_only_where_it_is_set_and_under_old_keys_too():
    assert clues(a_mail(to=(tagged(),)), [SECRET], "main").addressed == ()
    assert clues(a_mail(to=(tagged(),)), ["a new secret of length", SECRET], "main", REPLIES).addressed == (12,)


def test_a_signed_reply_address_from_another_sender_is_no_participant():
    mail = a_mail(to=(tagged(),), from_addr="eve@example.com")
    assert not match(mail, clues(mail, [SECRET], "main", REPLIES), [], [], [], [THREAD]).participant


def test_the_ladder_is_climbed_in_order_and_says_what_it_tried():
    mid = identity.message_id(SECRET, "main", 12, "psc1/x", "shop.test")
    everything = a_mail(in_reply_to=(mid,), to=(tagged(13),), subject="#ct14 #tcZZZZZZZZZZZZ")
    found = clues(everything, [SECRET], "main", REPLIES)
    other, third = a_thread(id=13), a_thread(id=14, token="ZZZZZZZZZZZZ")
    tries = [
        match(everything, found, [THREAD], [third], [_referenced()], [other]),
        match(everything, found, [], [third], [_referenced()], [other]),
        match(everything, found, [], [third], [_referenced()], []),
        match(everything, found, [], [], [_referenced()], []),
        match(everything, found, [], [], [], []),
    ]
    assert [t.trail[-1] for t in tries] == [
        "message_id:match", "address:match", "token:match", "reference:match", "reference:unknown",
    ]  # fmt: skip
    assert tries[-1].trail == (
        "message_id:thread_unknown", "address:thread_unknown", "token:unknown", "reference:unknown",
    )  # fmt: skip
    assert tries[-1].why == "token_unknown"


# --- a token on the way -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prefix", ["Re:", "AW:", "Sv:", "Odp:", "RE: [Shop GmbH]", "回复：", "Ответ:", "رد:", "ΑΠ:", "Re[2]:"]
)
def test_prefixes_in_any_language_and_the_shops_name_do_not_hide_the_token(prefix):
    mail = a_mail(subject=f"{prefix} Your message #ct12 #tcAbCdEfGhIjKl")
    assert match(mail, _clues(mail), [], [THREAD], []).trust is Trust.TOKEN


@pytest.mark.parametrize(
    "raw",
    [
        b"Re: Your message\r\n #ct12\r\n\t#tcAbCdEfGhIjKl",
        b"=?utf-8?Q?Re=3A_Antwort_verf=C3=BCgbar_=23ct12_=23tcAbCd?=\r\n =?utf-8?Q?EfGhIjKl?=",
        b"=?utf-8?B?UmU6IFlvdXIgbWVzc2FnZSAjY3QxMiAjdGNBYkNk?= =?utf-8?B?RWZHaElqS2w=?=",
        b"=?iso-8859-1?Q?R=E9p_?= #ct12 =?iso-8859-1?Q?#tcAbCdEfGhIjKl?=",
        b"[=?utf-8?B?0JzQsNCz0LDQt9C40L0=?=] Re: =?koi8-r?B?79TXxdQ=?= ct12 (tcAbCdEfGhIjKl)",
    ],
    ids=["folded", "cut-q", "cut-b", "mixed", "cyrillic"],
)
def test_folding_and_another_encoding_do_not_hide_the_token(raw):
    from connector.mailbox.mime import decode

    mail = decode(b"From: Ann <ann@example.com>\r\nSubject: " + raw + b"\r\n\r\nHello\r\n")
    found = match(mail, _clues(mail), [], [THREAD], [])
    assert (found.trust, found.participant) == (Trust.TOKEN, True)


def test_a_token_in_the_text_alone_proves_nothing():
    mail = a_mail(text="#ct12 #tcAbCdEfGhIjKl")
    assert _clues(mail).tokens == ()


def test_the_number_with_a_token_of_another_thread_means_the_tokens_thread():
    mail = a_mail(subject="#ct99 #tcAbCdEfGhIjKl")
    assert match(mail, _clues(mail), [], [a_thread(id=99, token="ZZZZZZZZZZZZ"), THREAD], []).thread == THREAD


def test_a_message_id_signed_for_another_shop_is_no_clue():
    mid = identity.message_id(SECRET, "other", 12, "psc1/x", "shop.test")
    assert _clues(a_mail(in_reply_to=(mid,))).signed == ()


def test_a_bounce_may_name_the_mail_in_its_text_or_references():
    mid = identity.message_id(SECRET, "main", 12, "psc1/x", "shop.test")
    assert _clues(a_mail(text=f"--- Below this line is a copy.\nMessage-ID: <{mid}>\n")).bounced == ((mid, 12),)
    assert _clues(a_mail(references=(mid,))).bounced == ((mid, 12),)
    assert _clues(a_mail(text=mid.replace("psc1.12", "psc1.13"))).bounced == ()


def test_the_newest_thread_of_a_sender_is_suggested():
    assert suggest([THREAD, a_thread(id=3)]) == 12
    assert suggest([]) is None
