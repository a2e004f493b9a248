"""The floor of collecting: the same mails fetched in batches, parsed with the standard library, thrown away.

    python -m bench.mail_floor_process

Nothing is stored and nothing decided. `parse`: the message object alone; with `text` also subject, addresses and text
are read from it, without which nobody can decide anything.
"""

from __future__ import annotations

import email
from email import policy

from imapclient import IMAPClient

from bench.processes import Facts, measured, serve

BATCH = 50


def parse(host: str, port: int, user: str, password: str, text: bool) -> Facts:
    facts: Facts = {}
    count = size = 0
    with IMAPClient(host, port=port, ssl=False) as client:
        client.plain_login(user, password)
        with measured(facts):
            client.select_folder("INBOX", readonly=True)
            uids = client.search()
            for start in range(0, len(uids), BATCH):
                for row in client.fetch(uids[start : start + BATCH], ["INTERNALDATE", "BODY.PEEK[]"]).values():
                    mail = email.message_from_bytes(row[b"BODY[]"], policy=policy.default)
                    if text:
                        str(mail["subject"]), str(mail["from"]), str(mail["to"])
                        body = mail.get_body(("plain", "html"))
                        size += len(body.get_content()) if body is not None else 0
                    count += 1
    return facts | {"mails": count, "characters": size}


if __name__ == "__main__":
    serve({"parse": parse})
