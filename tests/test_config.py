"""Settings: every source, every wrong file with its message, and the example that must not lag the models."""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
import threading
import tomllib
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from connector import config
from connector.config.lines import key_lines, line_of
from connector.config.values import at_home
from connector.errors import CannotCreate, Exit, NotPermitted, SettingsError, StateError
from connector.words import explain

HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "config.example.toml"
KEY = "ABCDEFGHIJKLMNPQRSTUVWXYZ1234567"
OTHER_KEY = "7654321ZYXWVUTSRQPNMLKJIHGFEDCBA"
SHOP = '[shops.main]\nurl = "https://shop.example"\n'
BOX = '[shops.main.mailboxes.service]\nhost = "imap.example"\nuser = "service"\n'
ENV = "PRESTASHOP_CONNECTOR__SHOPS__MAIN__"


@pytest.fixture
def write(tmp_path):
    def write(text: str, name: str = "config.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    return write


def message(path: Path | None, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        config.load(path, environ or {})
    assert caught.value.exit is Exit.CONFIG
    return "\n".join(explain(caught.value))


# --- wrong files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", sorted(p.parent for p in HERE.glob("configs/*/config.toml")), ids=lambda p: p.name)
def test_a_wrong_file_gets_an_error_that_names_place_and_remedy_but_no_secret(folder):
    shown = message(folder / "config.toml")
    for part in (folder / "expected-error").read_text(encoding="utf-8").splitlines():
        assert part in shown
    assert str(folder / "config.toml") in shown
    assert "check-config" in shown
    assert "geheim-1" not in shown
    assert KEY not in shown
    assert "hidden key" not in shown


def test_every_problem_is_told_at_once_in_all_places(write):
    shown = message(write(SHOP + "page_size = 0\nhello = 1\n" + BOX + "port = 0\n"), {ENV + "EMPLOYEE": "x"})
    for key in ("page_size", "hello", "key:", "service.port", "service.password", "employee"):
        assert re.search(rf" shops\.[a-z.]*{key}", shown)
    assert f"environment variable {ENV}EMPLOYEE" in shown


def test_a_missing_file_is_named(tmp_path):
    assert f"{tmp_path / 'nowhere.toml'}: found no such file" in message(tmp_path / "nowhere.toml")


def test_a_file_that_may_not_be_read_is_named(tmp_path):
    assert f"{tmp_path}: found Is a directory" in message(tmp_path)


def test_a_byte_order_mark_is_no_error(write):
    assert config.load(write("\ufeff" + SHOP + f'key = "{KEY}"\n'), {}).shops["main"].page_size == 1000


# --- sources --------------------------------------------------------------------------------------------------------


def test_the_environment_names_the_file_when_the_command_line_does_not(write):
    path = write(SHOP + f'key = "{KEY}"\n')
    assert "main" in config.load(None, {config.PATH_VARIABLE: str(path)}).shops


def test_the_environment_beats_the_file(write):
    path = write(SHOP + f'key = "{KEY}"\nread_timeout = 30\nemployee = 4\n')
    shop = config.load(path, {ENV + "READ_TIMEOUT": "45"}).shops["main"]
    assert (shop.read_timeout, shop.employee) == (45, 4)


def test_the_environment_alone_is_enough(monkeypatch, tmp_path):
    monkeypatch.setattr("connector.config.loader.DEFAULT_PATH", tmp_path / "not-there.toml")
    environ = {ENV + "URL": "https://shop.example", ENV + "KEY": KEY, ENV + "MAILBOXES__HELP__HOST": "imap.example"}
    environ |= {ENV + "MAILBOXES__HELP__USER": "u", ENV + "MAILBOXES__HELP__PASSWORD": "1234"}
    environ |= {ENV + "MAILBOXES__HELP__FOLDERS": "INBOX, Support", ENV + "MAILBOXES__HELP__SENT_FOLDERS": '["Sent"]'}
    box = config.load(None, environ).shops["main"].mailboxes["help"]
    assert box.folders == ("INBOX", "Support")
    assert box.sent_folders == ("Sent",)
    assert box.password.get_secret_value() == "1234"


@pytest.mark.parametrize("password", ["1234", "true", "null", '{"a": 1}', "[1]", "a,b", " blank at the ends "])
def test_a_password_of_the_environment_is_taken_letter_by_letter(write, password):
    path = write(SHOP + f'key = "{KEY}"\n' + BOX)
    box = config.load(path, {ENV + "MAILBOXES__SERVICE__PASSWORD": password}).shops["main"].mailboxes["service"]
    assert box.password.get_secret_value() == password


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("PRESTASHOP_CONNECTOR__SHOP__MAIN__URL", "did you mean shops?"),
        (ENV + "KEYY", "did you mean key?"),
        ("PRESTASHOP_CONNECTOR__", "no such setting"),
    ],
)
def test_a_variable_that_nobody_reads_is_an_error(write, name, said):
    shown = message(write(SHOP + f'key = "{KEY}"\n'), {name: "geheim-1"})
    assert f"environment variable {name}" in shown
    assert said in shown
    assert "geheim-1" not in shown


