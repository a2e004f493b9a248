"""How long copies of people's words are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from connector.config.values import Model

Days = Annotated[int, Field(ge=0, le=36_500)]


class RetentionSettings(Model):
    """Days; 0: for ever. What is not dealt with yet is kept whatever its age."""

    mails_days: Days = 0
    attachments_days: Days = 0
    texts_days: Days = 0
    headers_days: Days = 0
