"""Collecting many mails from a real Dovecot: fetched, parsed, stored and decided on, beside the bare fetching.

Small mails as a shop gets them: answers with a quote and the thread's token, questions, answers from other addresses;
every third one as text and HTML.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.processes import Child, Facts
from bench.replies import mailbox_settings
from bench.shop import Shop
from tests.support.dovecot import Dovecot

_WORDS = "the parcel is here thank you very much order box broken when will it come please tell me".split()  # noqa: SIM905 - reads as words


def measure(shop: Shop, count: int) -> Facts:
    """ours: both legs, `collect` and `reconcile`; parsed and read: the floor without and with the text of the mails.
    The mailbox was looked through once before, so that nobody pays for the server's index."""
    with Dovecot() as server, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = shop.settings(Path(folder))
        path.write_text(path.read_text(encoding="utf-8") + mailbox_settings(server), encoding="utf-8")
        with Child.module("ours_process", str(path)) as child:
            child.ask("pull")
            child.ask("collect")
            server.fill(letters(shop.threads(1000), count))
            account = {"host": server.host, "port": server.port, "user": server.user, "password": server.password}
            with Child.module("mail_floor_process") as floor:
                floor.ask("parse", **account, text=False)
                found = {"parsed": floor.ask("parse", **account, text=False)}
                found["read"] = floor.ask("parse", **account, text=True)
            found["ours"] = child.ask("collect")
    counts = found["ours"]["counts"]
    if (counts["fetched"], counts["decided"], found["parsed"]["mails"]) != (count, count, count):
        raise RuntimeError(f"of {count} mails: {counts}, {found['parsed']['mails']} at the floor")
    return found


def letters(threads: Sequence[Facts], count: int) -> Iterator[bytes]:
    chance = random.Random(1)

    def words(number: int) -> str:
        return " ".join(chance.choice(_WORDS) for _ in range(number))

    for number in range(count):
        thread = threads[number % len(threads)]
        subject = f"Re: [Shop] Your message #ct{thread['id']} #tc{thread['token']}"
        sender = str(thread["email"])
        if number % 5 == 4:
            subject, sender = f"Question {number}", f"somebody{number}@customer.test"
        elif number % 5 == 3:
            sender = f"colleague{number}@customer.test"
        text = f"Mail {number}: {words(60)}\n\nOn Mon, 5 Jan 2026 at 09:00, Shop <support@shop.test> wrote:\n"
        quote = "\n".join(f"> {words(10)}" for _ in range(12))
        hops = "".join(f"Received: from a{hop} by b{hop}; Mon, 05 Jan 2026 10:00:00 +0100\n" for hop in range(3))
        head = (
            f"{hops}Message-ID: <bag.{number}@customer.test>\nDate: Mon, 05 Jan 2026 10:00:00 +0100\n"
            f"From: Ann Person <{sender}>\nTo: support@shop.test\nSubject: {subject}\nMIME-Version: 1.0\n"
        )
        plain = f"Content-Type: text/plain; charset=utf-8\n\n{text}{quote}\n"
        html = f"Content-Type: text/html; charset=utf-8\n\n<p>{text}</p><blockquote>{quote}</blockquote>\n"
        if number % 3 == 2:
            kind = 'Content-Type: multipart/alternative; boundary="bag"\n\n'
            mail = f"{head}{kind}--bag\n{plain}\n--bag\n{html}\n--bag--\n"
        else:
            mail = head + plain
        yield mail.replace("\n", "\r\n").encode()
