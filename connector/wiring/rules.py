"""The rules on mails of one shop, put together from an App."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connector.core.rule_effects import Sender
from connector.core.rules import Rule
from connector.engine.ruling import RuleSettings, Ruling

if TYPE_CHECKING:
    from connector.wiring.app import App


def ruling(app: App, name: str, rules: Sequence[Rule]) -> Ruling:
    s = app.shop_settings(name)
    sender = Sender(s.smtp.sender, s.smtp.sender_name, s.smtp.message_id_host, name) if s.smtp is not None else None
    settings = RuleSettings(s.employee, s.forward_to, sender)
    return Ruling(name, rules, settings, app.mirror.lookups, lambda: app.canon, app.say, app.events)
