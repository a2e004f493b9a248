"""What becomes of a mail: import, ignore, quarantine, and with which intents."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.core import identity
from connector.core.authres import Dmarc
from connector.core.automail import AutoClass
from connector.core.decisions import Bounced, Facts, Policy
from connector.core.matching import clues
from connector.core.mentions import CustomerOrder
from connector.core.model import Attachment, Contact, Customer, Employee, Kind, MailState, Message, Role
from connector.core.reconcile import assign, decide, pick_customer
from tests.support.mails import NOW, SECRET, a_copy, a_mail, a_thread

TOKEN_SUBJECT = "Re: #ct12 #tcAbCdEfGhIjKl"
SUPPORT = Contact(2, "support@shop.test", True)


def say(name, lang, **values):
    return f"[{name}/{lang}{''.join(f' {v}' for v in values.values())}]"


def decision(mail, copy=None, policy=None, **facts):
    facts.setdefault("auto", AutoClass("human", ""))
    facts.setdefault("now", NOW)
    facts.setdefault("contacts", [SUPPORT])
    facts.setdefault("languages", {1: "en", 2: "fr"})
    copy = copy or a_copy(from_addr=mail.from_addr)
    known = Facts(**facts)
    return decide(copy, mail, clues(mail, [SECRET], "main"), known, policy or Policy(), say, SECRET)


def kinds(outcome):
    return [intent.kind for intent in outcome.intents]


def test_a_reply_goes_into_its_thread():
    outcome = decision(a_mail(subject=TOKEN_SUBJECT, text="Thanks!"), by_token=[a_thread()])
    assert (outcome.state, outcome.reason, outcome.id_thread) == (MailState.PENDING, "thread_by_token", 12)
    message = outcome.intents[0]
    assert message.kind is Kind.MESSAGE_CREATE
    assert message.payload["text"] == "Thanks!"
    assert message.payload["id_employee"] == 0
    assert message.reference == identity.reference("k" * 64)
    assert message.group == "thread:12"


@pytest.mark.parametrize("status", ["open", "closed", "pending1"])
def test_whether_a_thread_is_to_be_reopened_is_asked_when_it_is_pushed(status):
    """The mirror may be behind the back office, whose changes of status move no date."""
    outcome = decision(a_mail(subject=TOKEN_SUBJECT), by_token=[a_thread(status=status)])
    message, reopen = outcome.intents
    assert (reopen.kind, reopen.payload["status"], reopen.after) == (Kind.THREAD_STATUS, "open", message.key)
    assert reopen.decided_on == {"reopens": True}


def test_a_backfilled_mail_changes_no_status():
    outcome = decision(a_mail(subject=TOKEN_SUBJECT), a_copy(backfill=True), by_token=[a_thread(status="closed")])
    assert kinds(outcome) == [Kind.MESSAGE_CREATE]


def test_a_valid_token_from_another_address_is_filed_with_that_address_and_reopens_nothing():
    outcome = decision(a_mail(subject=TOKEN_SUBJECT, from_addr="eve@example.com"), by_token=[a_thread(status="closed")])
    assert kinds(outcome) == [Kind.MESSAGE_CREATE]
    assert outcome.intents[0].payload["text"].startswith("[written_by/en eve@example.com]")
    assert outcome.reason == "foreign_sender_by_token"


def test_a_shop_may_ask_to_see_such_mails_first():
    outcome = decision(
        a_mail(subject=TOKEN_SUBJECT, from_addr="eve@example.com"),
        policy=Policy(foreign_sender="quarantine"),
        by_token=[a_thread()],
    )
    assert (outcome.state, outcome.reason) == (MailState.QUARANTINED, "foreign_sender")


def test_an_unknown_mail_waits_when_threads_may_not_be_created():
    outcome = decision(a_mail())
    assert (outcome.state, outcome.reason, outcome.intents) == (MailState.QUARANTINED, "no_thread", ())


def test_an_unknown_mail_creates_a_thread_and_its_first_message():
    customer = Customer(5, "ann@example.com", 1, 2, False, True, False)
    outcome = decision(a_mail(), policy=Policy(create_threads=True), customers=[customer])
    create, message = outcome.intents
    assert create.kind is Kind.THREAD_CREATE
    assert create.payload == {
        "email": "ann@example.com",
        "status": "open",
        "id_shop": 1,
        "id_lang": 2,
        "id_contact": 2,
        "id_customer": 5,
        "id_order": 0,
    }
    assert create.reference == identity.thread_token(SECRET, "k" * 64)
    assert (message.after, message.group) == (create.key, create.group)


def test_a_contact_that_saves_no_messages_makes_no_thread():
    outcome = decision(a_mail(), policy=Policy(create_threads=True), contacts=[Contact(3, "support@shop.test", False)])
    assert (outcome.state, outcome.reason) == (MailState.IGNORED, "contact_saves_no_messages")


def test_the_contact_is_the_one_that_was_written_to():
    contacts = [Contact(1, "webmaster@shop.test", True), SUPPORT]
    outcome = decision(a_mail(), policy=Policy(create_threads=True, contact=1), contacts=contacts)
    assert outcome.intents[0].payload["id_contact"] == 2


def test_a_wrong_token_waits_for_a_person_even_where_threads_are_created():
    outcome = decision(a_mail(subject=TOKEN_SUBJECT), policy=Policy(create_threads=True))
    assert (outcome.state, outcome.reason) == (MailState.QUARANTINED, "token_unknown")


def test_a_second_copy_of_a_mail_is_ignored():
    first = a_copy(id=50, state=MailState.IMPORTED, id_thread=12, id_message=900)
    outcome = decision(a_mail(subject=TOKEN_SUBJECT), by_token=[a_thread()], same_key=[first])
    assert (outcome.state, outcome.reason, outcome.id_message) == (MailState.IGNORED, "copy", 900)


def test_the_same_message_id_with_the_same_text_is_a_copy_with_another_text_it_is_not():
    first = a_copy(id=50, state=MailState.IMPORTED, text_hash="t", mail_key="other")
    same = decision(a_mail(subject=TOKEN_SUBJECT), by_token=[a_thread()], same_id=[first], text_hash="t")
    other = decision(a_mail(subject=TOKEN_SUBJECT), by_token=[a_thread()], same_id=[first], text_hash="u")
    assert (same.reason, other.state) == ("copy", MailState.PENDING)


def test_a_copy_that_was_entered_first_but_came_later_is_a_copy_too():
    later = a_copy(id=500, state=MailState.PENDING)
    outcome = decision(a_mail(subject=TOKEN_SUBJECT), a_copy(id=600), by_token=[a_thread()], same_key=[later])
    assert (outcome.state, outcome.reason) == (MailState.IGNORED, "copy")
    earlier = decision(a_mail(subject=TOKEN_SUBJECT), a_copy(id=400), by_token=[a_thread()], same_key=[later])
    assert (earlier.state, earlier.reason) == (MailState.IGNORED, "copy")


def test_a_replayed_mail_is_not_a_copy_of_its_own_copy():
    other = a_copy(id=500, state=MailState.IGNORED, reason="copy")
    outcome = decision(a_mail(subject=TOKEN_SUBJECT), by_token=[a_thread()], same_key=[other])
    assert outcome.state is MailState.PENDING


def test_a_mail_of_several_authors_proves_nobody():
    mail = a_mail(subject=TOKEN_SUBJECT, problems=("several-from",))
    outcome = decision(mail, by_token=[a_thread()])
    assert outcome.reason == "foreign_sender_by_token"
    assert decision(a_mail(problems=("several-from",)), policy=Policy(create_threads=True)).reason == "no_sender"


def test_a_mail_that_the_shop_has_already_is_not_sent_again_after_a_lost_mirror():
    message = Message(900, 12, None, "x", False, identity.reference("k" * 64))
    outcome = decision(a_mail(subject=TOKEN_SUBJECT), by_token=[a_thread()], in_shop=message)
    assert (outcome.state, outcome.reason, outcome.id_message) == (MailState.IMPORTED, "found_in_shop", 900)
    assert outcome.intents == ()


def test_an_auto_reply_is_filed_as_a_private_note_and_reopens_nothing():
    auto = AutoClass("auto_reply", "auto-submitted")
    outcome = decision(a_mail(subject=TOKEN_SUBJECT), by_token=[a_thread(status="closed")], auto=auto)
    assert kinds(outcome) == [Kind.MESSAGE_CREATE]
    assert outcome.intents[0].payload["private"] is True


def test_an_auto_reply_without_proof_creates_nothing():
    auto = AutoClass("auto_reply", "auto-submitted")
    outcome = decision(a_mail(), policy=Policy(create_threads=True), auto=auto)
    assert (outcome.state, outcome.reason) == (MailState.IGNORED, "auto_reply")


def test_a_bounce_counts_only_with_our_signed_message_id_inside():
    auto = AutoClass("bounce", "report")
    mid = identity.message_id(SECRET, "main", 12, "psc1/x", "shop.test")
    forged = decision(a_mail(subject=TOKEN_SUBJECT), by_token=[a_thread()], auto=auto)
    true = decision(a_mail(enclosed_ids=(mid,)), bounced=[Bounced(mid, a_thread())], auto=auto)
    assert (forged.state, forged.reason) == (MailState.IGNORED, "bounce")
    assert (true.state, true.id_thread) == (MailState.PENDING, 12)


@pytest.mark.parametrize("kind", ["own", "loop", "shop_notification"])
def test_what_the_shop_sent_itself_is_ignored(kind):
    outcome = decision(a_mail(subject=TOKEN_SUBJECT), by_token=[a_thread()], auto=AutoClass(kind, "x"))
    assert (outcome.state, outcome.reason) == (MailState.IGNORED, kind)


def test_an_employees_address_in_a_customers_folder_never_writes_as_an_employee():
    staff = Employee(1, "max@shop.test", True)
    outcome = decision(
        a_mail(subject=TOKEN_SUBJECT, from_addr="max@shop.test"), by_token=[a_thread()], employees=[staff]
    )
    assert (outcome.state, outcome.reason) == (MailState.QUARANTINED, "employee_in_customers_folder")


def test_a_sent_mail_becomes_the_employees_message():
    outcome = decision(
        a_mail(subject=TOKEN_SUBJECT, from_addr="max@shop.test"),
        a_copy(role=Role.STAFF, from_addr="max@shop.test"),
        by_token=[a_thread()],
        employees=[Employee(4, "max@shop.test", True)],
    )
    assert kinds(outcome) == [Kind.MESSAGE_CREATE]
    assert outcome.intents[0].payload["id_employee"] == 4


def test_a_sent_mail_of_an_unknown_employee_is_never_written_as_the_customer():
    mail = a_mail(subject=TOKEN_SUBJECT, from_addr="temp@shop.test")
    copy = a_copy(role=Role.STAFF)
    waits = decision(mail, copy, by_token=[a_thread()])
    known = decision(mail, copy, by_token=[a_thread()], policy=Policy(employee=9))
    assert (waits.state, waits.reason) == (MailState.QUARANTINED, "employee_unknown")
    assert known.intents[0].payload["id_employee"] == 9


def test_a_sent_mail_about_nothing_creates_nothing():
    outcome = decision(a_mail(from_addr="max@shop.test"), a_copy(role=Role.STAFF), policy=Policy(create_threads=True))
    assert (outcome.state, outcome.reason) == (MailState.IGNORED, "not_about_a_thread")


def test_an_old_mail_keeps_its_date_where_the_shop_can_and_says_it_where_not():
    copy = a_copy(internaldate=NOW - timedelta(days=2))
    new = decision(a_mail(subject=TOKEN_SUBJECT), copy, by_token=[a_thread()], can_backdate=True)
    old = decision(a_mail(subject=TOKEN_SUBJECT), copy, by_token=[a_thread()], can_backdate=False)
    assert new.intents[0].payload["written_at"] == (NOW - timedelta(days=2)).isoformat()
    assert old.intents[0].payload["written_at"] == ""
    assert old.intents[0].payload["text"].startswith("[sent_on/en 2026-11-20 12:00]")


def test_attachments_are_named_in_the_message():
    mail = a_mail(subject=TOKEN_SUBJECT, attachments=(Attachment("photo.jpg", "image/jpeg", 250_000),))
    outcome = decision(mail, by_token=[a_thread()])
    assert "photo.jpg (244 kB)" in outcome.intents[0].payload["text"]


def test_a_mail_with_nothing_in_it_waits_for_a_person():
    outcome = decision(a_mail(subject=TOKEN_SUBJECT, text=" \n"), by_token=[a_thread()])
    assert (outcome.state, outcome.reason) == (MailState.QUARANTINED, "empty")


def test_a_mail_loop_is_set_aside():
    outcome = decision(a_mail(subject=TOKEN_SUBJECT), by_token=[a_thread()], too_many="mail_loop")
    assert (outcome.state, outcome.reason) == (MailState.QUARANTINED, "mail_loop")


@pytest.mark.parametrize(
    ("policy", "payload"),
    [
        (Policy(after="move", after_target="Done"), {"action": "move", "target": "Done"}),
        (Policy(after="delete"), {"action": "delete", "target": ""}),
        (Policy(after="flag", after_target="$Imported"), {"action": "flag", "target": "$Imported"}),
    ],
)
def test_the_copy_is_filed_last(policy, payload):
    outcome = decision(a_mail(subject=TOKEN_SUBJECT), policy=policy, by_token=[a_thread()])
    message, _, filing = outcome.intents
    assert filing.kind is Kind.MAIL_FILE
    assert filing.after == message.key
    assert {k: filing.payload[k] for k in payload} == payload


def test_the_customer_is_active_of_the_shop_registered_before_guest_and_newest():
    def person(number, **changes):
        values = {"id_shop": 1, "id_lang": 1, "is_guest": False, "active": True, "deleted": False} | changes
        return Customer(number, "ann@example.com", **values)

    people = [person(1), person(2), person(3, is_guest=True), person(4, deleted=True), person(5, active=False)]
    people.append(person(6, id_shop=2))
    assert pick_customer(people, 1).id == 2
    assert pick_customer([person(3, is_guest=True)], 1).id == 3
    assert pick_customer([person(4, deleted=True)], 1) is None


# --- DMARC ------------------------------------------------------------------------------------------------------------

FAILED, PASSED = Dmarc(failed=True), Dmarc(passed=True)


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("proof", [[a_thread()], []])
def test_a_sender_who_fails_dmarc_waits_for_a_person(create, proof):
    mail = a_mail(subject=TOKEN_SUBJECT if proof else "Hello")
    outcome = decision(mail, policy=Policy(create_threads=create), by_token=proof, dmarc=FAILED)
    assert (outcome.state, outcome.reason) == (MailState.QUARANTINED, "dmarc_failed")


def test_by_policy_such_a_mail_is_filed_as_from_somebody_else_when_it_proves_its_thread():
    policy = Policy(create_threads=True, dmarc_fail="file")
    outcome = decision(a_mail(subject=TOKEN_SUBJECT), policy=policy, by_token=[a_thread()], dmarc=FAILED)
    assert (outcome.reason, kinds(outcome)) == ("foreign_sender_by_token", [Kind.MESSAGE_CREATE])
    unproven = decision(a_mail(), policy=policy, dmarc=FAILED)
    assert (unproven.state, unproven.reason) == (MailState.QUARANTINED, "dmarc_failed")


def test_with_dmarc_off_the_other_proofs_decide():
    policy = Policy(dmarc_fail="off")
    outcome = decision(a_mail(subject=TOKEN_SUBJECT), policy=policy, by_token=[a_thread()], dmarc=FAILED)
    assert outcome.reason == "thread_by_token"


def test_an_automatic_mail_that_fails_dmarc_and_proves_nothing_is_ignored_as_ever():
    outcome = decision(a_mail(), auto=AutoClass("list", "list_id"), dmarc=FAILED)
    assert (outcome.state, outcome.reason) == (MailState.IGNORED, "list")


STAFF = Employee(1, "max@shop.test", True)


def test_an_employee_for_whom_the_own_server_vouches_leaves_a_private_note_in_nobodys_name():
    mail = a_mail(subject=TOKEN_SUBJECT, from_addr="max@shop.test")
    outcome = decision(mail, by_token=[a_thread(status="closed")], employees=[STAFF], dmarc=PASSED)
    assert (outcome.reason, kinds(outcome)) == ("employee_note_by_token", [Kind.MESSAGE_CREATE])
    assert (outcome.intents[0].payload["private"], outcome.intents[0].payload["id_employee"]) == (True, 0)


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ({"problems": ("several-from",)}, {"by_token": [a_thread()]}),
        ({"text": "  "}, {"by_token": [a_thread()]}),
        ({"subject": "no proof of a thread"}, {}),
    ],
)
def test_a_pass_alone_is_not_enough_for_an_employees_address(changes, facts):
    mail = a_mail(**{"subject": TOKEN_SUBJECT, "from_addr": "max@shop.test"} | changes)
    outcome = decision(mail, policy=Policy(create_threads=True), employees=[STAFF], dmarc=PASSED, **facts)
    assert (outcome.state, outcome.reason) == (MailState.QUARANTINED, "employee_in_customers_folder")


def test_the_shops_notification_is_ignored_also_where_its_address_is_an_employees():
    shop = Employee(1, "shop@shop.test", True)
    note = decision(a_mail(from_addr="shop@shop.test"), employees=[shop], auto=AutoClass("shop_notification", "x"))
    person = decision(a_mail(from_addr="shop@shop.test"), employees=[shop], auto=AutoClass("own", "own_sender"))
    assert (note.state, person.reason) == (MailState.IGNORED, "employee_in_customers_folder")


# --- orders and contacts ----------------------------------------------------------------------------------------------


def test_a_new_mail_that_names_the_customers_own_order_is_linked_to_it():
    orders = [CustomerOrder(77, "XKBKNABJK", 6, 1), CustomerOrder(78, "ZZZZZZZZZ", 6, 2)]
    customers = [Customer(5, "ann@example.com", 1, 1, False, True, False)]
    facts = {"policy": Policy(create_threads=True), "customers": customers, "orders": orders}
    linked = decision(a_mail(subject="Order XKBKNABJK"), **facts).intents[0].payload
    assert (linked["id_order"], linked["id_customer"]) == (77, 6)
    assert decision(a_mail(text="Where is ZZZZZZZZZ?"), **facts).intents[0].payload["id_order"] == 0
    quoted = a_mail(text="Hello?\n\nOn Mon, Jan 5, 2026 Shop <shop@shop.test> wrote:\n> order XKBKNABJK")
    assert decision(quoted, **facts).intents[0].payload["id_order"] == 0


def test_whom_the_mail_was_written_to_goes_before_where_it_was_delivered():
    contacts = [Contact(1, "all@shop.test", True), SUPPORT]
    mail = a_mail(to=("support@shop.test",), delivered_to=("all@shop.test",))
    assert decision(mail, policy=Policy(create_threads=True), contacts=contacts).intents[0].payload["id_contact"] == 2
    hidden = a_mail(to=("undisclosed@x",), delivered_to=("all@shop.test",))
    assert decision(hidden, policy=Policy(create_threads=True), contacts=contacts).intents[0].payload["id_contact"] == 1


def test_a_reply_address_with_a_stale_tag_still_names_the_contact():
    policy = Policy(create_threads=True, reply_addresses=("support@shop.test",))
    contacts = [Contact(1, "all@shop.test", True), SUPPORT]
    mail = a_mail(to=("support+ct12.00@shop.test",))
    assert decision(mail, policy=policy, contacts=contacts).intents[0].payload["id_contact"] == 2


# --- bounces and loops ------------------------------------------------------------------------------------------------

BOUNCE = AutoClass("bounce", "delivery_status")


def test_a_bounce_names_the_message_that_bounced_and_is_no_customers_word():
    lost = Bounced("psc1.x@shop.test", a_thread(status="closed"), id_message=900)
    mail = a_mail(delivery_action="failed", delivery_status="5.1.1")
    outcome = decision(mail, auto=BOUNCE, bounced=[lost])
    assert (outcome.reason, kinds(outcome)) == ("bounce_filed", [Kind.MESSAGE_CREATE])
    assert outcome.intents[0].payload["private"] is True
    assert (outcome.bounced.id_message, outcome.bounced.action, outcome.bounced.status) == (900, "failed", "5.1.1")


def test_a_second_bounce_of_the_same_mail_is_counted_and_leaves_no_second_note():
    lost = Bounced("psc1.x@shop.test", a_thread(), id_message=900)
    outcome = decision(a_mail(), auto=BOUNCE, bounced=[lost], bounced_before=frozenset({"psc1.x@shop.test"}))
    assert (outcome.state, outcome.reason, outcome.intents) == (MailState.IGNORED, "bounce_again", ())
    assert outcome.bounced is not None


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_a_report_of_delay_or_success_is_no_bounce(action):
    lost = Bounced("psc1.x@shop.test", a_thread())
    outcome = decision(a_mail(delivery_action=action), auto=BOUNCE, bounced=[lost])
    assert (outcome.state, outcome.reason, outcome.bounced) == (MailState.IGNORED, f"delivery_{action}", None)


def test_a_thread_in_which_machines_answer_each_other_takes_no_more():
    busy = {"by_token": [a_thread()], "busy_threads": frozenset({12})}
    machine = decision(a_mail(subject=TOKEN_SUBJECT), auto=AutoClass("auto_reply", "x"), **busy)
    person = decision(a_mail(subject=TOKEN_SUBJECT), **busy)
    other = decision(a_mail(subject=TOKEN_SUBJECT), by_token=[a_thread()], busy_threads=frozenset({13}))
    assert (machine.state, machine.reason) == (MailState.IGNORED, "thread_loop")
    assert (person.state, person.reason) == (MailState.QUARANTINED, "thread_loop")
    assert other.state is MailState.PENDING


def test_too_many_automatic_mails_of_one_sender_are_ignored():
    auto = AutoClass("auto_reply", "x")
    outcome = decision(a_mail(subject=TOKEN_SUBJECT), by_token=[a_thread()], auto=auto, too_many="mail_loop")
    assert (outcome.state, outcome.reason) == (MailState.IGNORED, "mail_loop")


# --- assigned by a person ---------------------------------------------------------------------------------------------


def assigned(mail, *, as_customer=False, **changes):
    facts = Facts(auto=AutoClass("human", ""), now=NOW, languages={1: "en"})
    copy = a_copy(from_addr="eve@example.com", **changes)
    return assign(copy, mail, a_thread(status="closed"), facts, Policy(), say, as_customer=as_customer)


def test_a_mail_is_assigned_as_the_customers_or_as_from_somebody_else():
    own = assigned(a_mail())
    foreign = assigned(a_mail(from_addr="eve@example.com"))
    vouched = assigned(a_mail(from_addr="eve@example.com"), as_customer=True)
    assert (own.reason, kinds(own)) == ("thread_by_person", [Kind.MESSAGE_CREATE, Kind.THREAD_STATUS])
    assert (foreign.reason, kinds(foreign)) == ("foreign_sender_by_person", [Kind.MESSAGE_CREATE])
    assert foreign.intents[0].payload["text"].startswith("[written_by/en eve@example.com]")
    assert (vouched.reason, kinds(vouched)) == ("thread_by_person", [Kind.MESSAGE_CREATE, Kind.THREAD_STATUS])


def test_what_cannot_be_decoded_is_assigned_with_a_line_that_says_where_it_is_kept():
    outcome = assigned(None)
    assert outcome.intents[0].payload["text"] == "[written_by/en eve@example.com]\n\n[text_kept/en 100]"
    facts = Facts(auto=AutoClass("human", ""), now=NOW)
    known = assign(a_copy(), None, a_thread(), facts, Policy(), say, as_customer=False)
    assert known.reason == "thread_by_person"
    assert assigned(a_mail(problems=("several-from",))).reason == "foreign_sender_by_person"
    assert assigned(a_mail(text=" ")).intents[0].payload["text"] == "[text_kept/en 100]"
