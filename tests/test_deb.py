"""The Debian package: what is in it, and what installing it does to a system (an empty one in a folder)."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.source import REPOSITORY

BUILD = REPOSITORY / "packaging" / "deb" / "build"
DEBIANS_PYTHON = Path("/usr/bin/python3")


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """Built without the libraries, which come from the package index and take a minute."""
    for program in ("dpkg-deb", "gzip"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: Debian packages are built on Debian")
    check = [str(DEBIANS_PYTHON), "-c", "import sys, venv; raise SystemExit(sys.version_info < (3, 11))"]
    if not DEBIANS_PYTHON.exists() or subprocess.run(check, capture_output=True).returncode:
        pytest.skip("Debian's own Python 3.11 or newer is not installed (apt-get install python3)")
    command = [str(BUILD), sys.executable, str(tmp_path_factory.mktemp("deb")), "--no-dependencies"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env={**os.environ, "DEB_LEVEL": "0"})
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["dpkg-deb", "--raw-extract", str(package), str(folder)], check=True, timeout=60)
    return folder


def test_everything_is_where_debian_looks_for_it(unpacked):
    for path in (
        "usr/lib/systemd/system/prestashop-connector.service",
        "usr/lib/systemd/system/prestashop-connector-sync.service",
        "usr/lib/systemd/system/prestashop-connector-sync.timer",
        "usr/lib/sysusers.d/prestashop-connector.conf",
        "usr/lib/tmpfiles.d/prestashop-connector.conf",
        "usr/share/man/man8/prestashop-connector.8.gz",
        "usr/share/bash-completion/completions/prestashop-connector",
        "usr/share/zsh/vendor-completions/_prestashop-connector",
        "usr/share/fish/vendor_completions.d/prestashop-connector.fish",
        "usr/share/doc/prestashop-connector/config.example.toml",
        "usr/share/doc/prestashop-connector/copyright",
        "opt/prestashop-connector/lib/python3.11/site-packages/connector/data/config.example.toml".replace(
            "python3.11", next((unpacked / "opt/prestashop-connector/lib").glob("python3.*")).name
        ),
    ):
        assert (unpacked / path).stat().st_size > 0, path
    started = dict(
        line.split("=", 1)
        for line in (unpacked / "usr/lib/systemd/system/prestashop-connector.service").read_text().splitlines()
        if line.startswith("ExecStart=")
    )
    program = unpacked / started["ExecStart"].split()[0].lstrip("/")
    assert os.readlink(program) == "/opt/prestashop-connector/bin/prestashop-connector"


def test_it_runs_on_debians_python_and_tells_nothing_of_where_it_was_built(unpacked, package):
    home = unpacked / "opt/prestashop-connector"
    first = (home / "bin/prestashop-connector").read_text().splitlines()[:2]
    assert "/opt/prestashop-connector/bin/python" in " ".join(first)
    assert os.path.realpath(home / "bin/python3") == os.path.realpath(DEBIANS_PYTHON)
    built_at = str(package.parent).encode()
    telling = [
        path.relative_to(unpacked).as_posix()
        for path in unpacked.rglob("*")
        if path.is_file() and not path.is_symlink() and built_at in path.read_bytes()
    ]
    assert telling == []


def test_all_code_is_compiled_since_the_service_may_write_nothing_there(unpacked):
    package = next((unpacked / "opt/prestashop-connector/lib").glob("python3.*/site-packages/connector"))
    for path in package.rglob("*.py"):
        assert list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc")), path


def test_it_depends_on_the_python_that_it_was_built_with(unpacked):
    control = (unpacked / "DEBIAN/control").read_text()
    low, high = re.findall(r"python3 \([<>]+=? 3\.(\d+)~\)", control)
    assert int(high) == int(low) + 1
    assert "@" not in re.sub(r"<.*@.*>", "", control)


def test_nobody_but_root_owns_or_writes_what_is_in_it(package):
    listed = subprocess.run(["dpkg-deb", "--contents", str(package)], capture_output=True, text=True, timeout=60)
    lines = [line.split() for line in listed.stdout.splitlines()]
    assert {line[1] for line in lines} == {"root/root"}
    assert [line for line in lines if line[0][0] != "l" and "w" in line[0][4:]] == []


@pytest.fixture
def system(tmp_path) -> Path:
    """An empty Debian in a folder, as far as dpkg can tell."""
    if os.geteuid() != 0:
        pytest.skip("needs root: installing makes files of other users")
    for program in ("dpkg", "systemd-sysusers", "systemd-tmpfiles"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "var/lib"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / "var/lib/dpkg/status").touch()
    return tmp_path


def dpkg(system: Path, *arguments: str) -> str:
    force = ["--force-script-chrootless", "--force-depends", "--force-unsafe-io"]
    command = ["dpkg", f"--root={system}", f"--log={system}/log", *force, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_installing_makes_the_user_and_its_folders_and_enables_nothing(system, package):
    assert "prestashop-connector init" in dpkg(system, "--install", str(package))
    users = dict(line.split(":")[0:3:2] for line in (system / "etc/passwd").read_text().splitlines())
    uid = int(users["prestashop-connector"])
    state, settings = system / "var/lib/prestashop-connector", system / "etc/prestashop-connector"
    assert (state.stat().st_uid, stat.S_IMODE(state.stat().st_mode)) == (uid, 0o700)
    assert (settings.stat().st_uid, stat.S_IMODE(settings.stat().st_mode)) == (0, 0o750)
    assert list(settings.rglob("*.toml")) == []
    assert list((system / "etc").glob("systemd/**/*")) == []

    (settings / "config.toml").write_text("# a person's\n")
    (state / "mirror.db").write_text("mails\n")
    assert "init" not in dpkg(system, "--install", str(package))  # an upgrade
    assert "Left as it is" in dpkg(system, "--purge", "prestashop-connector")
    assert (state / "mirror.db").exists()
    assert (settings / "config.toml").exists()
    assert not (system / "opt/prestashop-connector/bin").exists()
