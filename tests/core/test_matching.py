"""The trust ladder: signed Message-ID, token, reference by a participant; nothing else joins a thread."""

from __future__ import annotations

import pytest

from connector.core import identity
from connector.core.matching import Referenced, Trust, clues, match, match_staff
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
