"""`init`: from nothing to a program that can be started, and never over what is there."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from connector import config, packagedata
from connector.cli.main import main, program
from connector.cli.session import Options
from connector.mirror.db import open_mirror
from connector.ops import user
from tests.source import REPOSITORY
from tests.support.world import PASSWORD, World

KEY = "GEHEIMEABCDEFGHIJKLMNPQRSTUVWXYZ"
ME = user.myself().name
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who alone may make files of others")


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Run one command on settings that are to be made; gives (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text(KEY + "\n")
    (tmp_path / "password").write_text(PASSWORD + "\n")

    def command(*arguments: str, file: Path = tmp_path / "etc" / "config.toml") -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(file), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


def init(run, *more: str, owner: str = ME) -> tuple[int, str, str]:
    flags = ("--url", "https://shop.example", "--key-file", "key", "--state-dir", "state", "--non-interactive")
    return run("init", *flags, "--user", owner, *more)


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):o}"


def test_with_flags_it_makes_settings_secrets_state_and_mirror_for_its_user_alone(run, tmp_path):
    code, out, _ = init(run)
    assert code == 0
    etc, state = tmp_path / "etc", tmp_path / "state"
    assert {path.relative_to(tmp_path).as_posix(): mode(path) for path in (etc, state, *etc.rglob("*"))} == {
        "etc": "700",
        "etc/config.toml": "600",
        "etc/secrets": "700",
        "etc/secrets/shops__main__key": "600",
        "state": "700",
    }
    assert {path.name: mode(path) for path in state.glob("*[bt]")} == {"mirror.db": "600", "instance.secret": "600"}
    assert KEY not in (etc / "config.toml").read_text() + out
    assert config.load(etc / "config.toml", {}).shops["main"].key.get_secret_value() == KEY
    assert run("status")[0] == 0


def test_the_file_explains_every_setting_as_the_example_does(run, tmp_path):
    init(run)
    explained = [line for line in (REPOSITORY / "config.example.toml").read_text().splitlines() if line[:2] == "# "]
    written = (tmp_path / "etc" / "config.toml").read_text().splitlines()
    assert [line for line in explained if line not in written] == []


def test_what_comes_next_are_commands_that_exist(run, tmp_path):
    _, out, _ = init(run)
    told = [line.split() for line in out.splitlines() if line.strip().startswith("prestashop-connector ")]
    assert len(told) >= 3
    for words in told:
        assert words[words.index("--config") + 2] in program.commands


def test_it_never_writes_over_anything(run, tmp_path):
    init(run)
    before = (tmp_path / "etc" / "config.toml").read_bytes()
    code, _, err = init(run)
    assert (code, "exists already; nothing was changed" in err) == (73, True)
    (tmp_path / "etc" / "config.toml").unlink()
    code, _, err = init(run)
    assert (code, "secrets/shops__main__key exists already" in err) == (73, True)
    assert not (tmp_path / "etc" / "config.toml").exists()
    assert before


def test_a_script_is_told_everything_that_is_missing_and_nothing_is_made(run, tmp_path):
    code, _, err = run("init", "--non-interactive", "--user", ME, "--mailbox", "imap.example")
    assert code == 64
    for option in ("--url", "--key-file", "--mailbox-user", "--mailbox-password-file"):
        assert option in err
    assert not (tmp_path / "etc").exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--url", "shop.example"), "shops.main.url"),
        (("--timezone", "Mars/Olympus"), "shops.main.timezone"),
        (("--mirror-url", "postgresql://me:geheim@db/mirror"), "mirror.url"),
    ],
)
def test_a_wrong_answer_is_told_as_a_wrong_setting_and_nothing_is_made(run, tmp_path, flags, said):
    code, _, err = init(run, *flags)
    assert code == 78
    assert f"{tmp_path / 'etc' / 'config.toml'}: {said}: found" in err
    assert "geheim" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "password"]


def test_an_empty_key_file_and_a_name_that_cannot_be_are_refused(run, tmp_path):
    (tmp_path / "key").write_text("\n")
    code, _, err = init(run)
    assert (code, "--key-file names a file without a secret" in err) == (64, True)
    assert init(run, "--shop", "Main")[0] == 64


def test_settings_made_so_work_with_a_shop_a_mailbox_and_a_mail_server(run, tmp_path):
    with World(tmp_path / "world") as world:
        known = config.load(world.config, {}).shops["main"]
        (box,), smtp = known.mailboxes.values(), known.smtp
        (tmp_path / "key").write_text(known.key.get_secret_value())
        flags = ["--url", known.url, "--shop", "eins", "--mailbox-name", "post", "--employee", "1"]
        flags += ["--mailbox", f"127.0.0.1:{box.port}", "--mailbox-user", box.user]
        flags += ["--mailbox-password-file", "password", "--mailbox-security", "plain"]
        flags += ["--smtp", f"127.0.0.1:{smtp.port}", "--smtp-security", "plain"]
        flags += ["--sender", "support@shop.test"]
        code, out, err = init(run, *flags)
        assert code == 0, err
        assert "stand as comments" not in out
        code, out, err = run("check-config", "--online")
        assert code == 0, err
        assert "mailbox eins.post: ok" in out
        assert run("sync", "--only", "pull", "--resource", "customers")[0] == 0


def test_on_a_terminal_it_asks_for_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("connector.cli.init._asks", lambda non_interactive: True)
    answers = ["https://shop.example", KEY, "imap.example", "service@shop.example", "p1", "smtp.example", "", "p2", ""]
    state = ["--state-dir", str(tmp_path / "state"), "--user", ME]
    place = {config.PATH_VARIABLE: str(tmp_path / "c.toml")}
    done = CliRunner().invoke(program, ["init", *state], input="\n".join([*answers, ""]), obj=Options(), env=place)
    assert done.exit_code == 0, done.output
    tree = tomllib.loads((tmp_path / "c.toml").read_text())["shops"]["main"]
    assert tree["mailboxes"]["service"] == {
        "host": "imap.example",
        "user": "service@shop.example",
        "password_file": "secrets/shops__main__mailboxes__service__password",
    } | {"security": "ssl"}
    assert tree["smtp"]["sender"] == tree["smtp"]["user"] == "service@shop.example"
    assert (tmp_path / "secrets" / "shops__main__smtp__password").read_text() == "p2\n"
    assert KEY not in done.output


def closed(path: Path) -> Path | None:
    """The folder above that others may not look into, as root's home is one."""
    return next((folder for folder in path.parents if not folder.stat().st_mode & stat.S_IXOTH), None)


