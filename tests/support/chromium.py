"""The system's Chromium, driven by Playwright: a browser as people use one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def needed() -> str:
    """Its path. Skips loudly where there is none; fails there when CI is set."""
    path = next((found for name in NAMES if (found := shutil.which(name))), "")
    if not path:
        reason = "Chromium is not installed (apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@contextmanager
def browser() -> Iterator[Any]:
    """A Browser of Playwright's, without a window."""
    path = needed()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        # Root in a container has no user namespaces for the browser's own sandbox.
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield started
        finally:
            started.close()