def credentials(tmp_path: Path, **files: str) -> dict[str, str]:
    folder = tmp_path / "credentials"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o400)
    return {"CREDENTIALS_DIRECTORY": str(folder)}


def test_secrets_come_from_credential_files(write, tmp_path):
    smtp = '[shops.main.smtp]\nhost = "smtp.example"\nuser = "u"\nsender = "a@shop.example"\n'
    environ = credentials(
        tmp_path,
        shops__main__key=KEY + "\n",
        shops__main__mailboxes__service__password="in the credential\r\n",
        shops__main__smtp__password="p",
        instance_secret="0123456789abcdef",
        somebody_elses="x",
    )
    loaded = config.load(write(SHOP + BOX + smtp), environ)
    shop = loaded.shops["main"]
    assert shop.key.get_secret_value() == KEY
    assert shop.mailboxes["service"].password.get_secret_value() == "in the credential"
    assert shop.smtp is not None
    assert shop.smtp.password is not None
    assert config.ensure_instance_secret(loaded) == "0123456789abcdef"
    assert sorted(config.secrets_of(loaded)) == sorted([KEY, "in the credential", "p", "0123456789abcdef"])


def test_a_credential_for_a_shop_that_is_not_set_is_an_error(write, tmp_path):
    environ = credentials(tmp_path, shops__mian__key=KEY, shops__main__kex=KEY)
    shown = message(write(SHOP + f'key = "{OTHER_KEY}"\n'), environ)
    assert "credential shops__mian__key: shops.mian.key: found none, expected settings for shops.mian" in shown
    assert "credential shops__main__kex: shops.main.kex: found no such secret" in shown


def test_an_empty_credential_is_an_error_and_not_also_missing(write, tmp_path):
    shown = message(write(SHOP), credentials(tmp_path, shops__main__key="\n"))
    assert "credential shops__main__key: shops.main.key: found an empty file" in shown
    assert shown.count("shops.main.key") == 1


@pytest.mark.parametrize("pair", [("env", "toml"), ("env", "credential"), ("credential", "toml"), ("env", "file")])
def test_two_sources_for_one_secret_are_an_error(write, tmp_path, pair):
    write(KEY, "key.txt")
    environ = credentials(tmp_path, shops__main__key=KEY) if "credential" in pair else {}
    environ |= {ENV + "KEY": KEY} if "env" in pair else {}
    line = f'key = "{KEY}"' if "toml" in pair else 'key_file = "key.txt"' if "file" in pair else ""
    shown = message(write(SHOP + line), environ)
    assert "expected one source for a secret" in shown
    assert KEY not in shown


def test_a_secret_file_is_found_beside_the_settings_and_loses_its_line_end(write):
    write(KEY + "\n", "key.txt")
    loaded = config.load(write(SHOP + 'key_file = "key.txt"\n'), {})
    assert loaded.shops["main"].key.get_secret_value() == KEY
    assert loaded.warnings == ()


def test_a_secret_file_that_everybody_may_read_is_warned_about(write):
    write(KEY, "key.txt").chmod(0o644)
    (warning,) = config.load(write(SHOP + 'key_file = "key.txt"\n'), {}).warnings
    assert "shops.main.key_file: everybody on this machine may read" in warning


