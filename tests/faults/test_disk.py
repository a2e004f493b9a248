"""What a disk leaves of the mirror: its log cut or spoiled anywhere. It opens with what is whole, or says what to do.

Full and read-only disks: `tests/mirror/test_faults.py`, and `test_every_call.py` for every transaction of a run.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from connector import words
from connector.errors import ConnectorError
from tests.support.slices import everything, share
from tests.support.stages import prepared, undisturbed

pytestmark = pytest.mark.usefixtures("warmed")

TEARS = 12


def torn(log: bytes, at: int, how: str) -> bytes:
    """A log that ends there; or that goes on with zeros, as after a power cut; or in which a page was spoiled there."""
    if how == "cut":
        return log[:at]
    if how == "zeros":
        return log[:at] + bytes(len(log) - at)
    return log[:at] + bytes(255 - byte for byte in log[at : at + 512]) + log[at + 512 :]


@pytest.mark.parametrize("how", ["cut", "zeros", "spoiled"])
def test_a_torn_log_costs_its_end_and_nothing_else(how):
    stage = prepared()
    whole = undisturbed(stage)
    moment = max(whole.moments, key=lambda one: _log(one.mirror).stat().st_size)
    log = _log(moment.mirror).read_bytes()
    stage.begin(moment)
    counts, refused = [], []
    for at in share(range(0, len(log), 97), everything(TEARS)):
        for end, content in (("", None), ("-wal", torn(log, at, how))):
            target = stage.folder / f"mirror.db{end}"
            Path(f"{target}-shm").unlink(missing_ok=True)
            shutil.copy(moment.mirror, target) if content is None else target.write_bytes(content)
        (stage.folder / "mirror.db-shm").unlink(missing_ok=True)
        try:
            with stage.app() as app:
                counts.append((at, len(app.mirror.outbox.listing("main"))))
        except ConnectorError as error:
            refused.append(error)
            continue
        with closing(sqlite3.connect(stage.folder / "mirror.db")) as mirror:
            assert mirror.execute("PRAGMA integrity_check").fetchone() == ("ok",), at
    assert all(remedy for _, remedy in map(words.explain, refused))
    assert len(counts) > len(refused)
    assert [count for _, count in counts] == sorted(count for _, count in counts)


def _log(mirror: Path) -> Path:
    return Path(f"{mirror}-wal")
