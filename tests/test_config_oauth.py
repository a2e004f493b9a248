"""Settings of a login by OAuth: what providers bring along, where secrets come from, pinned certificates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connector import config
from connector.errors import SettingsError
from connector.wiring.accounts import Accounts

BOX = "shops.main.mailboxes.service"
CREDENTIAL = "shops__main__mailboxes__service__oauth__"
ENV = "PRESTASHOP_CONNECTOR__SHOPS__MAIN__MAILBOXES__SERVICE__OAUTH__"
KEY_FILE = json.dumps({"client_email": "robot@project.test", "private_key": "-----BEGIN\nabc\n"}, indent=2)


def settings_of(folder: Path, oauth: str, environ: dict[str, str] | None = None, box: str = "") -> config.Settings:
    path = folder / "config.toml"
    path.write_text(
        f'state_dir = "{folder}"\n[shops.main]\nurl = "https://shop.example"\nkey = "K"\n[{BOX}]\n'
        f'host = "imap.example"\nuser = "service@shop.example"\n{box}\n[{BOX}.oauth]\n{oauth}\n'
    )
    path.chmod(0o600)
    return config.load(path, environ or {})


def grant_of(settings: config.Settings):
    return Accounts(settings).tokens("main", "service", smtp=False).grant


def test_google_needs_a_client_and_nothing_else(tmp_path):
    grant = grant_of(settings_of(tmp_path, 'provider = "google"\nclient_id = "1"\nclient_secret = "s"'))
    assert (grant.flow, grant.user) == ("authorization_code", "service@shop.example")
    assert (grant.token_url, grant.scope) == ("https://oauth2.googleapis.com/token", "https://mail.google.com/")
    assert grant.extras == {"access_type": "offline", "prompt": "consent"}


def test_a_key_file_makes_it_a_service_account(tmp_path):
    (tmp_path / "robot.json").write_text(KEY_FILE)
    (tmp_path / "robot.json").chmod(0o600)
    grant = grant_of(settings_of(tmp_path, 'provider = "google"\nservice_account_file = "robot.json"'))
    assert (grant.flow, grant.service_account, grant.client_id) == ("service_account", KEY_FILE, "")


def test_microsoft_asks_its_tenant_for_imap_smtp_and_lasting_consent(tmp_path):
    grant = grant_of(settings_of(tmp_path, 'provider = "microsoft"\nclient_id = "1"\ntenant = "shop.example"'))
    assert grant.flow == "device_code"
    assert grant.device_url == "https://login.microsoftonline.com/shop.example/oauth2/v2.0/devicecode"
    assert grant.scope.split()[-1] == "offline_access"
    assert len(grant.scope.split()) == 3


def test_the_client_itself_asks_microsoft_for_what_it_was_given(tmp_path):
    lines = 'provider = "microsoft"\nflow = "client_credentials"\nclient_id = "1"\ntenant = "t"\nclient_secret = "s"'
    grant = grant_of(settings_of(tmp_path, lines))
    assert (grant.scope, grant.needs_a_person) == ("https://outlook.office365.com/.default", False)


def test_own_endpoints_stand_in_for_the_providers(tmp_path):
    lines = 'provider = "google"\nclient_id = "1"\ntoken_url = "http://localhost:8080/token"\nscope = "mail"'
    grant = grant_of(settings_of(tmp_path, lines))
    assert (grant.token_url, grant.scope) == ("http://localhost:8080/token", "mail")


@pytest.mark.parametrize("source", ["toml", "file", "credential", "environment"])
@pytest.mark.parametrize("name", ["client_secret", "refresh_token", "service_account"])
def test_a_secret_of_oauth_comes_from_where_other_secrets_come_from(tmp_path, source, name):
    secret = json.dumps({"client_email": "a", "private_key": "b"}) if name == "service_account" else "geheim-1"
    for file in (tmp_path / "secret", tmp_path / f"{CREDENTIAL}{name}"):
        file.write_text(secret + "\n")
        file.chmod(0o600)
    lines = 'provider = "google"\n' + ("" if name == "service_account" else 'client_id = "1"\n')
    lines += {"toml": f"{name} = {json.dumps(secret)}", "file": f'{name}_file = "secret"'}.get(source, "")
    environ = {"credential": {"CREDENTIALS_DIRECTORY": str(tmp_path)}, "environment": {f"{ENV}{name.upper()}": secret}}
    if source != "credential":
        (tmp_path / f"{CREDENTIAL}{name}").unlink()
    settings = settings_of(tmp_path, lines, environ.get(source, {}))
    assert getattr(settings.shops["main"].mailboxes["service"].oauth, name).get_secret_value() == secret
    assert secret in config.secrets_of(settings)
    assert secret not in json.dumps(config.show(settings))


def test_two_sources_for_a_secret_of_oauth_are_an_error(tmp_path):
    with pytest.raises(SettingsError) as caught:
        settings_of(
            tmp_path, 'provider = "google"\nclient_id = "1"\nclient_secret = "a"', {f"{ENV}CLIENT_SECRET": "geheim-1"}
        )
    (problem,) = caught.value.problems
    assert (problem["key"], problem["expected"]) == (f"{BOX}.oauth.client_secret", "one source for a secret")
    assert "geheim-1" not in str(problem)


def test_fingerprints_are_taken_as_openssl_prints_them(tmp_path):
    shown = ":".join(["AB"] * 32)
    lines = 'provider = "google"\nclient_id = "1"'
    settings = settings_of(tmp_path, lines, box=f'pin_sha256 = ["{shown}"]\nverify_certificate = false')
    assert Accounts(settings).mailbox("main", "service").pins == ("ab" * 32,)
    assert settings.warnings == ()  # the pin proves more than the name would


def test_a_mailbox_with_a_password_knows_no_tokens(tmp_path):
    settings = settings_of(tmp_path, 'provider = "google"\nclient_id = "1"')
    text = (tmp_path / "config.toml").read_text().partition(f"[{BOX}.oauth]")[0] + 'password = "p"\n'
    (tmp_path / "config.toml").write_text(text)
    plain = config.load(tmp_path / "config.toml", {})
    assert Accounts(plain).mailbox("main", "service").tokens is None
    assert Accounts(plain).logins("main") == []
    assert [login.name for login in Accounts(settings).logins("main")] == ["service"]