def test_the_state_directory_is_systemds_unless_set(write):
    path = write(SHOP + f'key = "{KEY}"\n')
    assert config.load(path, {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}).state_dir == Path("/var/lib/a")
    assert config.load(path, {}).state_dir == Path("/var/lib/prestashop-connector")
    assert config.load(path, {}).mirror_url == "sqlite:////var/lib/prestashop-connector/mirror.db"
    own = write('state_dir = "state"\n[mirror]\nurl = "sqlite:///other.db"\n' + SHOP + f'key = "{KEY}"\n')
    loaded = config.load(own, {"STATE_DIRECTORY": "/var/lib/a"})
    assert loaded.state_dir == own.parent / "state"
    assert loaded.mirror_url == f"sqlite:///{own.parent}/state/other.db"


# --- the mirror on PostgreSQL ---------------------------------------------------------------------------------------

POSTGRES = '[mirror]\nurl = "postgresql://me@db.example:5433/mirror?sslmode=verify-full"\n'


@pytest.mark.parametrize("source", ["toml", "file", "credential", "environment", "none"])
def test_the_password_of_the_database_comes_from_one_source_and_is_never_shown(write, tmp_path, source):
    write("geheim-1\n", "password.txt")
    line = {"toml": 'password = "geheim-1"\n', "file": 'password_file = "password.txt"\n'}.get(source, "")
    environ = credentials(tmp_path, mirror__password="geheim-1") if source == "credential" else {}
    if source == "environment":
        environ = {"PRESTASHOP_CONNECTOR__MIRROR__PASSWORD": "geheim-1"}
    loaded = config.load(write(POSTGRES + line + SHOP + f'key = "{KEY}"\n'), environ)
    assert loaded.mirror_url == "postgresql://me@db.example:5433/mirror?sslmode=verify-full"
    assert loaded.mirror_password == ("" if source == "none" else "geheim-1")
    assert ("geheim-1" in config.secrets_of(loaded)) == (source != "none")
    for shown in (repr(loaded), loaded.model_dump_json(), json.dumps(config.show(loaded))):
        assert "geheim-1" not in shown
    assert config.show(loaded)["mirror"]["password"] == ("" if source == "none" else "********")


def test_two_sources_for_the_password_of_the_database_are_an_error(write, tmp_path):
    shown = message(
        write(POSTGRES + 'password = "geheim-1"\n' + SHOP + f'key = "{KEY}"\n'),
        credentials(tmp_path, mirror__password="geheim-2"),
    )
    assert "mirror.password: found the credential mirror__password and password in" in shown
    assert "geheim" not in shown


def test_a_misspelt_credential_of_the_mirror_is_named(write, tmp_path):
    shown = message(write(POSTGRES + SHOP + f'key = "{KEY}"\n'), credentials(tmp_path, mirror__pasword="geheim-1"))
    assert "credential mirror__pasword: mirror.pasword: found no such secret" in shown


@pytest.mark.parametrize("url", ["postgresql://me@/mirror?host=/run/postgresql", "postgresql://me@localhost/mirror"])
def test_a_database_on_this_machine_needs_no_encryption(write, url):
    assert config.load(write(f'[mirror]\nurl = "{url}"\n' + SHOP + f'key = "{KEY}"\n'), {}).warnings == ()


def test_an_unverified_database_server_elsewhere_is_warned_about(write):
    text = '[mirror]\nurl = "postgresql://me@db.example/mirror"\n' + SHOP + f'key = "{KEY}"\n'
    (warning,) = config.load(write(text), {}).warnings
    assert warning.startswith("mirror.url: without sslmode=verify-full")


# --- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://Shop.example/", "https://shop.example"),
        ("https://shop.example/fr/api/", "https://shop.example/fr"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_the_address_is_put_into_one_form(write, written, meant):
    assert config.load(write(f'[shops.main]\nurl = "{written}"\nkey = "{KEY}"\n'), {}).shops["main"].url == meant


@pytest.mark.parametrize(("security", "port"), [("ssl", 993), ("starttls", 143), ("plain", 143)])
def test_the_port_follows_the_security(write, security, port):
    text = SHOP + f'key = "{KEY}"\n' + BOX + f'password = "p"\nsecurity = "{security}"\n'
    assert config.load(write(text), {}).shops["main"].mailboxes["service"].port == port


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('reply_address = "support+x@shop.example"', "an address without +"),
        (f'reply_address = "{"a" * 31}@shop.example"', "at most 30 characters"),
        ('reply_address = "support"', "a bare e-mail address"),
        ('authserv_id = "mx.shop.example; dmarc=pass"', "authserv_id"),
        ('dmarc_fail = "accept"', "dmarc_fail"),
    ],
)
def test_what_proves_a_sender_is_checked(write, line, shown):
    assert shown in message(write(SHOP + f'key = "{KEY}"\n' + BOX + f'password = "p"\n{line}\n'))


