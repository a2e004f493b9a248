"""`doctor` as a user meets it: a healthy installation, then one thing broken at a time, the rest still looked at."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.cli.main import main
from connector.core.model import IntentState, Kind, NewIntent
from connector.sandbox.shop import Misbehave, SandboxShop, permissions
from tests.support.dovecot import Dovecot, require_dovecot
from tests.support.world import World

KEY = "GOODKEYGOODKEYGOODKEYGOODKEY1234"
WITH_STAFF = "STAFFKEYSTAFFKEYSTAFFKEYSTAFF123"
READ = ("GET", "HEAD")
SMALL = ("configurations", "contacts", "countries", "currencies", "groups", "languages", "shop_urls", "shops", "states")
TRADE = (
    "carriers",
    "order_invoices",
    "order_payments",
    "order_slip",
    "order_states",
    "orders",
    "products",
    "suppliers",
)
MIRRORED = (*SMALL, *TRADE, "addresses", "messages")
RIGHTS = permissions(
    **dict.fromkeys(MIRRORED, READ),
    customers=(*READ, "PATCH"),
    customer_threads=(*READ, "POST", "PATCH"),
    customer_messages=(*READ, "POST", "PATCH"),
    order_histories=(*READ, "POST"),
    order_carriers=(*READ, "PATCH"),
)
ALL_CHECKS = (
    {"settings", "state.directory", "state.files", "mappings", "rules", "templates", "mirror.schema", "mirror.disk"}
    | {"shop.reach", "shop.rights", "shop.rights_beyond", "shop.clock", "shop.time_zone", "shop.languages"}
    | {"shop.contacts", "shop.employees", "shop.order_states", "shop.own_imap", "shop.several_shops"}
    | {"mailbox.login", "mailbox.folders", "mailbox.capabilities", "smtp.login"}
    | {"shop.worker", "shop.health", "shop.outbox", "shop.quarantine"}
)
Run = Callable[..., tuple[int, str]]
Check = dict[str, Any]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    require_dovecot()
    with Dovecot() as server:
        server.make_folder("Sent")
        yield server


@pytest.fixture(scope="module")
def world(dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A shop with a key of just the right size, a real mailbox, a mail server, and a mirror that was filled once."""
    shop = SandboxShop("8.2.1", orders=4, seed=1)
    shop.add_key(KEY, RIGHTS)
    shop.add_key(WITH_STAFF, RIGHTS | permissions(employees=READ))
    (own_imap,) = shop.rows("configurations", name="PS_SAV_IMAP_URL")
    shop.update_row("configurations", own_imap["id"], value="")
    login = f"password = {json.dumps(dovecot.password)}"
    here = World(tmp_path_factory.mktemp("doctor") / "state", shop=shop, user=dovecot.user, login=login)
    here.folder.chmod(0o700)
    here.mailbox = dovecot  # type: ignore[assignment]  # host and port are all that is asked of it
    with here:
        here.config.write_text(here.config.read_text().replace(shop.full_key, KEY))
        here.config.chmod(0o600)
        here.sync(only=("pull",))
        yield here


@pytest.fixture
def run(world: World, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str, config: Path | None = None) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(config or world.config), "doctor", *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(ended.value.code or 0), out

    return command


@pytest.fixture
def look(run: Run) -> Callable[..., tuple[int, list[Check]]]:
    def command(*arguments: str, config: Path | None = None) -> tuple[int, list[Check]]:
        code, out = run("--json", *arguments, config=config)
        found = json.loads(out)
        assert found["exit_code"] == code
        return code, found["checks"]

    return command


Look = Callable[..., tuple[int, list[Check]]]


def changed(world: World, tmp_path: Path, *changes: tuple[str, str], more: str = "") -> Path:
    text = world.config.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "other.toml"
    path.write_text(text + more)
    path.chmod(0o600)
    return path


def by_state(checks: list[Check], *states: str) -> list[tuple[str, str]]:
    return [(one["check"], one["code"]) for one in checks if one["state"] in states]


# --- well -----------------------------------------------------------------------------------------------------------


