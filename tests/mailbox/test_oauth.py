"""Logging in by OAuth: how tokens are had, kept and renewed, and what becomes of a dead one."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey

from connector.errors import (
    CannotCreate,
    DataError,
    Exit,
    MailboxMisconfigured,
    MailboxReauthorise,
    MailboxUnavailable,
    StateError,
)
from connector.mailbox.oauth import Grant
from connector.mailbox.oauth import TokenServer as Client
from connector.mailbox.tokens import Tokens
from connector.words import explain
from tests.support.tokenserver import TokenServer


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with TokenServer() as running:
        yield running


def grant(server: TokenServer, flow: str = "authorization_code", **changes: object) -> Grant:
    return replace(
        Grant(
            flow=flow,
            user=server.user,
            client_id=server.client_id,
            token_url=f"{server.url}/token",
            client_secret=server.client_secret,
            scope="mail",
            authorize_url=f"{server.url}/authorize",
            device_url=f"{server.url}/device",
            redirect_url="http://127.0.0.1:8400/",
            timeout=2,
        ),
        **changes,  # type: ignore[arg-type]
    )


def seeded(server: TokenServer, folder: Path, **changes: object) -> Tokens:
    """An account whose settings hold a refresh token."""
    return Tokens("support", grant(server, refresh_token=server.new_refresh_token(), **changes), folder)


def stored(folder: Path) -> dict[str, object]:
    (file,) = (folder / "oauth").glob("*.json")
    return json.loads(file.read_text())


# --- keeping and renewing ---------------------------------------------------------------------------------------------


def test_a_token_is_asked_for_once_and_shared_with_the_next_process(server: TokenServer, tmp_path: Path) -> None:
    tokens = seeded(server, tmp_path)
    first = tokens.access()
    assert tokens.access() == Tokens("support", tokens.grant, tmp_path).access() == first
    assert server.asked == ["refresh_token"]


def test_a_rotated_refresh_token_is_kept_and_used(server: TokenServer, tmp_path: Path) -> None:
    tokens = seeded(server, tmp_path)
    first = tokens.access()
    second = tokens.access(refused=first)
    third = Tokens("support", tokens.grant, tmp_path).access(refused=second)
    assert len({first, second, third}) == 3  # the server takes each refresh token once
    assert server.asked == ["refresh_token"] * 3


def test_a_server_that_does_not_rotate_keeps_its_refresh_token(server: TokenServer, tmp_path: Path) -> None:
    server.rotates = False
    tokens = seeded(server, tmp_path)
    tokens.access(refused=tokens.access())
    assert stored(tmp_path)["refresh_token"] == tokens.grant.refresh_token


def test_a_token_is_renewed_before_its_end(server: TokenServer, tmp_path: Path) -> None:
    now = time.time()
    tokens = seeded(server, tmp_path)
    first = tokens.access()
    later = Tokens("support", tokens.grant, tmp_path, now=lambda: now + server.lifetime - 30)
    assert later.access() != first


def test_tokens_are_readable_for_their_owner_alone(server: TokenServer, tmp_path: Path) -> None:
    seeded(server, tmp_path).access()
    files = [tmp_path / "oauth", *(tmp_path / "oauth").iterdir()]
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in files)
    assert not any("support" in path.name for path in files)


def test_no_secret_shows_in_what_python_prints(server: TokenServer, tmp_path: Path) -> None:
    tokens = seeded(server, tmp_path)
    shown = repr((tokens.grant, tokens.server.tokens(tokens.grant.refresh_token), tokens._read()))
    assert server.client_secret not in shown
    assert "refresh-" not in shown
    assert "access-" not in shown


def test_threads_and_processes_renew_one_after_the_other(server: TokenServer, tmp_path: Path) -> None:
    tokens = seeded(server, tmp_path)
    old = tokens.access()
    found: list[str] = []
    others = [
        threading.Thread(target=lambda: found.append(Tokens("support", tokens.grant, tmp_path).access(refused=old)))
        for _ in range(6)
    ]
    process = run_python(tokens, f"print(tokens.access(refused={old!r}))")
    for one in others:
        one.start()
    for one in others:
        one.join()
    said, _ = process.communicate(timeout=20)
    assert {*found, said.strip()} == {tokens.access()}
    assert server.asked == ["refresh_token"] * 2


def test_another_token_in_the_settings_is_taken_over(server: TokenServer, tmp_path: Path) -> None:
    tokens = seeded(server, tmp_path)
    tokens.access()
    server.withdraw()
    mended = seeded(server, tmp_path)
    assert mended.access() in server._access


def test_the_seed_is_not_used_again_after_it_was_exchanged(server: TokenServer, tmp_path: Path) -> None:
    tokens = seeded(server, tmp_path)
    tokens.access()
    assert stored(tmp_path)["refresh_token"] != tokens.grant.refresh_token
    assert Tokens("support", tokens.grant, tmp_path).access(refused=tokens.access()) in server._access


# --- dying in between -------------------------------------------------------------------------------------------------


def run_python(tokens: Tokens, code: str) -> subprocess.Popen[str]:
    g = tokens.grant
    fields = {name: getattr(g, name) for name in Grant.__dataclass_fields__}
    folder = str(tokens._folder.parent)
    begin = (
        "import sys, pathlib\nfrom connector.mailbox.oauth import Grant\nfrom connector.mailbox.tokens import Tokens\n"
        f"tokens = Tokens('support', Grant(**{fields!r}), pathlib.Path({folder!r}))\n"
    )
    return subprocess.Popen([sys.executable, "-c", begin + code], stdout=subprocess.PIPE, text=True)


def test_killed_between_rotation_and_saving_the_old_token_is_tried_again(tmp_path: Path) -> None:
    with TokenServer(grace=True) as server:
        tokens = seeded(server, tmp_path)
        first = tokens.access()
        kept = stored(tmp_path)
        process = run_python(tokens, f"tokens.access(refused={first!r})")
        server.before_answer = process.kill
        assert process.wait(20) == -signal.SIGKILL
        server.before_answer = lambda: None
        assert stored(tmp_path) == kept  # whole, and the lock went with its holder
        assert tokens.access(refused=first) in server._access


def test_a_strict_server_then_needs_a_person_and_it_is_said(server: TokenServer, tmp_path: Path) -> None:
    tokens = seeded(server, tmp_path)
    first = tokens.access()
    process = run_python(tokens, f"tokens.access(refused={first!r})")
    server.before_answer = process.kill
    process.wait(20)
    with pytest.raises(MailboxReauthorise, match=r"oauth\.grant_dead"):
        tokens.access(refused=first)
    assert tokens.state() == "oauth.grant_dead"


def test_ctrl_c_waits_until_the_new_token_is_on_disk(server: TokenServer, tmp_path: Path) -> None:
    tokens = seeded(server, tmp_path)
    process = run_python(tokens, "tokens.access()")
    server.before_answer = lambda: os.kill(process.pid, signal.SIGINT)
    assert process.wait(20) != 0
    assert stored(tmp_path)["refresh_token"] == server._refresh[-1]


def test_no_room_on_the_disk_is_met_before_the_server_is_asked(server: TokenServer, tmp_path: Path) -> None:
    (tmp_path / "oauth").write_text("a file where the folder should be")
    with pytest.raises(CannotCreate):
        seeded(server, tmp_path).access()
    assert server.asked == []


def test_what_the_disk_did_not_take_is_kept_and_stored_later(server: TokenServer, tmp_path: Path) -> None:
    tokens = seeded(server, tmp_path)
    server.before_answer = tokens._file.mkdir  # a folder cannot be replaced by a file
    with pytest.raises(StateError):
        tokens.access()
    server.before_answer = lambda: None
    tokens._file.rmdir()
    assert tokens.access() in server._access
    assert stored(tmp_path)["refresh_token"] == server._refresh[-1]
    assert server.asked == ["refresh_token"]


# --- dead, passing, wrong ---------------------------------------------------------------------------------------------


def test_a_withdrawn_consent_is_a_state_of_its_own_until_a_login_succeeds(server: TokenServer, tmp_path: Path) -> None:
    tokens = seeded(server, tmp_path)
    first = tokens.access()
    assert tokens.state() == ""
    server.withdraw()
    with pytest.raises(MailboxReauthorise) as caught:
        tokens.access(refused=first)
    assert caught.value.exit is Exit.NO_PERMISSION
    assert Tokens("support", tokens.grant, tmp_path).state() == "oauth.grant_dead"
    shown = " ".join(explain(caught.value))
    assert "mailbox authorize support" in shown
    assert "AADSTS70008" in shown
    assert "somebody" not in shown

    request = tokens.server.request()
    tokens.adopt(tokens.server.redeem(request, server.agree(request.url)))
    assert tokens.state() == ""
    assert tokens.access() in server._access


def test_an_account_that_nobody_agreed_to_says_so(server: TokenServer, tmp_path: Path) -> None:
    tokens = Tokens("support", grant(server), tmp_path)
    assert tokens.state() == "oauth.never_authorised"
    with pytest.raises(MailboxReauthorise, match=r"oauth\.never_authorised"):
        tokens.access()
    assert server.asked == []


def test_damaged_tokens_need_a_person_and_are_replaced(server: TokenServer, tmp_path: Path) -> None:
    tokens = seeded(server, tmp_path)
    tokens.access()
    tokens._file.write_text('{"half": ')
    assert tokens.state() == "oauth.file_damaged"
    with pytest.raises(MailboxReauthorise, match=r"oauth\.file_damaged"):
        tokens.access()
    request = tokens.server.request()
    tokens.adopt(tokens.server.redeem(request, server.agree(request.url)))
    assert tokens.access() in server._access


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (503, "<html>maintenance</html>", "text/html"),
        (500, '{"error": "invalid_grant"}', "application/json"),
        (429, '{"error": {"code": 429}}', "application/json"),
        (429, '{"error": "invalid_grant"}', "application/json"),
        (400, '{"error": "temporarily_unavailable"}', "application/json"),
    ],
)
def test_a_passing_fault_of_the_token_server_is_no_dead_token(
    server: TokenServer, tmp_path: Path, status: int, body: str, kind: str
) -> None:
    tokens = seeded(server, tmp_path)
    server.fail_next(status, body, kind)
    with pytest.raises(MailboxUnavailable) as caught:
        tokens.access()
    assert caught.value.exit is Exit.UNAVAILABLE
    assert tokens.state() == ""
    assert tokens.access() in server._access  # the same refresh token, a moment later


def test_a_token_server_that_is_gone_or_silent_is_a_passing_fault(tmp_path: Path) -> None:
    with TokenServer() as server:
        tokens = seeded(server, tmp_path, timeout=0.2)
        server.before_answer = lambda: time.sleep(0.6)
        with pytest.raises(MailboxUnavailable, match=r"oauth\.timeout"):
            tokens.access()
    with pytest.raises(MailboxUnavailable, match=r"oauth\.unreachable"):
        tokens.access()


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (200, "<html>a login page</html>", "text/html", "oauth.endpoint"),
        (200, "[]", "application/json", "oauth.endpoint"),
        (200, "{}", "application/json", "oauth.endpoint"),
        (200, '{"access_token": "a b\\u0001"}', "application/json", "oauth.endpoint"),
        (302, "", "text/html", "oauth.endpoint"),
        (404, "<html>", "text/html", "oauth.endpoint"),
        (403, "<html>", "text/html", "oauth.unavailable"),
        (400, '{"error": "invalid_scope"}', "application/json", "oauth.refused"),
        (400, '{"error": {"code": 7}}', "application/json", "oauth.refused"),
    ],
)
def test_an_answer_that_is_none_is_a_matter_of_settings(
    server: TokenServer, tmp_path: Path, status: int, body: str, kind: str, code: str
) -> None:
    tokens = seeded(server, tmp_path)
    server.fail_next(status, body, kind)
    with pytest.raises((MailboxMisconfigured, MailboxUnavailable)) as caught:
        tokens.access()
    assert caught.value.code == code
    assert tokens.state() == ""


def test_a_secret_that_ran_out_needs_a_person(server: TokenServer, tmp_path: Path) -> None:
    tokens = seeded(server, tmp_path, client_secret="run-out")
    with pytest.raises(MailboxReauthorise, match=r"oauth\.client_refused") as caught:
        tokens.access()
    assert "run-out" not in str(caught.value)
    assert tokens.state() == "oauth.client_refused"


# --- flows ------------------------------------------------------------------------------------------------------------


def test_client_credentials_need_no_person(server: TokenServer, tmp_path: Path) -> None:
    tokens = Tokens("support", grant(server, "client_credentials"), tmp_path)
    assert tokens.state() == ""
    assert tokens.access() in server._access
    assert server.asked == ["client_credentials"]


def test_a_service_account_signs_for_the_account_it_stands_for(server: TokenServer, tmp_path: Path) -> None:
    server.service_key = key = RSAKey.generate_key(2048)
    private = key.as_pem(private=True).decode()
    account = json.dumps({"client_email": "robot@project.test", "private_key": private})
    tokens = Tokens("support", grant(server, "service_account", service_account=account), tmp_path)
    assert tokens.access() in server._access
    stranger = Tokens("support", replace(tokens.grant, user="boss@shop.test"), tmp_path)
    with pytest.raises(MailboxReauthorise, match=r"oauth\.client_refused"):
        stranger.access()
    broken = json.dumps({"client_email": "robot@project.test", "private_key": "no key"})
    with pytest.raises(MailboxMisconfigured, match=r"oauth\.service_account"):
        Client("support", replace(tokens.grant, service_account=broken)).tokens()


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"state": "forged"}, DataError, "oauth.pasted"),
        ({"code": ""}, DataError, "oauth.pasted"),
        ({"code": "", "error": "access_denied"}, MailboxReauthorise, "oauth.denied"),
        ({"code": "made-up"}, MailboxReauthorise, "oauth.grant_dead"),
    ],
)
def test_only_the_answer_to_our_own_request_is_taken(
    server: TokenServer, changes: dict[str, str], error: type[Exception], code: str
) -> None:
    client = Client("support", grant(server))
    request = client.request()
    with pytest.raises(error) as caught:
        client.redeem(request, server.agree(request.url, **changes))
    assert getattr(caught.value, "code", "") == code


def test_a_consent_that_does_not_last_is_refused_at_once(server: TokenServer) -> None:
    server.rotates = False
    server.new_refresh_token()
    client = Client("support", grant(server))
    request = client.request()
    with pytest.raises(MailboxMisconfigured, match=r"oauth\.no_refresh_token"):
        client.redeem(request, server.agree(request.url))


def test_a_device_waits_for_the_person(server: TokenServer) -> None:
    client = Client("support", grant(server, "device_code"))
    device = client.device()
    assert client.poll(device) == 0.0
    server.fail_next(400, '{"error": "slow_down"}')
    assert client.poll(device) == 5.0
    server.fail_next(400, '{"error": "expired_token"}')
    with pytest.raises(MailboxUnavailable, match=r"oauth\.too_late"):
        client.poll(device)
    server.device_agreed.set()
    answer = client.poll(device)
    assert not isinstance(answer, float)
    assert answer.refresh_token in server._refresh