@pytest.mark.parametrize(
    ("box", "smtp", "shown"),
    [
        ('sender = "orders@shop.example"\ncontact = 0', "", "together with `contact`"),
        ('sender = "orders"\ncontact = 2', "", "a bare e-mail address"),
        ("", 'copy_mailbox = "sales"', "copy_mailbox: the name of one of this shop's mailboxes (service)"),
        ("", 'copy_mailbox = "service"\ncopy_folder = ""', "copy_folder"),
    ],
)
def test_where_answers_come_from_and_are_filed_is_checked(write, box, smtp, shown):
    text = SHOP + f'key = "{KEY}"\n' + BOX + f'password = "p"\n{box}\n'
    text += f'[shops.main.smtp]\nhost = "smtp.example"\nsender = "a@shop.example"\n{smtp}\n'
    assert shown in message(write(text))


def test_what_is_allowed_but_unwise_is_warned_about(write):
    text = f"""
        [shops.main]
        url = "http://shop.example"
        key = "{KEY}"
        verify_tls = false
        [shops.main.mailboxes.a]
        host = "imap.example"
        user = "u"
        password = "p"
        security = "plain"
        [shops.main.smtp]
        host = "smtp.example"
        sender = "a@shop.example"
        verify_certificate = false
    """
    warnings = config.load(write(text), {}).warnings
    assert [warning.split(":")[0] for warning in warnings] == [
        "shops.main.url",
        "shops.main.verify_tls",
        "shops.main.mailboxes.a.security",
        "shops.main.smtp.verify_certificate",
    ]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "shop.localhost"])
def test_this_machine_needs_no_encryption(write, host):
    assert config.load(write(f'[shops.main]\nurl = "http://{host}"\nkey = "{KEY}"\n'), {}).warnings == ()


def test_settings_cannot_be_changed_and_never_print_a_secret(write):
    loaded = config.load(write(SHOP + f'key = "{KEY}"\n'), {})
    with pytest.raises(ValidationError):
        loaded.shops["main"].page_size = 5
    for shown in (repr(loaded), str(loaded), loaded.model_dump_json(), json.dumps(config.show(loaded))):
        assert KEY not in shown


@settings(deadline=None, max_examples=100)
@given(st.text(min_size=1, max_size=40).filter(lambda t: t.strip() and t not in "key nothing settings shops.main"))
def test_no_key_however_odd_is_shown_in_an_error(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.toml"
        path.write_text(
            f"{SHOP}key = {json.dumps('<<' + text + '>>')}\npage_size = 0\n", encoding="utf-8", errors="replace"
        )
        assert f"<<{text}>>" not in message(path)


_WORDS = """shops main url key key_file mailboxes smtp host port user password folders since after log level mirror pop3
    state_dir a__b"""
_NAMES = st.sampled_from(_WORDS.split())
_TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 70000), st.text(max_size=8), st.dates(), st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=4)),
    max_leaves=12,
)


def test_a_home_that_nobody_has_is_a_file_that_is_not_there():
    assert at_home("~0/key") == Path("~0/key")
    assert at_home("~/key") == Path.home() / "key"


@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(_NAMES, _TREES, min_size=1, max_size=4), st.dictionaries(_NAMES, st.text(max_size=5), max_size=2)
)
def test_any_odd_tree_gives_a_list_of_problems_one_line_each(tree, variables):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.toml"
        path.write_text("".join(f"{name} = {as_toml(value)}\n" for name, value in tree.items()), encoding="utf-8")
        environ = {f"PRESTASHOP_CONNECTOR__SHOPS__MAIN__{name.upper()}": text for name, text in variables.items()}
        with pytest.raises(SettingsError) as caught:
            config.load(path, environ)
    assert caught.value.problems
    assert len(explain(caught.value)[0].splitlines()) == len(caught.value.problems) + 1


