"""Settings of the report that goes out by mail."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator

from connector.config.mail import Address
from connector.config.values import Model


def _each_once(value: tuple[str, ...]) -> tuple[str, ...]:
    if len({one.casefold() for one in value}) != len(value):
        raise ValueError("addresses, each once")
    return value


def _language(value: str) -> str:
    if value and not re.fullmatch(r"[a-z]{2}", value):
        raise ValueError("a language as two small letters, such as fr")
    return value


class ReportSettings(Model):
    """to (): none is mailed. language "": the shop's default one."""

    to: Annotated[tuple[Address, ...], AfterValidator(_each_once)] = ()
    every: Literal["month", "week"] = "month"
    language: Annotated[str, AfterValidator(_language)] = ""
