"""`mailbox authorize`, and what other commands say of a login that needs a person."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.cli.main import main
from connector.ops import events as ev
from connector.sandbox.smtp import SandboxSmtp
from tests.support.dovecot import Dovecot, require_dovecot
from tests.support.pulling import Heard
from tests.support.tokenserver import TokenServer
from tests.support.world import World


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[TokenServer, Dovecot]]:
    require_dovecot()
    with TokenServer() as tokens, Dovecot(introspect=f"{tokens.url}/introspect") as dovecot:
        yield tokens, dovecot


def oauth(tokens: TokenServer, table: str, flow: str) -> str:
    lines = "\n".join(f'{name} = "{value}"' for name, value in tokens.settings(flow).items())
    return f"[shops.main.{table}.oauth]\n{lines}\n"


def settings_file(
    folder: Path, tokens: TokenServer, dovecot: Dovecot, flow: str = "authorization_code", more: str = ""
) -> Path:
    folder.chmod(0o700)
    path = folder / "config.toml"
    path.write_text(
        f'state_dir = "{folder / "state"}"\n[shops.main]\nurl = "http://127.0.0.1:1"\nkey = "K"\n'
        f'[shops.main.mailboxes.support]\nhost = "{dovecot.host}"\nport = {dovecot.port}\nsecurity = "plain"\n'
        f'user = "{dovecot.user}"\ntimeout = 10\n{oauth(tokens, "mailboxes.support", flow)}{more}'
    )
    path.chmod(0o600)
    return path


def run(capsys: pytest.CaptureFixture[str], path: Path, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["--config", str(path), *arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in err + out
    return int(ended.value.code or 0), out, err


class Conversation:
    """The command in a process of its own, as on a server without a browser."""

    def __init__(self, path: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "connector", "--config", str(path), *arguments]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def until(self, begin: str) -> str:
        """The next line that begins so."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(begin):
                return line.strip()
        raise AssertionError(f"no line begins with {begin}: {self.process.communicate()}")

    def end(self, *typed: str) -> tuple[int, str, str]:
        out, err = self.process.communicate("".join(f"{line}\n" for line in typed), timeout=30)
        return self.process.returncode, out, err


