"""The people of the sandbox: customers, staff and machines who write the mails that a shop's mailbox really gets.

Deterministic: the same seed and start time give the same bytes. Every method returns one raw mail with CRLF line ends.
The subjects follow what PrestaShop sends (contract of the shop's own mails: `#ct<id> #tc<token>` in English and French,
without `#` in German, the token alone in the American pack).
"""

from __future__ import annotations

import random
from base64 import encodebytes
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.header import Header
from email.utils import format_datetime
from typing import NamedTuple

SUBJECTS = {
    "en": "An answer to your message is available #ct{id} #tc{token}",
    "us": "An answer to your message no. ct%thread_id is available (thread ID tc{token})",
    "fr": "Une réponse à votre message est disponible #ct{id} #tc{token}",
    "de": "Sie haben auf Ihre Nachricht Nr. ct{id} eine Antwort erhalten (Ticket tc{token})",
    "es": "Hay una respuesta disponible a su mensaje #ct{id} #tc{token}",
    "it": "È disponibile una risposta al tuo messaggio #ct{id} #tc{token}",
    "pl": "Odpowiedź na Twoją wiadomość jest dostępna #ct{id} #tc{token}",
    "ar": "تتوفر إجابة على رسالتك #ct{id} #tc{token}",
}
ANSWERS = {
    "en": "Thank you, the blue one in size M please.\nCould you also tell me when it ships?",
    "us": "Thanks, please go ahead with the exchange.",
    "fr": "Merci beaucoup ! Le colis n'est toujours pas arrivé, pouvez-vous vérifier ?",
    "de": "Vielen Dank für die schnelle Antwort. Bitte schicken Sie es an die Adresse in Köln (Straße 5).",
    "es": "Gracias. ¿Podrían enviarme la factura, por favor?",
    "it": "Grazie, però la taglia è sbagliata. Posso cambiarla?",
    "pl": "Dziękuję, proszę o zwrot pieniędzy na konto.",
    "ar": "شكرا لكم، متى سيصل طلبي؟",
}
INTROS = {
    "en": "On Mon, 5 Jan 2026 at 09:12, {shop} <{mail}> wrote:",
    "us": "On Mon, Jan 5, 2026 at 9:12 AM {shop} <{mail}> wrote:",
    "fr": "Le lun. 5 janv. 2026 à 09:12, {shop} <{mail}> a écrit :",
    "de": "Am 05.01.26 um 09:12 schrieb {shop} <{mail}>:",
    "es": "El lun, 5 ene 2026 a las 9:12, {shop} (<{mail}>) escribió:",
    "it": "Il giorno lun 5 gen 2026 alle ore 09:12 {shop} <{mail}> ha scritto:",
    "pl": "pon., 5 sty 2026 o 09:12 {shop} <{mail}> napisał(a):",
    "ar": "في الاثنين، 5 يناير 2026 09:12 كتب {shop} <{mail}>:",
}
QUESTIONS = {
    "en": (
        "Where is my order?",
        "Hello,\n\nI ordered a mug last week 🙂 and it has not arrived yet. Any news?\n\nBest",
    ),
    "fr": ("Question sur la livraison", "Bonjour,\n\nlivrez-vous aussi en Belgique, à Liège ?\n\nCordialement"),
    "de": ("Frage zur Größe", "Guten Tag,\n\nfällt das T-Shirt groß aus?\n\nMit freundlichen Grüßen"),
    "es": ("Devolución", "Hola,\n\n¿cómo puedo devolver el artículo?\n\nUn saludo"),
    "ar": ("سؤال عن الطلب", "مرحبا،\n\nهل يمكنني تغيير عنوان التسليم؟\n\nشكرا"),
}


class SandboxThread(NamedTuple):
    """What the people must know of a thread to write into it."""

    id: int
    token: str
    email: str
    lang: str = "en"
    name: str = ""


class Scene(NamedTuple):
    """A mail of the story: where it arrives, when, and a label that says what should become of it."""

    folder: str
    raw: bytes
    label: str
    at: datetime


