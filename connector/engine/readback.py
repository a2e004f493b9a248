"""What the shop stored of our messages, compared with what was sent, as the pull of messages brings them back.

One look per message, and no request: the mirror has the text. A message cannot be written again (a PUT of one is never
made), so a difference is noted with its intent and told; from lost emoji the next messages are spared.
"""

from __future__ import annotations

from collections.abc import Callable

from connector.core.model import FINAL
from connector.core.readback import EMOJI, altered
from connector.engine.ports import Events, Lookups, Memory, Outbox
from connector.ops import events as ev

STORED = "stored"
"""Key of an intent's result: in which way the shop's text differs from the one that was sent."""
LATE = 1000
"""Ids behind the newest message that are looked through again, for one that the shop makes visible late."""
_CHUNK = 500


def emoji_mark(shop: str) -> str:
    """Name of the memory that this shop loses emoji."""
    return f"{shop}.emoji_lost"


class ReadBack:
    """Of one shop. worded: the text as it is sent (see the port `Shop`)."""

    def __init__(
        self,
        shop: str,
        lookups: Lookups,
        outbox: Outbox,
        memory: Memory,
        worded: Callable[[str, str], str],
        events: Events,
    ) -> None:
        self.shop = shop
        self._lookups = lookups
        self._outbox = outbox
        self._memory = memory
        self._worded = worded
        self._events = events

    def run(self) -> int:
        """How many messages differ of those that came since the last run. One whose intent is not final yet is looked
        at in a later run, and so are those behind it."""
        mark = f"{self.shop}.read_back"
        before = after = int(self._memory.get(mark) or 0)
        newest = self._lookups.newest_message(self.shop)
        differing = 0
        waits = False
        while not waits:
            messages = self._lookups.messages_of_ours(self.shop, after, _CHUNK)
            for message in messages:
                intent = self._outbox.by_key(self.shop, f"message.create:{message.reference}")
                if intent is not None and intent.state not in FINAL:
                    waits = True
                    break
                after = message.id
                if intent is None:
                    continue  # the mirror was lost since: nobody knows what was sent
                sent = self._worded(str(intent.payload["text"]), str(intent.payload.get("cut_line", "")))
                why = altered(sent, message.text)
                if not why:
                    continue
                differing += 1
                self._outbox.note(intent, {STORED: why})
                if why == EMOJI:
                    self._memory.set(emoji_mark(self.shop), "yes")
                self._events.emit(
                    ev.MESSAGE_ALTERED, shop=self.shop, intent_id=intent.id, message_id=message.id, reason=why
                )
            if len(messages) < _CHUNK:
                break
        if not waits:  # or a shop where nobody writes through us would be looked through from its first message on
            after = max(after, newest - LATE)
        if after != before:
            self._memory.set(mark, str(after))
        return differing