@root_only
@pytest.mark.skipif(
    closed(REPOSITORY / "connector") is not None,
    reason=f"NOT CHECKED: no other user may look into {closed(REPOSITORY / 'connector')}; clone the project elsewhere",
)
def test_root_sets_it_up_for_the_services_user(run, tmp_path):
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.name.startswith(("pytest-", "popen-")):  # one more of them when tests run side by side
            folder.chmod(0o755)
    # An interpreter in a closed home, which a service's would never be, cannot be read by nobody any more.
    open_mirror(f"sqlite:///{tmp_path / 'other.db'}", packagedata.resources()).close()
    code, out, _ = init(run, owner="nobody")
    nobody = pwd.getpwnam("nobody")
    assert code == 0
    state, etc = tmp_path / "state", tmp_path / "etc"
    assert {path.stat().st_uid for path in (state, *state.iterdir())} == {nobody.pw_uid}
    for path, wanted in ((etc, "750"), (etc / "config.toml", "640"), (etc / "secrets" / "shops__main__key", "640")):
        assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (0, nobody.pw_gid, wanted)
    assert "sudo -u nobody prestashop-connector --config" in out
    code, _, err = run("status")  # as root
    assert (code, "sudo -u nobody prestashop-connector" in err) == (77, True)


@root_only
def test_a_program_that_the_services_user_cannot_read_is_told_before_anything_is_made(tmp_path):
    home = tmp_path / "home"
    for folder in ("connector", "mappings", "systemd"):
        shutil.copytree(REPOSITORY / folder, home / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "config.example.toml", home)
    home.chmod(0o700)
    (tmp_path / "key").write_text(KEY + "\n")
    at = ["--config", str(tmp_path / "etc" / "config.toml")]
    flags = ["--url", "https://shop.example", "--key-file", str(tmp_path / "key"), "--user", "nobody"]
    asked = subprocess.run(
        [*(sys.executable, "-m", "connector"), *at, "init", *flags, "--state-dir", "state", "--non-interactive"],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (asked.returncode, f"in {home}" in asked.stderr, "/opt" in asked.stderr) == (77, True, True), asked.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"home", "key"}
    assert not (home / "state").exists()


@root_only
def test_without_the_user_root_is_told_how_to_make_it(run):
    code, _, err = init(run, owner="nobody-of-that-name")
    assert (code, "systemd-sysusers" in err) == (73, True)


def test_a_state_directory_that_others_may_write_into_is_refused(run, tmp_path):
    init(run)
    (tmp_path / "state").chmod(0o770)
    code, _, err = run("status")
    assert (code, f"chmod 700 {tmp_path / 'state'}" in err) == (77, True)


def test_the_completion_of_each_shell_asks_the_program(run, monkeypatch, capsys):
    for shell in ("bash", "zsh", "fish"):
        code, out, _ = run("completion", shell)
        assert (code, "_PRESTASHOP_CONNECTOR_COMPLETE" in out) == (0, True)
        words = {"COMP_WORDS": "prestashop-connector mailbox au", "COMP_CWORD": "2" if shell != "fish" else "au"}
        for name, value in words.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("_PRESTASHOP_CONNECTOR_COMPLETE", f"{shell}_complete")
        code, out, _ = run()
        monkeypatch.delenv("_PRESTASHOP_CONNECTOR_COMPLETE")
        assert code == 0
        assert "authorize" in out
        assert "audit" in out
