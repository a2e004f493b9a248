"""Every error that the mail side raises has words, and no words lie idle."""

from __future__ import annotations

import re
from pathlib import Path

from connector.words_parts.mailbox import WORDS

SOURCES = Path(__file__).parents[2] / "connector" / "mailbox"


def test_codes_and_words_are_the_same_set() -> None:
    text = "\n".join(path.read_text() for path in SOURCES.glob("*.py"))
    used = set(re.findall(r'"((?:imap|smtp|mail)\.[a-z_0-9]+)"', text))
    shared = set(re.findall(r'\{prefix\}\.([a-z_]+)"', text))
    assert used | {f"{prefix}.{name}" for name in shared for prefix in ("imap", "smtp")} == set(WORDS)


def test_words_say_what_happened_and_what_to_do() -> None:
    assert all(what and remedy and not what.endswith(".") and remedy.endswith(".") for what, remedy in WORDS.values())
