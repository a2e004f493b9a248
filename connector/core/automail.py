"""Is a mail written by a person, or by a machine? Which rule said so?

The rules of seven helpdesks, merged. What becomes of a mail (file, ignore, quarantine) is decided in `reconcile`;
nothing is dropped here. Every header is a stranger's word: a forged one can only make a mail *less* trusted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from connector.core.model import Mail

LOOP_NAME = "prestashop-connector"
"""The value of X-Loop in every mail that this program sends."""

AutoKind = Literal["human", "auto_reply", "bounce", "list", "auto_generated", "shop_notification", "own", "loop"]


@dataclass(frozen=True, slots=True)
class AutoClass:
    """kind: what it is. rule: the rule that matched first, '' for a person. hints: rules that alone prove nothing."""

    kind: AutoKind
    rule: str
    hints: tuple[str, ...] = ()


# Presence is enough, whatever the value, unless it denies: vacation programs write "yes", "true", an address ...
_REPLY_HEADERS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-autoresponse",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-autoreply-domain",
)
_DENIALS = frozenset({"", "no", "false", "0", "none"})

_DAEMONS = frozenset({"mailer-daemon", "mail-daemon", "maildaemon", "postmaster"})
_NO_REPLY = ("no-reply", "noreply", "no_reply", "donotreply", "do-not-reply", "ne-pas-repondre", "nicht-antworten")

# Out-of-office subjects, casefolded. Translated by every vendor anew; that is why they are a hint only.
_ABSENT = (
    "auto:", "auto-reply", "autoreply", "automatic reply", "auto response", "autoresponse", "out of office",
    "out of the office", "away from my mail", "on vacation", "vacation reply",
    "automatische antwort", "abwesenheitsnotiz", "abwesend", "abwesenheit", "ich bin nicht im büro",
    "réponse automatique", "absence du bureau", "absent du bureau", "message d'absence",
    "respuesta automática", "fuera de la oficina", "ausente de la oficina",
    "risposta automatica", "fuori sede", "fuori ufficio", "assente",
    "automatisch antwoord", "automatische beantwoording", "afwezig", "niet aanwezig",
    "odpowiedź automatyczna", "automatyczna odpowiedź", "poza biurem", "nieobecność",
    "resposta automática", "fora do escritório", "ausência temporária",
    "autosvar", "automatiskt svar", "automatisk svar", "frånvaro", "fraværende", "fravær",
    "automaattinen vastaus", "poissa", "automatická odpověď", "automatická odpoveď", "mimo kancelář",
    "automatikus válasz", "házon kívül", "răspuns automat", "otomatik yanıt", "ofis dışında",
    "αυτόματη απάντηση", "εκτός γραφείου", "автоответ", "автоматический ответ", "автоматична відповідь",
    "нет на месте", "автоматичен отговор", "automatski odgovor", "samodejni odgovor", "automaatvastus",
    "automātiskā atbilde", "automatinis atsakymas", "תשובה אוטומטית", "الرد التلقائي", "رد تلقائي",
    "自動応答", "自動返信", "自动回复", "自動回覆", "자동 회신", "자동 응답", "ตอบกลับอัตโนมัติ", "trả lời tự động",
)  # fmt: skip


def classify(mail: Mail, own_addresses: frozenset[str]) -> AutoClass:
    """own_addresses: the shop's, its contacts' and the mailboxes' addresses, casefolded."""
    hints = _hints(mail)
    for rule in _RULES:
        found = rule(mail, own_addresses)
        if found is not None:
            return AutoClass(found[0], found[1], hints)
    if "absence_subject" in hints and ("auto_response_suppress" in hints or "inbox_rules_loop" in hints):
        # Exchange before 2010 marks its absence notes by these two alone; either one alone is on human mail too.
        return AutoClass("auto_reply", "absence_subject_and_exchange", hints)
    return AutoClass("human", "", hints)


_Found = tuple[AutoKind, str] | None


def _loop(mail: Mail, _own: frozenset[str]) -> _Found:
    """Our own mail comes back with our mark."""
    if any(LOOP_NAME in value.casefold() for value in mail.header_all("x-loop")):
        return "loop", "x_loop_ours"
    return None


def _sure_bounce(mail: Mail, _own: frozenset[str]) -> _Found:
    """RFC 3464 reports and what non-delivery looks like without one."""
    if mail.report_type == "delivery-status" or "message/delivery-status" in mail.parts:
        return "bounce", "delivery_status"
    if (mail.header("x-failed-recipients") or "").strip():
        return "bounce", "failed_recipients"
    if mail.from_addr.partition("@")[0].casefold() in _DAEMONS:
        return "bounce", "daemon_sender"
    return None


def _receipt(mail: Mail, _own: frozenset[str]) -> _Found:
    """Read receipts (RFC 8098) and abuse reports (RFC 5965) tell of a mail, they are no answer to it."""
    if mail.report_type == "disposition-notification" or "message/disposition-notification" in mail.parts:
        return "auto_generated", "read_receipt"
    if mail.report_type == "feedback-report" or "message/feedback-report" in mail.parts:
        return "auto_generated", "feedback_report"
    return None


