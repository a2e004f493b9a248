"""Two reports of the same figures, drawn once: drawing takes half a second each."""

from __future__ import annotations

import pytest

from connector.report.page import render
from tests.report import data


@pytest.fixture(scope="session")
def pages() -> dict[str, str]:
    return {language: render(data.report(), language).decode() for language in ("en", "ar")}