def test_a_healthy_installation_is_all_ok(look: Look) -> None:
    code, checks = look()
    assert code == 0
    assert by_state(checks, "warn", "fail") == [("shop.rights", "doctor.not_readable")]  # employees, on purpose
    assert by_state(checks, "skip") == [("shop.employees", "doctor.no_right")]
    assert {one["check"] for one in checks} == ALL_CHECKS
    assert sum(one["check"] == "mailbox.folders" for one in checks) == 2


def test_who_may_read_employees_reads_password_hashes(world: World, look: Look, tmp_path: Path) -> None:
    code, checks = look(config=changed(world, tmp_path, (KEY, WITH_STAFF)))
    assert (code, by_state(checks, "warn", "fail", "skip")) == (0, [("shop.rights_beyond", "doctor.reads_hashes")])


def test_a_line_for_each_check_and_a_remedy_below_what_is_wrong(world: World, run: Run, tmp_path: Path) -> None:
    code, out = run(config=changed(world, tmp_path, (KEY, world.shop.full_key)))
    assert code == 0
    assert re.search(r"^ok   shop.reach main: PrestaShop 8.2.1 answers at http://127.0.0.1:\d+$", out, re.M)
    assert re.search(r"^warn shop.rights_beyond main: .*may delete.*\n     what to do: .*untick DELETE", out, re.M)
    assert re.search(r"^\d+ ok, 4 to look at, 0 failed, 0 not looked at$", out, re.M)
    assert out.count("     what to do: ") == out.count("\nwarn ") == 4


def test_offline_asks_nobody_and_judges_by_the_mirror(world: World, look: Look) -> None:
    asked = len(world.shop.requests)
    code, checks = look("--offline")
    assert (code, len(world.shop.requests)) == (0, asked)
    skipped = {(one["check"], one["code"]) for one in checks if one["state"] == "skip"}
    offline = {(check, "doctor.offline") for check in ("shop.reach", "mailbox.login", "smtp.login")}
    assert skipped == {*offline, ("shop.employees", "doctor.never_read")}
    assert ("shop.time_zone", "shop.time_zone") in by_state(checks, "ok")


def test_nothing_is_changed_by_looking(world: World, look: Look) -> None:
    def state() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in world.folder.rglob("*") if path.suffix != ".db-shm"}

    world.mailbox.deliver("INBOX", b"Subject: new\r\n\r\nHello\r\n")  # type: ignore[call-arg, arg-type]
    before = state()
    look()
    assert state() == before
    with world.app() as app:
        assert app.mirror.leases.holder("main") is None


def test_neither_secrets_nor_people_are_shown(world: World, run: Run) -> None:
    everything = run()[1] + run("--json")[1]
    for secret in (KEY, world.mailbox.password, "an instance secret", world.user):  # type: ignore[attr-defined]
        assert secret not in everything
    people = [*world.shop.rows("customers"), *world.shop.rows("employees")]
    assert [row["id"] for row in people if str(row["email"]) in everything] == []


# --- one thing broken -----------------------------------------------------------------------------------------------