class People:
    """Writes mails. `start` (aware) is when the first was written; each next one comes one to nine minutes later."""

    def __init__(
        self,
        seed: int,
        start: datetime,
        shop: str = "Sandbox Shop",
        shop_mail: str = "shop@shop.test",
        support: str = "support@shop.test",
    ) -> None:
        self.shop, self.shop_mail, self.support = shop, shop_mail, support
        self.at = start.astimezone(UTC)
        self._random = random.Random(seed)

    # --- customers -------------------------------------------------------------------------------------------------

    def reply_to_shop_mail(
        self, thread_id: int, token: str, email: str, name: str = "", lang: str = "en", text: str = "",
        charset: str = "utf-8",
    ) -> bytes:  # fmt: skip
        """A customer presses "reply" on the mail the shop sent: token in the subject, the original quoted below."""
        subject = SUBJECTS.get(lang, SUBJECTS["en"]).format(id=thread_id, token=token)
        answer = text or ANSWERS.get(lang, ANSWERS["en"])
        body = f"{answer}\n\n{self._quoted(lang)}\n"
        return self._text(email, name, f"Re: [{self.shop}] {subject}", body, charset=charset)

    def reply_by_reference(
        self, message_id: str, email: str, name: str = "", text: str = "", subject: str = "Re: Your question"
    ) -> bytes:
        """A reply whose only proof is In-Reply-To; the subject was rewritten on the way."""
        body = f"{text or ANSWERS['en']}\n\n{self._quoted('en')}\n"
        extra = {"In-Reply-To": f"<{message_id}>", "References": f"<{message_id}>"}
        return self._text(email, name, subject, body, extra)

    def new_question(
        self, email: str, name: str = "", lang: str = "en", charset: str = "utf-8", html_only: bool = False
    ) -> bytes:
        """A first mail, in one of the languages of QUESTIONS, as plain text or as HTML alone."""
        subject, text = QUESTIONS.get(lang, QUESTIONS["en"])
        if not html_only:
            return self._text(email, name, subject, text + "\n", charset=charset)
        paragraphs = "".join(f"<p>{block}</p>" for block in text.split("\n\n"))
        page = f"<html><head><style>p{{color:#333}}</style></head><body>{paragraphs}</body></html>\n"
        return self._text(email, name, subject, page, charset=charset, subtype="html")

    def spoofed(self, thread_id: int, token: str, email: str, name: str = "", wrong_token: bool = False) -> bytes:
        """A stranger with the right token from another address, or with a token that only looks right."""
        shown = "".join(self._random.choices("abcdefghABCDEFGH0123456789", k=12)) if wrong_token else token
        return self.reply_to_shop_mail(thread_id, shown, email, name, text="Please send it to my new address instead.")

    # --- staff and the shop ----------------------------------------------------------------------------------------

    def staff_reply(
        self, to: str, thread_id: int, token: str, sender: str = "", name: str = "Support", text: str = "",
        lang: str = "en",
    ) -> bytes:  # fmt: skip
        """What an employee answered from a mail program: it lies in the Sent folder."""
        subject = SUBJECTS.get(lang, SUBJECTS["en"]).format(id=thread_id, token=token)
        body = text or "Hello,\n\nyour parcel left our warehouse this morning.\n\nKind regards\nSupport\n"
        return self._text(sender or self.support, name, f"Re: [{self.shop}] {subject}", body, to=to)

    def shop_notification(self, customer: str, text: str) -> bytes:
        """The shop's own mail about a message that its contact form has stored in the thread already."""
        body = (
            f"Message from a {self.shop} customer\n\nCustomer email address: {customer}\n\n"
            f"Customer message:\n\n{text}\n\n{self.shop} powered by PrestaShop\n"
        )
        subject = f"[{self.shop}] Message from contact form [no_sync]"
        return self._text(self.shop_mail, self.shop, subject, body, {"Reply-To": customer})

    # --- machines --------------------------------------------------------------------------------------------------

    def auto_reply(self, thread_id: int, token: str, email: str, name: str = "", lang: str = "en") -> bytes:
        """An out-of-office answer to a mail of the shop (RFC 3834)."""
        subject = SUBJECTS.get(lang, SUBJECTS["en"]).format(id=thread_id, token=token)
        extra = {"Auto-Submitted": "auto-replied (vacation)", "X-Auto-Response-Suppress": "All", "Precedence": "bulk"}
        body = "I am out of the office until Monday and will answer then.\n"
        return self._text(email, name, f"Automatic reply: [{self.shop}] {subject}", body, extra)

    def bounce(self, original_message_id: str, recipient: str = "gone@customer.test") -> bytes:
        """A delivery report with the headers of the mail that did not arrive (RFC 3462, RFC 3464)."""
        mark = self._boundary()
        domain = recipient.rpartition("@")[2]
        original = (
            f"From: {self.support}\nTo: {recipient}\nSubject: Re: Your question\nMessage-ID: <{original_message_id}>\n"
        )
        report = (
            f"Reporting-MTA: dns; mx.{domain}\n\nFinal-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.1.1\n"
            "Diagnostic-Code: smtp; 550 5.1.1 no such mailbox\n"
        )
        head = self._head(
            f"mailer-daemon@mx.{domain}", "Mail Delivery System", self.support, "Undelivered Mail Returned to Sender",
            {"Auto-Submitted": "auto-replied", "Return-Path": "<>"},
        )  # fmt: skip
        kind = f'multipart/report; report-type=delivery-status; boundary="{mark}"'
        parts = (
            ("text/plain; charset=us-ascii", f"I could not deliver your mail to <{recipient}>.\n"),
            ("message/delivery-status", report),
            ("message/rfc822", f"{original}\nYour parcel left our warehouse.\n"),
        )
        return _bytes(f"{head}Content-Type: {kind}\n\n{_multipart(mark, parts)}")

    def newsletter(self, sender: str = "news@supplier.test") -> bytes:
        """Bulk mail with list headers, text and HTML."""
        mark = self._boundary()
        extra = {
            "List-Id": "Supplier news <news.supplier.test>",
            "List-Unsubscribe": "<https://supplier.test/unsubscribe?u=1>",
            "Precedence": "bulk",
        }
        head = self._head(sender, "Supplier", self.support, "Spring sale: everything must go", extra)
        page = (
            '<div style="display:none">20 % off</div><h1>Spring sale</h1>'
            '<a href="https://supplier.test/sale">Shop now</a>'
            '<img src="https://supplier.test/pixel" width="1" height="1" alt="">'
        )
        parts = (
            ("text/plain; charset=utf-8", "Spring sale\n\nhttps://supplier.test/sale\n"),
            ("text/html; charset=utf-8", page + "\n"),
        )
        return _bytes(f'{head}Content-Type: multipart/alternative; boundary="{mark}"\n\n{_multipart(mark, parts)}')

    def broken(self) -> bytes:
        """No Message-ID, no date, a charset nobody knows, damaged base64 and a boundary that never comes."""
        junk = bytes(self._random.randrange(256) for _ in range(64))
        self._tick()
        return (
            b"From: =?x-none?B?/////?= <odd@customer.test>\r\nSubject: =?utf-8?B?gICA?= broken\r\n"
            b"Content-Type: multipart/mixed; boundary=never\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + junk
            + b"\r\n"
        )

    def too_deep(self, email: str = "odd@customer.test") -> bytes:
        """Built to break readers: parts inside parts inside parts. Cannot be decoded, must not be lost."""
        head = self._head(email, "", self.support, "Please open", {})
        text = head + 'Content-Type: multipart/mixed; boundary="d0"\n\n'
        for depth in range(200):
            text += f'--d{depth}\nContent-Type: multipart/mixed; boundary="d{depth + 1}"\n\n'
        return _bytes(text + "--d200\n\nhello\n")

    # --- the story -------------------------------------------------------------------------------------------------

    def story(self, threads: Sequence[SandboxThread], sent: str = "Sent", inbox: str = "INBOX") -> list[Scene]:
        """One of everything for the given threads (at least one), in the order of arrival.

        Labels: reply, thanks, foreign-address, wrong-token, auto-reply, bounce, newsletter, staff-reply,
        shop-notification, new-question, copy, broken, too-deep.
        """
        scenes: list[Scene] = []

        def play(raw: bytes, label: str, folder: str = inbox) -> None:
            scenes.append(Scene(folder, raw, label, self.at))

        for thread in threads:
            play(self.reply_to_shop_mail(*thread[:3], thread.name, thread.lang), "reply")
        first, last = threads[0], threads[-1]
        play(self.reply_to_shop_mail(*first[:3], first.name, first.lang, text="Thanks"), "thanks")
        play(self.staff_reply(first.email, first.id, first.token), "staff-reply", sent)
        play(self.spoofed(first.id, first.token, "somebody.else@customer.test"), "foreign-address")
        play(self.spoofed(last.id, last.token, "stranger@elsewhere.test", wrong_token=True), "wrong-token")
        play(self.auto_reply(*last[:3], last.name, last.lang), "auto-reply")
        play(self.bounce("20260105091200.4711.swift@shop.test"), "bounce")
        play(self.newsletter(), "newsletter")
        play(self.shop_notification(first.email, "Do you ship to Norway?"), "shop-notification")
        for number, (lang, charset, html_only) in enumerate(
            (("en", "utf-8", False), ("fr", "iso-8859-1", False), ("ar", "utf-8", False), ("de", "utf-8", True))
        ):
            play(self.new_question(f"new{number}@customer.test", "", lang, charset, html_only), "new-question")
        play(scenes[0].raw, "copy")
        play(self.broken(), "broken")
        play(self.too_deep(), "too-deep")
        return scenes

    # --- building --------------------------------------------------------------------------------------------------

    def _tick(self) -> datetime:
        self.at += timedelta(seconds=self._random.randrange(60, 540))
        return self.at

    def _boundary(self) -> str:
        return f"=_{self._random.getrandbits(64):016x}"

    def _quoted(self, lang: str) -> str:
        intro = INTROS.get(lang, INTROS["en"]).format(shop=self.shop, mail=self.shop_mail)
        return f"{intro}\n> Hello,\n>\n> an answer to your message is available.\n>\n> {self.shop}"

    def _head(self, email: str, name: str, to: str, subject: str, extra: Mapping[str, str]) -> str:
        at = self._tick()
        domain = email.rpartition("@")[2] or "localhost"
        sender = f"{_encoded(name)} <{email}>" if name else email
        fields = {
            "Received": f"from mx.{domain} by mx.shop.test;\n {format_datetime(at)}",
            "Message-ID": f"<{self._random.getrandbits(80):020x}@{domain}>",
            "Date": format_datetime(at),
            "From": sender,
            "To": to,
            "Subject": _encoded(subject),
            "MIME-Version": "1.0",
            **extra,
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items())

    def _text(
        self, email: str, name: str, subject: str, body: str, extra: Mapping[str, str] | None = None, *,
        to: str = "", charset: str = "utf-8", subtype: str = "plain",
    ) -> bytes:  # fmt: skip
        head = self._head(email, name, to or self.support, subject, extra or {})
        head += f"Content-Type: text/{subtype}; charset={charset}\nContent-Transfer-Encoding: base64\n\n"
        encoded = encodebytes(body.replace("\n", "\r\n").encode(charset, "replace")).decode("ascii")
        return _bytes(head + encoded)


def _encoded(text: str) -> str:
    """RFC 2047 where needed, folded."""
    return Header(text, None if text.isascii() else "utf-8", maxlinelen=74, header_name="Subject").encode()


def _multipart(mark: str, parts: Sequence[tuple[str, str]]) -> str:
    return "".join(f"--{mark}\nContent-Type: {kind}\n\n{body}" for kind, body in parts) + f"--{mark}--\n"


def _bytes(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
