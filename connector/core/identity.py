"""Who is who: references, tokens and Message-IDs that are ours and can be recognised again.

Everything is derived from the mail and the instance secret, so that a lost mirror can be rebuilt without importing
anything twice. No randomness here: commands hand their nonce in.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence

REFERENCE_PREFIX = "psc1/"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TOKEN_LENGTH = 12  # customer_thread.token is varchar(12) in every version
_MESSAGE_ID_MARK = "psc1"
_MAX_ID = 300  # longer Message-IDs are never ours; a bound on attacker-sized input


def reference(seed: str) -> str:
    """The reference that a message carries in `user_agent`: `psc1/` + 40 hex digits of SHA-256(seed).

    seed: the mail_key of an imported mail, or a nonce for a command's message. 45 characters; the column holds 128.
    """
    return REFERENCE_PREFIX + hashlib.sha256(seed.encode()).hexdigest()[:40]


def is_reference(text: str) -> bool:
    return text.startswith(REFERENCE_PREFIX) and len(text) == len(REFERENCE_PREFIX) + 40


def thread_token(secret: str, mail_key: str) -> str:
    """The token of a thread that we create: 12 base-62 characters of HMAC-SHA256(secret, mail_key)."""
    number = int.from_bytes(hmac.new(secret.encode(), f"token\0{mail_key}".encode(), hashlib.sha256).digest(), "big")
    characters = []
    for _ in range(_TOKEN_LENGTH):
        number, digit = divmod(number, 62)
        characters.append(_BASE62[digit])
    return "".join(characters)


def _signature(secret: str, shop: str, thread_id: int, nonce: str) -> str:
    text = f"message-id\0{shop}\0{thread_id}\0{nonce}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:24]


def message_id(secret: str, shop: str, thread_id: int, seed: str, host: str) -> str:
    """A Message-ID (without angle brackets) that proves which thread a reply to it belongs to.

    The same seed (the intent's reference) gives the same id, so a mail sent again after doubt is the same mail.
    """
    nonce = hashlib.sha256(seed.encode()).hexdigest()[:16]
    return f"{_MESSAGE_ID_MARK}.{thread_id}.{nonce}.{_signature(secret, shop, thread_id, nonce)}@{host}"


def thread_of_message_id(secrets: Sequence[str], shop: str, candidate: str) -> int | None:
    """The thread that a Message-ID of ours names, None when it is not ours or forged.

    secrets: the instance secret and the retired ones, so that replies to old mails still prove their thread.
    """
    if len(candidate) > _MAX_ID:
        return None
    parts = candidate.split("@", 1)[0].split(".")
    if len(parts) != 4 or parts[0] != _MESSAGE_ID_MARK or not parts[1].isascii() or not parts[1].isdigit():
        return None
    if len(parts[1]) > 18:
        return None
    thread_id, nonce, given = int(parts[1]), parts[2], parts[3]
    for secret in secrets:
        expected = _signature(secret, shop, thread_id, nonce)
        if hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
            return thread_id
    return None


def address_tag(secret: str, shop: str, thread_id: int) -> str:
    """What stands behind the `+` of a reply address and proves its thread: `ct12.` and 20 hex digits. Lower-case,
    because mail servers and address books fold the case of addresses."""
    text = f"address\0{shop}\0{thread_id}"
    return f"ct{thread_id}.{hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:20]}"


def tagged(address: str, tag: str) -> str:
    """`support@shop.example` and a tag -> `support+TAG@shop.example`."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{tag}@{domain}"


def untagged(address: str, bases: Iterable[str]) -> tuple[str, str]:
    """(reply address, tag) of an address that is one of `bases` with a tag in it, else (the address, '')."""
    local, _, domain = address.casefold().rpartition("@")
    for base in bases:
        name, _, host = base.casefold().rpartition("@")
        if domain == host and local.startswith(name + "+"):
            return base.casefold(), local[len(name) + 1 :]
    return address.casefold(), ""


def thread_of_tag(secrets: Sequence[str], shop: str, tag: str) -> int | None:
    """The thread that the tag of a reply address names, None when it is none of ours or forged."""
    number, dot, _ = tag.partition(".")
    digits = number.removeprefix("ct")
    if not dot or len(tag) > _MAX_ID or number == digits or not digits.isascii() or not digits.isdigit():
        return None
    if len(digits) > 18:
        return None
    for secret in secrets:
        expected = address_tag(secret, shop, int(digits))
        if hmac.compare_digest(expected.encode(), tag.encode("utf-8", "replace")):
            return int(digits)
    return None


_OURS = re.compile(rf"{_MESSAGE_ID_MARK}\.[0-9]{{1,18}}\.[0-9a-f]{{16}}\.[0-9a-f]{{24}}@[A-Za-z0-9.-]{{1,253}}")


def message_ids_in(text: str) -> list[str]:
    """What looks like a Message-ID of ours in a text, each once; whether it is one, `thread_of_message_id` says."""
    return list(dict.fromkeys(_OURS.findall(text)))


def text_hash(comparable_text: str) -> str:
    """Hex SHA-256 of a text in its comparable form (`core.wording.comparable`)."""
    return hashlib.sha256(comparable_text.encode("utf-8", "replace")).hexdigest()