BREAKS = {
    "a wrong key": ((KEY, KEY[::-1]), "shop.reach", "shop.key_refused", 77),
    "a wrong password": (("password = ", 'password = "x" # '), "mailbox.login", "imap.login_refused", 77),
    "an unknown folder": (('sent_folders = ["Sent"]', 'sent_folders = ["Snet"]'), "mailbox.folders", "", 78),
    "a contact that is not there": (("contact = ", "contact = 9"), "shop.contacts", "doctor.id_unknown", 78),
    "a language that is not there": (
        ("[shops.main.smtp]", "id_lang = 77\n[shops.main.smtp]"),
        "shop.languages",
        "",
        78,
    ),
    "a shop that is not there": (("settle_seconds", "id_shop = 5\nsettle_seconds"), "shop.several_shops", "", 78),
    "a closed mail server": (('security = "plain"\nsender', 'security = "ssl"\nsender'), "smtp.login", "", None),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_one_broken_thing_is_named_and_hides_no_other(world: World, look: Look, tmp_path: Path, broken: str) -> None:
    change, check, error, exit_code = BREAKS[broken]
    code, checks = look(config=changed(world, tmp_path, change))
    failed = [one for one in checks if one["state"] == "fail"]
    assert [one["check"] for one in failed] == [check]
    assert error in ("", failed[0]["code"])
    assert failed[0]["remedy"]
    assert code == exit_code or (exit_code is None and code != 0)
    assert {one["check"] for one in checks} >= ALL_CHECKS
    unaffected = {"mirror.schema", "state.directory", "shop.outbox", "shop.own_imap"}
    assert unaffected <= {one["check"] for one in checks if one["state"] == "ok"}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Misbehave(kind="redirect", times=None), "shop.redirected"),
        (Misbehave(kind="key_dropped", times=None), "shop.key_not_received"),
        (Misbehave(kind="html_200", times=None), "shop.not_an_api"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
def test_what_stands_between_us_and_the_shop_is_told_apart(
    world: World, look: Look, fault: Misbehave, error: str
) -> None:
    world.shop.misbehave(fault)
    try:
        code, checks = look()
    finally:
        world.shop.behave()
    assert by_state(checks, "fail") == [("shop.reach", error)]
    assert code == (77 if error == "shop.key_not_received" else 78)
    assert {("shop.rights", "doctor.no_answer"), ("shop.clock", "doctor.no_answer")} < set(by_state(checks, "skip"))
    assert ("shop.contacts", "shop.contacts") in by_state(checks, "ok")  # by the mirror
    assert ("mailbox.login", "mailbox.login") in by_state(checks, "ok")


def test_what_the_mail_server_cannot_do_is_named(world: World, look: Look, tmp_path: Path, dovecot: Dovecot) -> None:
    with Dovecot(hide=("IDLE", "MOVE", "UIDPLUS")) as poor:
        poor.make_folder("Sent")
        port = (f"port = {dovecot.port}", f"port = {poor.port}")
        code, checks = look(config=changed(world, tmp_path, port))
        assert (code, ("mailbox.capabilities", "doctor.no_idle") in by_state(checks, "warn")) == (0, True)
        moving = ("[shops.main.smtp]", 'after = "move"\nmove_to = "Done"\n[shops.main.smtp]')
        code, checks = look(config=changed(world, tmp_path, port, moving))
        assert (code, by_state(checks, "fail")) == (78, [("mailbox.capabilities", "imap.no_move")])
        assert sum(one["check"] == "mailbox.folders" for one in checks) == 2


@pytest.mark.parametrize("version", ["1.6.1.24", "9.0.0"])
def test_other_versions_are_examined_by_their_own_rights(tmp_path: Path, look: Look, version: str) -> None:
    with World(tmp_path / "state", version=version, with_smtp=False, mailbox_settings="") as other:
        other.folder.chmod(0o700)
        code, checks = look(config=other.config)
    assert (code, by_state(checks, "fail")) == (0, [])
    assert ("shop.rights", "shop.rights") in by_state(checks, "ok")
    assert ("smtp.login", "doctor.no_smtp") in by_state(checks, "skip")


def test_a_right_that_is_missing_is_named(world: World, look: Look, tmp_path: Path) -> None:
    poor = "POORKEYPOORKEYPOORKEYPOORKEY1234"
    world.shop.add_key(poor, RIGHTS | permissions(order_carriers=READ, languages=()))
    code, checks = look(config=changed(world, tmp_path, (KEY, poor)))
    (missing,) = [one for one in checks if one["state"] == "fail"]
    assert (code, missing["facts"]["missing"]) == (77, "GET languages, PATCH order_carriers")


def test_the_shops_own_imap_and_a_mailbox_without_a_shop_are_warned_of(look: Look, world: World) -> None:
    (own,) = world.shop.rows("configurations", name="PS_SAV_IMAP_URL")
    first = world.shop.rows("shops")[0]
    world.shop.update_row("configurations", own["id"], value="imap.shop.test")
    second = world.shop.put_row("shops", {**first, "id": 2, "name": "Second"})
    try:
        code, checks = look()
    finally:
        world.shop.update_row("configurations", own["id"], value="")
        world.shop.delete_row("shops", second)
    warned = dict(by_state(checks, "warn"))
    assert code == 0
    assert warned["shop.own_imap"] == "doctor.own_imap"
    assert warned["shop.several_shops"] == "doctor.shop_of_mailbox"


def test_wrong_mappings_and_rules_stop_no_other_check(world: World, look: Look, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "customers.toml").write_text("pull = 'sometimes'\n")
    (own / "rules.toml").write_text("[[rule]]\nwhat = 1\n")
    config = changed(world, tmp_path, ("instance_secret", f'mappings_dir = "{own}"\ninstance_secret'))
    code, checks = look(config=config)
    assert {check for check, _ in by_state(checks, "fail")} == {"mappings", "rules"}
    assert code == 78
    assert ("shop.rights", "shop.rights") in by_state(checks, "ok")
    assert ("mirror.schema", "mirror.schema") in by_state(checks, "ok")


def test_a_damaged_mirror_stops_no_other_check(world: World, look: Look, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    (folder / "mirror.db").write_bytes(b"no database" * 1000)
    config = changed(world, tmp_path, (f'state_dir = "{world.folder}"', f'state_dir = "{folder}"'))
    code, checks = look(config=config)
    assert (code, by_state(checks, "fail")) == (74, [("mirror.schema", "mirror.damaged")])
    assert ("shop.contacts", "shop.contacts") in by_state(checks, "ok")
    assert ("shop.outbox", "doctor.no_mirror_here") in by_state(checks, "skip")


def test_before_the_first_sync_there_is_no_mirror_and_none_is_made(world: World, look: Look, tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    config = changed(world, tmp_path, (f'state_dir = "{world.folder}"', f'state_dir = "{folder}"'))
    code, checks = look(config=config)
    assert (code, folder.exists()) == (0, False)
    assert ("mirror.schema", "doctor.no_mirror") in by_state(checks, "skip")
    assert ("state.directory", "doctor.no_directory") in by_state(checks, "warn")


def test_a_state_directory_that_others_may_enter(world: World, look: Look) -> None:
    world.folder.chmod(0o755)
    try:
        code, checks = look("--offline")
        assert (code, ("state.directory", "doctor.directory_open") in by_state(checks, "warn")) == (0, True)
        world.folder.chmod(0o777)
        code, checks = look("--offline")
        assert (code, by_state(checks, "fail")) == (77, [("state.directory", "state.open_to_others")])
    finally:
        world.folder.chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="files of somebody else can only be made by root")
def test_files_that_the_service_cannot_write_are_named(world: World, look: Look) -> None:
    left = world.folder / "left"
    left.write_text("")
    os.chown(left, 12345, 12345)
    code, checks = look("--offline")
    left.unlink()
    assert (code, by_state(checks, "fail")) == (77, [("state.files", "doctor.foreign_files")])


def test_who_works_and_what_waits(world: World, look: Look) -> None:
    with world.app() as app:
        app.take_lease("main")
        wish = NewIntent(Kind.THREAD_STATUS, "doctor", "", "thread:1", {"thread": 1, "status": "open"})
        (made,) = app.mirror.outbox.add("main", [wish])
        app.mirror.outbox.move(made, IntentState.FAILED, now=app.clock.now(), error="shop.refused")
        _, checks = look("--offline")
        app.mirror.leases.release("main", app.holder)
    (worker,) = [one for one in checks if one["check"] == "shop.worker"]
    assert str(os.getpid()) in worker["text"]
    assert ("shop.outbox", "doctor.outbox_waits") in by_state(checks, "warn")


def test_what_status_finds_is_told_with_a_remedy(world: World, look: Look) -> None:
    with world.app() as app:
        run = app.mirror.runs.begin("main", "deletions", "r1", app.clock.now())
        app.mirror.runs.finish(run, app.clock.now(), "failed", {}, "guard.mass_deletion")
        _, checks = look("--offline")
    (found,) = [one for one in checks if one["check"] == "shop.health"]
    assert (found["state"], found["code"]) == ("warn", "doctor.guard_tripped")
    assert "guard.mass_deletion" in found["text"]


def test_settings_that_cannot_be_used_are_told_the_same_way(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text("colour = 3\n")
    code, out = run("--json", config=config)
    first, rest = json.loads(out)["checks"]
    assert (code, first["check"], first["state"], rest["state"]) == (78, "settings", "fail", "skip")
    assert "colour" in first["text"]


def test_an_unknown_shop_is_refused(run: Run) -> None:
    assert run("--shop", "other")[0] == 65
