"""The units: what systemd itself says about them, and what they promise."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from connector.errors import Exit
from tests.source import REPOSITORY

UNITS = REPOSITORY / "systemd"
SERVICES = ("prestashop-connector.service", "prestashop-connector-sync.service")
TIMER = "prestashop-connector-sync.timer"
EXPOSURE = 11  # tenths; what is left of it is the network


@pytest.fixture(scope="module")
def analyze():
    program = shutil.which("systemd-analyze")
    if program is None:
        say = "systemd-analyze is not installed (Debian: apt-get install systemd)"
        pytest.fail(say) if os.environ.get("CI") else pytest.skip(say)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, "--no-pager", *arguments], capture_output=True, text=True, timeout=60)

    return run


def directives(unit: str) -> list[tuple[str, str]]:
    lines = (UNITS / unit).read_text(encoding="utf-8").splitlines()
    return [(key, value) for line in lines if re.match(r"[A-Z]", line) for key, _, value in [line.partition("=")]]


def hardening(unit: str) -> list[tuple[str, str]]:
    found = directives(unit)
    return found[
        found.index(("User", "prestashop-connector")) : len(found) - (("WantedBy", "multi-user.target") in found)
    ]


def test_systemd_understands_the_units(analyze, tmp_path):
    """With a program that exists in place of ours: verify looks for it."""
    for unit in (*SERVICES, TIMER):
        text = (UNITS / unit).read_text(encoding="utf-8")
        (tmp_path / unit).write_text(text.replace("/usr/bin/prestashop-connector", shutil.which("true") or "/bin/true"))
    done = analyze(
        "verify", "--man=no", "--recursive-errors=no", *(str(tmp_path / unit) for unit in (*SERVICES, TIMER))
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")


@pytest.mark.parametrize("dropin", sorted(path.name for path in (UNITS / "dropins").glob("*.conf")))
def test_systemd_understands_a_drop_in_and_it_opens_nothing(analyze, tmp_path, dropin):
    for unit in SERVICES:
        text = (UNITS / unit).read_text(encoding="utf-8")
        (tmp_path / unit).write_text(text.replace("/usr/bin/prestashop-connector", shutil.which("true") or "/bin/true"))
        (tmp_path / f"{unit}.d").mkdir()
        shutil.copy(UNITS / "dropins" / dropin, tmp_path / f"{unit}.d")
    place = str(tmp_path / SERVICES[0])
    done = analyze("verify", "--man=no", "--recursive-errors=no", place)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert analyze("security", "--offline=true", f"--threshold={EXPOSURE}", place).returncode == 0


def test_fixed_addresses_leave_nothing_else_open(analyze, tmp_path):
    """Proof that a drop-in counts in these looks at all."""
    shutil.copy(UNITS / SERVICES[0], tmp_path)
    (tmp_path / f"{SERVICES[0]}.d").mkdir()
    shutil.copy(UNITS / "dropins" / "fixed-addresses.conf", tmp_path / f"{SERVICES[0]}.d")
    place = str(tmp_path / SERVICES[0])
    assert analyze("security", "--offline=true", f"--threshold={EXPOSURE - 1}", place).returncode == 0


@pytest.mark.parametrize("unit", SERVICES)
def test_the_service_is_shut_in(analyze, unit):
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", str(UNITS / unit))
    assert done.returncode == 0, done.stdout[-2000:]


def test_a_service_that_is_wide_open_would_be_noticed(analyze, tmp_path):
    (tmp_path / "open.service").write_text("[Service]\nExecStart=/bin/true\n")
    assert (
        analyze("security", "--offline=true", f"--threshold={EXPOSURE}", str(tmp_path / "open.service")).returncode != 0
    )


def test_both_services_are_shut_in_alike():
    assert hardening(SERVICES[0]) == hardening(SERVICES[1])
    assert len(hardening(SERVICES[0])) > 30


def test_what_only_a_person_can_mend_is_not_tried_again():
    found = dict(directives(SERVICES[0]))
    assert found["Type"] == "notify"
    assert found["Restart"] == "on-failure"
    assert {int(code) for code in found["RestartPreventExitStatus"].split()} == {
        Exit.USAGE,
        Exit.NO_PERMISSION,
        Exit.CONFIG,
    }
    assert found["ExecReload"] == "kill -HUP $MAINPID"
    assert found["StateDirectoryMode"] == "0700"
    assert int(found["TimeoutStopSec"]) > 10
    assert int(found["WatchdogSec"]) >= 60


def test_a_cycle_that_has_to_wait_is_no_failure():
    assert int(dict(directives(SERVICES[1]))["SuccessExitStatus"]) == Exit.TEMPORARY


def test_the_user_of_the_services_is_made_by_sysusers():
    text = (UNITS / "prestashop-connector.sysusers.conf").read_text(encoding="utf-8")
    user = dict(directives(SERVICES[0]))["User"]
    assert re.search(rf"^u {user} - ", text, re.MULTILINE)


def test_the_folders_belong_to_whom_the_services_expect():
    found = dict(directives(SERVICES[0]))
    text = (UNITS / "prestashop-connector.tmpfiles.conf").read_text(encoding="utf-8")
    user, state, settings = found["User"], found["StateDirectoryMode"], found["ConfigurationDirectoryMode"]
    assert f"d /var/lib/{found['StateDirectory']} {state} {user} {found['Group']} -" in text
    assert f"d /etc/{found['ConfigurationDirectory']} {settings} root {found['Group']} -" in text
    assert found["UMask"] == "0077"


def test_credentials_in_the_comments_have_names_that_the_settings_read():
    from connector.config.sources import SECRET_PATHS

    text = (UNITS / SERVICES[0]).read_text(encoding="utf-8")
    names = re.findall(r"^#LoadCredential=([^:]+):", text, re.MULTILINE)
    dropin = (UNITS / "dropins" / "credentials.conf").read_text(encoding="utf-8")
    assert set(re.findall(r"^LoadCredential=([^:]+):", dropin, re.MULTILINE)) <= set(names)
    assert len(names) == len(SECRET_PATHS)
    for pattern in SECRET_PATHS:
        assert any(re.fullmatch("__".join(part.replace("*", "[a-z]+") for part in pattern), name) for name in names)