def _ours(mail: Mail, own: frozenset[str]) -> _Found:
    """What the shop and its staff send, come back to the mailbox.

    PrestaShop's mails to the shop itself: `contact` has `[no_sync]` in its subject and Reply-To = the customer (1.6.0
    even From = the customer); `order_customer_comment` ("Message from a customer") has neither token nor `[no_sync]`,
    only From = the shop and Reply-To = the customer; new-order mails go from the shop to the shop. The texts of the
    first two are in the thread already. `[no_sync]` in an *answer* is a person who answers a forwarded notification.
    """
    from_us = mail.from_addr.casefold() in own
    answer = bool(mail.in_reply_to or mail.references)
    if "[no_sync]" in mail.subject.casefold() and (from_us or not answer):
        return "shop_notification", "no_sync_subject"
    if not from_us:
        return None
    reply_to = [address.casefold() for address in mail.reply_to]
    if not answer and any(address not in own for address in reply_to):
        return "shop_notification", "from_shop_reply_to_customer"
    recipients = [address.casefold() for address in mail.to + mail.cc]
    if not answer and recipients and all(address in own for address in recipients):
        return "shop_notification", "from_shop_to_shop"
    return "own", "own_sender"


def _auto_submitted(mail: Mail, _own: frozenset[str]) -> _Found:
    """RFC 3834 section 5: the keyword counts, comments and parameters do not; `no` says a person wrote it."""
    for value in mail.header_all("auto-submitted"):
        keyword = _keyword(value)
        if keyword in ("auto-replied", "vacation", "auto-reply"):
            return "auto_reply", "auto_submitted"
        if keyword not in _DENIALS:
            return "auto_generated", "auto_submitted"
    return None


def _auto_reply_headers(mail: Mail, _own: frozenset[str]) -> _Found:
    for name in _REPLY_HEADERS:
        value = mail.header(name)
        if value is not None and (name == "x-autoreply-from" or _keyword(value) not in _DENIALS):
            return "auto_reply", name.replace("-", "_")
    for name in ("precedence", "x-precedence"):
        if any(_keyword(value) in ("auto_reply", "auto-reply", "autoreply") for value in mail.header_all(name)):
            return "auto_reply", f"{name.replace('-', '_')}_auto_reply"
    generated = _keyword(mail.header("x-autogenerated") or "")
    if generated not in _DENIALS:
        return ("auto_reply" if generated == "reply" else "auto_generated"), "x_autogenerated"
    if any(value.casefold().strip("<> ").startswith("autoresponder") for value in mail.header_all("delivered-to")):
        return "auto_reply", "delivered_to_autoresponder"
    return None


def _machine_headers(mail: Mail, _own: frozenset[str]) -> _Found:
    if _keyword(mail.header("x-fc-machinegenerated") or "") == "true":
        return "auto_generated", "x_fc_machinegenerated"
    if _keyword(mail.header("x-amazon-mail-relay-type") or "") == "notification":
        return "auto_generated", "x_amazon_mail_relay_type"
    if any(_keyword(value) in ("yes", "true") for value in mail.header_all("x-loop")):
        return "auto_generated", "x_loop"
    return None


def _list(mail: Mail, _own: frozenset[str]) -> _Found:
    """Lists and mass mail. List-Unsubscribe alone is on every order confirmation that a sending service delivers; on an
    *answer* it comes from such a service in between and proves nothing."""
    if (mail.header("list-id") or "").strip():
        return "list", "list_id"
    for name in ("precedence", "x-precedence"):
        for value in mail.header_all(name):
            if _keyword(value) in ("bulk", "list", "junk"):
                return "list", f"{name.replace('-', '_')}_{_keyword(value)}"
    if (mail.header("list-unsubscribe") or "").strip() and not (mail.in_reply_to or mail.references):
        return "list", "list_unsubscribe"
    return None


def _null_sender(mail: Mail, _own: frozenset[str]) -> _Found:
    """`Return-Path: <>` and nothing else said what it is. Asked late: RFC 3834 wants it on automatic replies too. An
    empty header is no null path: some mail servers strip the value."""
    value = mail.header("return-path")
    if value is not None and value.strip() == "<>":
        return "bounce", "null_return_path"
    return None


_RULES: tuple[Callable[[Mail, frozenset[str]], _Found], ...] = (
    _loop, _sure_bounce, _receipt, _ours, _auto_submitted, _auto_reply_headers, _machine_headers, _list, _null_sender,
)  # fmt: skip


def _hints(mail: Mail) -> tuple[str, ...]:
    hints: list[str] = []
    suppress = {
        word.strip().casefold() for value in mail.header_all("x-auto-response-suppress") for word in value.split(",")
    }
    if suppress - {"", "none"}:
        hints.append("auto_response_suppress")  # on ordinary Exchange mail too: Discourse leaves it out
    if mail.header("x-ms-exchange-inbox-rules-loop") is not None:
        hints.append("inbox_rules_loop")  # also on mail that an inbox rule only forwarded
    if mail.subject.casefold().lstrip(" [(*").startswith(_ABSENT):
        hints.append("absence_subject")
    if mail.from_addr.casefold().startswith(_NO_REPLY):
        hints.append("no_reply_sender")
    if (mail.header("list-unsubscribe") or "").strip():
        hints.append("list_unsubscribe")
    if "[no_sync]" in mail.subject.casefold():
        hints.append("no_sync_subject")
    return tuple(hints)


def _keyword(value: str) -> str:
    """The first word of a header value, casefolded, without comments `(...)` and parameters `; ...`."""
    kept: list[str] = []
    depth = 0
    for char in value[:200]:
        if char == "(":
            depth += 1
        elif char == ")":
            depth = max(0, depth - 1)
        elif char == ";" and not depth:
            break
        elif not depth:
            kept.append(char)
    words = "".join(kept).replace('"', " ").split()
    return words[0].casefold() if words else ""
