"""OpenPGP written into the text itself (RFC 9580 6.2 and 7): the signed words without their armour, sealed ones named.

Nothing is verified and no key is known: a signature in a text proves nobody.
"""

from __future__ import annotations

ENCRYPTED_LINE = "[This mail is encrypted; its text cannot be read here.]"
_SIGNED, _SIGNATURE, _END = "-----BEGIN PGP SIGNED MESSAGE-----", "-----BEGIN PGP SIGNATURE-----", "-----END PGP "
_SEALED = "-----BEGIN PGP MESSAGE-----"
_KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_ALL = (_SIGNED, _SIGNATURE, _SEALED, _KEY)


def unwrap(text: str) -> tuple[str, str]:
    """The text as a person wrote it, and '', 'signed' or 'encrypted'. A block that never ends stays as it is."""
    if "-----BEGIN PGP " not in text:
        return text, ""
    kept: list[str] = []
    found: set[str] = set()
    lines = text.split("\n")
    last_end = max((number for number, line in enumerate(lines) if line.startswith(_END)), default=-1)
    block, head = "", False
    for number, line in enumerate(lines):
        mark = line.rstrip()
        if mark in _ALL and number < last_end:
            found.add(mark)
            block, head = mark, mark == _SIGNED
            if mark == _SEALED:
                kept.append(ENCRYPTED_LINE)
        elif block and line.startswith(_END):
            block = ""
        elif head:  # `Hash: SHA512`, to the empty line
            head = bool(mark)
        elif block in ("", _SIGNED):
            kept.append(line.removeprefix("- ") if block else line)
    if _SEALED in found:
        return "\n".join(kept), "encrypted"
    return "\n".join(kept), "signed" if _SIGNED in found else ""
