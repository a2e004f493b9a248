"""What is in the wheel, and what must not be in the repository."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.source import REPOSITORY

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", ".demo", ".bench", "dist", "build", "*.egg-info", "tests"
)
TEXTS = {".py", ".toml", ".md", ".txt", ".conf", ".service", ".timer", ".yml", ".cfg", ".eml", ".xml", ".json", ""}


def build(kind: str, tmp_path: Path) -> Path:
    """Build from a copy, so that nothing is left in the checkout. Needs hatchling, no network."""
    copy = tmp_path / "checkout"
    if not copy.exists():
        shutil.copytree(REPOSITORY, copy, ignore=LEFT_OUT)
    target = tmp_path / kind
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (built,) = target.iterdir()
    return built


def build_wheel(tmp_path: Path) -> Path:
    """The wheel of this checkout, below `tmp_path`."""
    return build("wheel", tmp_path)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    with zipfile.ZipFile(build_wheel(tmp_path_factory.mktemp("build"))) as archive:
        yield archive


def repository_files() -> list[Path]:
    """Files that git knows or would add; without git (a source archive) all but generated ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    if done.returncode == 0:
        return [path for name in done.stdout.split("\0") if name and (path := REPOSITORY / name).is_file()]
    skip = {".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}
    return [path for path in REPOSITORY.rglob("*") if path.is_file() and not skip & set(path.parts)]


@pytest.mark.parametrize("folder", ["mappings", "systemd"])
def test_the_wheel_carries_the_data_that_the_program_reads(wheel, folder):
    there = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / folder).rglob("*") if path.is_file()}
    packed = {name.removeprefix("connector/data/") for name in wheel.namelist() if name.startswith("connector/data/")}
    assert there
    assert there <= packed


def test_the_wheel_carries_the_example_letter_by_letter(wheel):
    assert wheel.read("connector/data/config.example.toml") == (REPOSITORY / "config.example.toml").read_bytes()


def test_the_wheel_carries_every_module_and_every_file_beside_one(wheel):
    package = REPOSITORY / "connector"
    there = {p.relative_to(REPOSITORY).as_posix() for p in repository_files() if package in p.parents}
    assert there - set(wheel.namelist()) == set()


def test_the_wheel_carries_no_tests_and_nothing_else_at_its_root(wheel):
    roots = {name.split("/")[0] for name in wheel.namelist()}
    assert {root for root in roots if not root.endswith((".dist-info", ".data"))} == {"connector"}


def test_the_wheel_brings_the_manual_page_to_where_man_looks_for_it(wheel):
    (page,) = [name for name in wheel.namelist() if ".data/" in name]
    assert page.endswith(".data/data/share/man/man8/prestashop-connector.8")
    assert wheel.read(page) == (REPOSITORY / "docs" / "prestashop-connector.8").read_bytes()


def test_the_wheel_names_licence_and_program(wheel):
    text = {name.split("/", 1)[1]: name for name in wheel.namelist() if ".dist-info/" in name}
    assert wheel.read(text["licenses/LICENSE"]).startswith(b"MIT License")
    assert b"prestashop-connector = connector.entry:main" in wheel.read(text["entry_points.txt"])


def test_a_wheel_can_be_built_from_the_source_archive(tmp_path):
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {
        "pyproject.toml",
        "config.example.toml",
        "LICENSE",
        "README.md",
        "systemd/prestashop-connector.service",
    } <= names


def test_nothing_names_the_machine_it_was_written_on():
    here = "|".join(re.escape(f"{place}/") for place in (REPOSITORY, Path.home()) if place.name)
    machine = re.compile(rf"{here}|/tmp/[a-z]+\.md|/root/|/home/[a-z]+/|\.pyenv|/opt/[a-z-]*pypi|/opt/wheels")
    named = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in repository_files()
        if path.suffix in TEXTS and path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if machine.search(line)
    ]
    assert named == []


def test_make_targets_are_what_their_help_says():
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    described = set(re.findall(r"^# make (\w+)", text, re.MULTILINE))
    assert described == set(re.findall(r"^(\w+):", text, re.MULTILINE)) - {"help", "VENV", "BIN"}


def test_installed_from_the_wheel_in_an_empty_environment_the_demo_runs(tmp_path):
    wheel = build_wheel(tmp_path)
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, capture_output=True)
    python = environment / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-compile", f"{wheel}[sandbox]"]
    subprocess.run(install, check=True, capture_output=True, timeout=280)
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    program = environment / "bin" / "prestashop-connector"
    command = [str(program), "demo", "--orders", "20", "--genuine-speed"]
    told = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    assert "All of it went well" in told.stdout
