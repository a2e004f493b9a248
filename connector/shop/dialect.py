"""What a PrestaShop version can and cannot do. The only place that compares version numbers.

Sources: the class definitions and the webservice code of 1.6.1.24, 1.7.6.9, 1.7.7.8, 1.7.8.11, 8.0.x, 8.1.x, 8.2.1 and
9.0.0, and the recorded exchanges named at each fact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

USER_AGENT_LIMIT = 128  # customer_message.user_agent is varchar(128); 9.0 refuses more, older ones cut (recording 171)
TOKEN_LIMIT = 12  # customer_thread.token is varchar(12); 9.0 refuses more, older ones cut
THREAD_STATUSES = ("open", "closed", "pending1", "pending2")  # the enum; anything else is stored as '' (65, 66)

# No data of a refusal tells the version from 8.0 on: the header says 0 until the key is accepted (recording 24).
_UNKNOWN = ("", "0")
_SINCE = {"messages": (1, 7), "attachments": (1, 7, 8), "order_cart_rules": (1, 7, 8), "order_returns": (9,)}


@dataclass(frozen=True, slots=True)
class Dialect:
    """version: e.g. (1, 7, 8, 11). An unknown version is taken for the oldest, which can do the least."""

    version: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> Dialect:
        """From the header PSWS-Version, e.g. '8.2.1' or '9.0.0-beta.1'; '' and '0' mean unknown."""
        numbers = re.match(r"\d+(?:\.\d+)*", text.strip())
        if text.strip() in _UNKNOWN or numbers is None:
            return cls((1, 6))
        return cls(tuple(int(part) for part in numbers.group().split(".")))

    @property
    def has_patch(self) -> bool:
        """PATCH exists since 8.0.0; before, 405 code 23 (recording 68)."""
        return self.version >= (8,)

    @property
    def mails_tracking(self) -> bool:
        """`sendemail=1` on order_carriers has an effect since 1.7.1 (OrderCarrier::updateWs)."""
        return self.version >= (1, 7, 1)

    @property
    def utf8mb4(self) -> bool:
        """Tables hold 4-byte characters since 1.7.7; before, they become ???? or cut the text (recording 94)."""
        return self.version >= (1, 7, 7)

    @property
    def keeps_html(self) -> bool:
        """customer_messages.message is HTML since 8.0.0: kept raw up to 8.1.2, purified from 8.1.3 on; before, plain
        text whose tags are stripped (recordings 215, 217)."""
        return self.version >= (8,)

    @property
    def id_shop_all(self) -> bool:
        """`id_shop=all` works since 8.1; before, it is a redirect to the shop's home page (Shop::initialize)."""
        return self.version >= (8, 1)

    def lacks(self, resource: str) -> bool:
        """Resources that came later: messages 1.7, attachments and order_cart_rules 1.7.8, order_returns 9.0."""
        return self.version < _SINCE.get(resource, (0,))