def as_toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {as_toml(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_toml(inner) for inner in value) + "]"
    if isinstance(value, float):
        return str(value)
    return json.dumps(value if isinstance(value, (str, int)) else str(value)).replace("\x7f", "\\u007f")


# --- the instance secret --------------------------------------------------------------------------------------------


def own_state(write, extra: str = "") -> config.Settings:
    return config.load(write(f'state_dir = "state"\n{extra}\n' + SHOP + f'key = "{KEY}"\n'), {})


def test_the_instance_secret_is_made_once_for_its_owner_only(write):
    loaded = own_state(write, 'old_instance_secrets = ["an old one, long enough"]')
    secret = config.ensure_instance_secret(loaded)
    assert len(secret) > 40
    assert config.instance_secrets(loaded) == (secret, "an old one, long enough")
    path = loaded.state_dir / "instance.secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["instance.secret"]


def test_everybody_who_starts_at_once_gets_the_same_instance_secret(write):
    loaded, found = own_state(write), []
    threads = [threading.Thread(target=lambda: found.append(config.ensure_instance_secret(loaded))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_damaged_instance_secret_is_refused_not_replaced(write):
    loaded = own_state(write)
    loaded.state_dir.mkdir()
    (loaded.state_dir / "instance.secret").write_text("")
    with pytest.raises(StateError, match=r"state\.secret_damaged"):
        config.ensure_instance_secret(loaded)


def test_a_state_directory_that_cannot_be_is_named(write, tmp_path):
    loaded = own_state(write)
    (tmp_path / "state").write_text("a file, not a directory")
    with pytest.raises((CannotCreate, NotPermitted)) as caught:
        config.ensure_instance_secret(loaded)
    assert str(tmp_path / "state") in explain(caught.value)[0]


# --- the example ----------------------------------------------------------------------------------------------------

_SETTING = re.compile(r"^#(?=[a-z0-9_]+ = )", re.MULTILINE)


def leaves(model: type[BaseModel], at: str = "") -> dict[str, Any]:
    """Dotted name -> field of every setting; NAME stands for names of shops and mailboxes."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        inner = [part for part in get_args(kind) if part is not NoneType]
        if get_origin(kind) is dict:
            found |= leaves(inner[1], f"{at}{name}.NAME.")
        elif isinstance(part := inner[0] if inner else kind, type) and issubclass(part, BaseModel):
            found |= leaves(part, f"{at}{name}.")
        else:
            found[at + name] = field
    return found


def flat(tree: dict[str, Any], at: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in tree.items():
        shown = "NAME" if at.endswith(("shops.", "mailboxes.")) else name
        found |= flat(value, f"{at}{shown}.") if isinstance(value, dict) else {at + shown: value}
    return found


def test_the_example_names_every_setting_and_no_other():
    text = EXAMPLE.read_text(encoding="utf-8")
    instead: set[str] = set()
    table = ""
    for header, name in re.findall(r"^(?:# )?\[([\w.]+)\]|^# ([a-z_]+) = \"", text, re.MULTILINE):
        table = f"{re.sub(r'(?<=shops.)[a-z]+|(?<=mailboxes.)[a-z]+', 'NAME', header)}." if header else table
        instead |= {table + name} if name else set()  # cannot be set together with the one above
    named = set(flat(tomllib.loads(_SETTING.sub("", text)))) | instead
    # The table of the mail server has the same settings as that of a mailbox; the example shows them once.
    shown = "shops.NAME.mailboxes.NAME.oauth."
    named |= {name.replace(shown, "shops.NAME.smtp.oauth.") for name in named if name.startswith(shown)}
    assert named == set(leaves(config.Settings))


def test_the_example_of_oauth_loads_in_the_place_of_the_password(write):
    text = EXAMPLE.read_text(encoding="utf-8").replace('password = "change-me"\n', "")
    taken = r"provider|flow|client_id|client_secret|tenant|scope|redirect_url"
    text = re.sub(rf"^# (?=\[.*oauth\]|(?:{taken}) = )", "", text, flags=re.MULTILINE)
    text += 'client_id = "1234"\n'
    shop = config.load(write(text), {}).shops["main"]
    box = shop.mailboxes["service"].oauth
    defaults = config.OAuthSettings(provider="google", client_id="x")
    assert box.model_copy(update={"client_id": "x", "client_secret": None}) == defaults
    assert shop.smtp.oauth.flow == "authorization_code"


def test_the_example_shows_the_defaults():
    text = EXAMPLE.read_text(encoding="utf-8")
    bare = flat(config.show(config.load(EXAMPLE, {})))
    commented = flat(tomllib.loads(_SETTING.sub("", text)))
    required = set(flat(tomllib.loads(text)))
    for name, value in commented.items():
        if name not in required and name != "mirror.url":
            assert bare[name] == value, name
    assert commented["mirror.url"] == config.MirrorSettings().url


def test_the_example_loads_with_everything_uncommented(write):
    text = _SETTING.sub("", EXAMPLE.read_text(encoding="utf-8"))
    assert config.show(config.load(write(text), {})) == config.show(config.load(EXAMPLE, {}))


def test_every_setting_of_the_example_has_a_line_of_meaning():
    """The comment stands above; settings that follow each other without one share it."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    settings_lines = [n for n, line in enumerate(lines) if re.match(r"#?[a-z0-9_]+ = ", line)]
    assert settings_lines
    for number in settings_lines:
        above = number - 1
        while re.match(r"#?[a-z0-9_]+ = ", lines[above]):
            above -= 1
        assert lines[above].startswith(("# ", "[")), lines[number]


def test_the_example_names_every_imap_option_of_prestashop():
    text = EXAMPLE.read_text(encoding="utf-8")
    options = "URL PORT USER PWD DELETE_MSG CREATE_THREADS OPT_NORSH OPT_SSL OPT_VALIDATE-CERT OPT_NOVALIDATE-CERT"
    for option in [*options.split(), "OPT_TLS", "OPT_NOTLS", "OPT_POP3"]:
        assert re.search(rf"\bPS_SAV_IMAP_{option}\b", text), option


def test_secrets_of_the_models_are_the_secrets_that_are_masked():
    hidden = {name for name, field in leaves(config.Settings).items() if "SecretStr" in str(field.annotation)}
    assert hidden == {
        "health.ping_url",
        "instance_secret",
        "mirror.password",
        "old_instance_secrets",
        "shops.NAME.key",
        "shops.NAME.mailboxes.NAME.oauth.client_secret",
        "shops.NAME.mailboxes.NAME.oauth.refresh_token",
        "shops.NAME.mailboxes.NAME.oauth.service_account",
        "shops.NAME.mailboxes.NAME.password",
        "shops.NAME.smtp.oauth.client_secret",
        "shops.NAME.smtp.oauth.refresh_token",
        "shops.NAME.smtp.oauth.service_account",
        "shops.NAME.smtp.password",
        "web.user_header_secret",
    }


# --- lines ----------------------------------------------------------------------------------------------------------


def test_lines_are_found_through_all_that_toml_allows():
    text = '''
a.b = 1
"quoted key" = [
  "x = 1", # ]
  'y',
]
long = """
fake = 1
"""
[ table . inner ]
one_line = """x""" # """
c = { d = 1 }
[[list]]
e = 'it # is'
[list.sub]
f = 1
'''
    tomllib.loads(text)
    lines = key_lines(text)
    assert lines == {
        ("a", "b"): 2,
        ("quoted key",): 3,
        ("long",): 7,
        ("table", "inner"): 10,
        ("table", "inner", "one_line"): 11,
        ("table", "inner", "c"): 12,
        ("list",): 13,
        ("list", "e"): 14,
        ("list", "sub"): 15,
        ("list", "sub", "f"): 16,
    }
    assert line_of(lines, ("table", "inner", "c", "d")) == 12
    assert line_of(lines, ("nowhere",)) is None


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="ab.=[]{}\"'#\\ \n", max_size=80))
def test_any_text_gives_lines_without_an_error(text):
    count = len(text.splitlines())
    assert all(1 <= line <= count for line in key_lines(text).values())


# --- mappings of the user's -----------------------------------------------------------------------------------------


def test_own_mappings_lie_beside_the_settings_and_must_be_there(write, tmp_path):
    settings_file = write(f'mappings_dir = "own"\n{SHOP}key = "{KEY}"\n')
    with pytest.raises(SettingsError) as caught:
        config.load(settings_file, {})
    (problem,) = caught.value.problems
    assert (problem["file"], problem["line"], problem["key"]) == (str(settings_file), 1, "mappings_dir")
    assert problem["found"] == str(tmp_path / "own")
    assert "make it, or leave this setting out" in str(problem["expected"])
    (tmp_path / "own").mkdir()
    assert config.load(settings_file, {}).mappings_dir == tmp_path / "own"
    assert config.load(write(f'{SHOP}key = "{KEY}"\n'), {}).mappings_dir is None
