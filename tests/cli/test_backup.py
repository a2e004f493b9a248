"""`backup` and `restore`: whole while in use, never over what is there, and nothing done twice afterwards."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import threading
from contextlib import closing

import pytest

from connector import config
from connector.cli.main import main
from connector.core.model import IntentState
from connector.errors import Exit, StateError
from connector.mirror.database import Database
from connector.mirror.integrity import Soundness, look_through
from connector.sandbox.shop import SandboxShop
from connector.wiring import backup
from tests.support.world import World


@pytest.fixture
def run(capsys):
    def command(world: World, *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with World(
        tmp_path_factory.mktemp("backup") / "state", with_smtp=False, shop=SandboxShop(orders=4, seed=1)
    ) as here:
        here.begin()
        yield here


def test_a_backup_is_whole_private_and_alone_while_somebody_writes(run, world, tmp_path):
    over = threading.Event()

    def write() -> None:
        with world.app() as app:
            number = 0
            while not over.is_set():
                app.mirror.meta.set("beat", str(number := number + 1))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        code, out, _ = run(world, "backup", str(tmp_path / "copy.db"))
    finally:
        over.set()
        writer.join()
    assert (code, "without the instance secret" in out) == (0, True)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["copy.db"]
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*) FROM orders").fetchone() == (4,)


def test_a_backup_replaces_nothing(run, world, tmp_path):
    (tmp_path / "copy.db").write_bytes(b"mine")
    assert run(world, "backup", str(tmp_path / "copy.db"))[0] == 73
    assert (tmp_path / "copy.db").read_bytes() == b"mine"
    assert run(world, "backup", str(tmp_path / "no" / "folder.db"))[0] == 73


def test_a_restore_needs_a_sound_copy_of_this_program(run, world, tmp_path):
    copy = tmp_path / "copy.db"
    assert run(world, "backup", str(copy))[0] == 0
    text, empty, damaged, newer = (tmp_path / name for name in ("text", "empty", "damaged", "newer"))
    text.write_text("no database at all, but long enough to look like one " * 20)
    with closing(sqlite3.connect(empty)) as connection:
        connection.execute("CREATE TABLE t (x)")
    whole = copy.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    shutil.copy(copy, newer)
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("UPDATE mirror_version SET version_num = '9999'")
    before = (world.folder / "mirror.db").read_bytes()
    for bad in (text, empty, damaged, newer, tmp_path / "missing"):
        assert run(world, "restore", str(bad), "--force")[0] == 65, bad.name
    assert (world.folder / "mirror.db").read_bytes() == before
    assert run(world, "restore")[0] == 64


def test_a_restore_does_not_touch_a_mirror_that_is_in_use_or_not_given_up(run, world, tmp_path):
    copy = tmp_path / "copy.db"
    assert run(world, "backup", str(copy))[0] == 0
    assert run(world, "restore", str(copy))[0] == 73
    with world.app() as app:
        assert app.mirror.leases.take("main", app.holder, 60)
        code, _, err = run(world, "restore", str(copy), "--force")
        app.mirror.leases.release("main", app.holder)
    assert (code, "systemctl stop" in err) == (75, True)
    assert list(world.folder.glob("mirror.db.replaced-*")) == []


def test_what_was_planned_when_the_copy_was_made_and_done_since_is_not_done_again(run, tmp_path):
    with World(tmp_path / "state", with_smtp=False, shop=SandboxShop(orders=4, seed=1)) as world:
        world.begin()
        thread = world.thread()
        with world.app() as app:
            app.desk("main").reply(thread["id"], "Only once, please", mail=False)
        assert run(world, "backup", str(tmp_path / "copy.db"))[0] == 0
        world.deliver(world.reply(thread, "And this once, too"))
        assert world.sync().code is Exit.OK
        assert len(world.ours()) == 2
        code, out, _ = run(world, "restore", str(tmp_path / "copy.db"), "--force")
        assert (code, "is kept as" in out) == (0, True)
        with world.app() as app:
            assert app.mirror.outbox.states("main").keys() <= {"in_doubt"}
        world.sync()
        report = world.sync()
        assert report.code is Exit.OK, report.errors
        assert len(world.ours()) == 2
        with world.app() as app:
            assert app.mirror.outbox.listing("main", [IntentState.PLANNED, IntentState.IN_DOUBT]) == []
            assert app.mirror.ledger.states("main") == {"imported": 1}


def test_a_mirror_that_is_gone_comes_back_without_force(run, world, tmp_path):
    copy = tmp_path / "copy.db"
    assert run(world, "backup", str(copy))[0] == 0
    for file in world.folder.glob("mirror.db*"):
        file.unlink()
    assert run(world, "backup", str(tmp_path / "other.db"))[0] == 73
    assert run(world, "restore", str(copy))[0] == 0
    assert stat.S_IMODE((world.folder / "mirror.db").stat().st_mode) == 0o600
    assert world.sync().code is Exit.OK


def test_a_postgresql_mirror_is_left_to_its_own_tools(run, world, tmp_path):
    text = world.config.read_text().replace('url = ""', 'url = "postgresql://me@localhost/mirror"', 1)
    there = tmp_path / "config.toml"
    there.write_text(text)
    for words in (("backup", str(tmp_path / "x")), ("restore", str(tmp_path / "x"))):
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(there), *words])
        assert ended.value.code == 64
    assert not (tmp_path / "x").exists()


def test_a_start_looks_through_a_mirror_that_was_not_closed_in_order(world, tmp_path, monkeypatch):
    with world.app() as app:
        assert look_through(app.mirror.database, 10) is Soundness.SOUND
        assert look_through(app.mirror.database, -1) is Soundness.UNFINISHED
        assert not app.mirror.database.was_open
        app.mirror.meta.set("x", "y")
        with world.app() as second:  # the first has not closed it
            assert second.mirror.database.was_open
            backup._looked.clear()
            backup.look_after_unclean_stop(second)
            assert second.mirror.database.name in backup._looked
            backup._looked.clear()
            monkeypatch.setattr(backup, "look_through", lambda *_: Soundness.DAMAGED)
            with pytest.raises(StateError, match="damaged"):
                backup.look_after_unclean_stop(second)


def test_damage_in_the_middle_of_a_file_is_found(world, tmp_path):
    path = tmp_path / "mirror.db"
    settings = config.load(world.config)
    path.touch()
    backup.copy_mirror(settings, path)
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'orders'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    whole = bytearray(path.read_bytes())
    whole[(root - 1) * size : root * size] = b"\xff" * size
    path.write_bytes(bytes(whole))
    database = Database(f"sqlite:///{path}")
    try:
        assert look_through(database, 10) is Soundness.DAMAGED
    finally:
        database.close()
