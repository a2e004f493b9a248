"""Starts the peer: an environment of its own with prestapyt, made once, and its script in there."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.processes import ROOT, Facts

SCRIPT = ROOT / "bench" / "peer_prestapyt.py"
NEEDS = ("prestapyt==0.11.1", "packaging")  # packaging: prestapyt falls back to distutils, which Python 3.12 dropped


def environment(folder: Path) -> Path:
    """The interpreter of the peer's environment. Raises RuntimeError when it cannot be made (no network)."""
    python = folder / "bin" / "python"
    if not _works(python):
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *NEEDS],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
    return python


def _works(python: Path) -> bool:
    command = [str(python), "-c", "import prestapyt"]
    return python.exists() and subprocess.run(command, capture_output=True, check=False).returncode == 0


def copy(python: Path, url: str, key: str, resources: list[str]) -> Facts:
    """The whole shop into a SQLite file that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="bench-peer-") as folder:
        command = [str(python), str(SCRIPT), url, key, f"{folder}/copy.db", *resources]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the peer failed: {done.stderr.strip()[-1000:]}")
    facts: Facts = json.loads(done.stdout)
    return facts