def test_an_admin_pastes_the_address_that_the_browser_ended_at(
    running: tuple[TokenServer, Dovecot], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens, dovecot = running
    path = settings_file(tmp_path, tokens, dovecot)
    talk = Conversation(path, "mailbox", "authorize", "support")
    url = talk.until("http")
    code, out, err = talk.end("something else", tokens.agree(url))
    assert (code, "accepts the login" in out) == (0, True)
    assert "not the address that the browser ended at" in err
    assert "code-" not in out + err
    assert json.loads(run(capsys, path, "status", "--json")[1])["shops"][0]["reauthorise"] == {}


def test_the_wrong_account_is_noticed_while_the_admin_is_there(
    running: tuple[TokenServer, Dovecot], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens, dovecot = running
    path = settings_file(tmp_path, tokens, dovecot)
    path.write_text(path.read_text().replace(dovecot.user, "somebody.else@shop.test"))
    talk = Conversation(path, "mailbox", "authorize", "support")
    code, _, err = talk.end(tokens.agree(talk.until("http")))
    assert (code, "refuses a token that was made just now" in err) == (77, True)
    assert "oauth.token_refused" in run(capsys, path, "status")[1]


def test_ctrl_c_changes_nothing(running: tuple[TokenServer, Dovecot], tmp_path: Path) -> None:
    path = settings_file(tmp_path, *running)
    talk = Conversation(path, "mailbox", "authorize", "support")
    talk.until("   (Ctrl-C")
    talk.process.send_signal(signal.SIGINT)
    code, out, err = talk.end()
    assert (code, "Traceback" in out + err) == (130, False)
    assert not list((tmp_path).glob("state/oauth/*.json"))


def test_an_admin_types_a_code_on_another_device(
    running: tuple[TokenServer, Dovecot], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens, dovecot = running
    path = settings_file(tmp_path, tokens, dovecot, "device_code")
    tokens.device_agreed.set()
    code, out, _ = run(capsys, path, "mailbox", "authorize", "support")
    assert (code, "WDJB-MJHT" in out, "accepts the login" in out) == (0, True, True)


def test_a_login_without_a_person_is_tried(
    running: tuple[TokenServer, Dovecot], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens, dovecot = running
    path = settings_file(tmp_path, tokens, dovecot, "client_credentials")
    assert "needs no person" in run(capsys, path, "mailbox", "authorize", "support")[1]
    tokens.fail_next(503)
    path.write_text(path.read_text().replace('scope = "mail"', 'scope = "mails"'))
    assert run(capsys, path, "mailbox", "authorize", "support")[0] == 69


def test_the_mail_server_shares_the_consent_of_its_mailbox(
    running: tuple[TokenServer, Dovecot], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens, dovecot = running
    with SandboxSmtp(takes_token=lambda _, token: token in tokens._access) as smtp:
        more = (
            f'[shops.main.smtp]\nhost = "{smtp.host}"\nport = {smtp.port}\nsecurity = "plain"\n'
            f'user = "{dovecot.user}"\nsender = "{dovecot.user}"\n{oauth(tokens, "smtp", "device_code")}'
        )
        path = settings_file(tmp_path, tokens, dovecot, "device_code", more)
        reauthorise = json.loads(run(capsys, path, "status", "--json")[1])["shops"][0]["reauthorise"]
        assert reauthorise == {"support": "oauth.never_authorised", "smtp": "oauth.never_authorised"}
        tokens.device_agreed.set()
        assert run(capsys, path, "mailbox", "authorize", "smtp")[0] == 0
        assert smtp.logins == [dovecot.user]
        assert "reauthorise" not in run(capsys, path, "status")[1]


def test_an_account_without_oauth_is_named(
    running: tuple[TokenServer, Dovecot], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, settings_file(tmp_path, *running), "mailbox", "authorize", "smtp")
    assert (code, "there are: support" in err) == (65, True)


# --- while the program runs -------------------------------------------------------------------------------------------


@pytest.fixture
def world(running: tuple[TokenServer, Dovecot], tmp_path: Path) -> Iterator[World]:
    tokens, dovecot = running
    lines = "\n".join(f'oauth.{name} = "{value}"' for name, value in tokens.settings().items())
    login = f'{lines}\noauth.refresh_token = "{tokens.new_refresh_token()}"'
    here = World(tmp_path / "state", user=dovecot.user, login=login, with_smtp=False, mailbox_settings="")
    here.mailbox = dovecot  # type: ignore[assignment]  # host and port are all that is asked of it
    with here:
        dovecot_sent = here.config.read_text().replace('sent_folders = ["Sent"]', "")
        here.config.write_text(dovecot_sent)
        yield here


def test_a_dead_login_is_told_by_the_log_by_status_and_by_the_check(
    world: World, running: tuple[TokenServer, Dovecot], capsys: pytest.CaptureFixture[str]
) -> None:
    tokens, _ = running
    assert run(capsys, world.config, "sync")[0] == 0
    assert run(capsys, world.config, "check-config", "--online")[0] == 0
    tokens.withdraw()
    heard = Heard()
    with world.app() as app:
        app.events = heard  # type: ignore[assignment]
        world.sync(app=app, only=("collect",))
    (told,) = heard.of(ev.MAILBOX_REAUTHORISE_NEEDED)
    assert (told["shop"], told["mailbox"], told["error"]) == ("main", "support", "oauth.grant_dead")

    shop = json.loads(run(capsys, world.config, "status", "--json")[1])["shops"][0]
    assert shop["reauthorise"] == {"support": "oauth.grant_dead"}
    assert next(leg for leg in shop["legs"] if leg["leg"] == "collect")["counts"]["reauthorise"] == 1
    assert "mailbox authorize support" in run(capsys, world.config, "status")[1]
    code, out, err = run(capsys, world.config, "check-config", "--online")
    assert (code, "oauth.grant_dead" in out, "mailbox authorize support" in err) == (77, True, True)

    code, out, _ = run(capsys, world.config, "doctor", "--json")
    (dead,) = [one for one in json.loads(out)["checks"] if one["code"] == "oauth.grant_dead"]
    assert (code, dead["state"], "mailbox authorize support" in dead["remedy"]) == (77, "fail", True)
    (known,) = [
        one
        for one in json.loads(run(capsys, world.config, "doctor", "--offline", "--json")[1])["checks"]
        if one["state"] == "fail"
    ]
    assert (known["check"], known["code"]) == ("oauth.grant", "oauth.grant_dead")

    tokens.fail_next(503)  # trouble on top changes nothing of what is known
    assert run(capsys, world.config, "sync", "--only", "collect")[0] == 69
    assert "oauth.grant_dead" in run(capsys, world.config, "status")[1]
