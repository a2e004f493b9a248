"""`customer export` and `customer erase`: as a user meets them, with a shop, a mailbox and a mirror in between."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import stat
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stdout
from email.message import EmailMessage
from pathlib import Path

import pytest

from connector.cli.main import main
from connector.core.model import IntentState, Kind, NewIntent
from connector.errors import Exit
from connector.sandbox.shop import SandboxShop
from tests.support.world import World

GUEST = "Zoetje.Quillfeather@Customer.Test"
WORDS = ("quillfeather", "zoetje", "secret wish", "wish list", "quillfeather-smith")


@pytest.fixture
def run(capsys, monkeypatch):
    """Run one command on a world; gives (exit code, standard output, standard error)."""
    monkeypatch.setattr("connector.cli.session.QUEUE_SECONDS", 1.0)

    def command(world: World, *arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err + out
        return int(ended.value.code or 0), out, err

    return command


@contextmanager
def filled(folder: Path) -> Iterator[World]:
    """Zoetje has an account with an order and a thread, and bought as a guest before, in other letters. She has written
    a mail with a file, and somebody else one with the same file."""
    with World(folder, with_smtp=False, shop=SandboxShop("8.2.1", orders=6, seed=1)) as here:
        rows = here.shop.rows("orders")
        here.account = rows[0]["id_customer"]
        here.guest = next(row["id_customer"] for row in rows if row["id_customer"] != here.account)
        here.shop.update_row(
            "customers", here.account, email=GUEST.lower(), firstname="Zoetje", lastname="Quillfeather"
        )
        here.shop.update_row(
            "customers", here.guest, email=GUEST, is_guest=1, firstname="Zoetje", lastname="Quillfeather"
        )
        for row in here.shop.rows("customer_threads"):
            if row["id_customer"] in (here.account, here.guest):
                here.shop.update_row("customer_threads", row["id"], id_customer=0, id_order=0)
        threads = [row["id"] for row in here.shop.rows("customer_threads") if "@" in str(row["email"]) and row["token"]]
        here.talk, here.other = threads[:2]
        order = rows[0]["id"]
        changes = {"id_customer": here.account, "email": GUEST.upper(), "id_order": order}
        here.shop.update_row("customer_threads", here.talk, **changes)
        here.sync()  # draws the line between old and new mail
        here.raw = mail(here, here.talk, GUEST, "Here is my secret wish.\n")
        here.deliver(here.raw)
        other = str(here.shop.row("customer_threads", here.other)["email"])
        here.deliver(mail(here, here.other, other, "Look at this.\n", "shared"))
        report = here.sync()
        assert report.code is Exit.OK, report.errors
        yield here


def mail(world: World, thread_id: int, sender: str, text: str, name: str = "wish list") -> bytes:
    thread = world.shop.row("customer_threads", thread_id)
    message = EmailMessage()
    message["From"], message["To"] = sender, world.user
    message["Subject"] = f"My {name} #ct{thread['id']} #tc{thread['token']}"
    message["Message-ID"], message["Date"] = f"<{thread_id}@customer.test>", "Mon, 05 Jan 2026 09:00:00 +0000"
    message.set_content(text)
    message.add_attachment(b"a private remark", maintype="text", subtype="plain", filename=f"{name}.txt")
    return message.as_bytes()


def kept(world: World) -> str:
    """Every byte of the mirror's files, and every text in it."""
    found = b"".join(path.read_bytes() for path in sorted(world.folder.glob("mirror.db*")))
    with closing(sqlite3.connect(world.folder / "mirror.db")) as there:
        texts = "\n".join(there.iterdump())
    return (found.decode("latin-1") + texts).casefold()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Nobody is erased here."""
    with filled(tmp_path_factory.mktemp("alive") / "state") as here:
        yield here


@pytest.fixture(scope="module")
def gone(tmp_path_factory):
    """Zoetje was erased, by an address in other letters than those of her accounts."""
    with filled(tmp_path_factory.mktemp("gone") / "state") as here:
        before = kept(here)
        assert [word for word in WORDS[:4] if word not in before] == []
        here.street = str(here.shop.rows("addresses", id_customer=here.account)[0]["address1"]).casefold()
        drafts = here.folder / "drafts"
        drafts.mkdir(mode=0o700)
        for name in (f"reply-{here.talk}-abc.txt", f"reply-{here.talk}9-abc.txt"):
            (drafts / name).write_text("Dear Zoetje")
        dead = NewIntent(Kind.MESSAGE_CREATE, "k", "r", f"thread:{here.talk}", {"text": "Dear Zoetje", "id_thread": 1})
        with here.app() as app:
            (intent,) = app.mirror.outbox.add("main", [dead])
            app.mirror.outbox.move(intent, IntentState.FAILED, now=here.clock.now(), error="shop.rejected")
            here.dead = intent.id
            here.order = here.shop.rows("orders", id_customer=here.account)[0]["id"]
            here.view = app.mirror.queries.order_view("main", here.order)
            here.states = app.mirror.ledger.states("main")
        printed = io.StringIO()
        with pytest.raises(SystemExit) as ended, redirect_stdout(printed):
            main(["--config", str(here.config), "customer", "erase", GUEST.upper(), "--yes", "--json"])
        assert not ended.value.code
        here.erased = json.loads(printed.getvalue())["shops"]["main"]
        yield here


def test_an_export_has_all_accounts_of_an_address_with_orders_threads_mails_and_files(run, world, tmp_path):
    out = tmp_path / "zoe.zip"
    code, text, _ = run(world, "customer", "export", GUEST.upper(), "--out", str(out))
    assert (code, stat.S_IMODE(out.stat().st_mode)) == (0, 0o600)
    assert "customers" in text
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    found = {name: json.loads(data) for name, data in files.items() if name.endswith(".json")}
    assert found["person.json"]["addresses"] == [GUEST.casefold()]
    assert [row["id"] for row in found["main/customers.json"]] == sorted({world.account, world.guest})
    theirs = {row["id"] for row in world.shop.rows("orders") if row["id_customer"] in (world.account, world.guest)}
    assert {row["id"] for row in found["main/orders.json"]} == theirs
    assert all(row["order_rows"] for row in found["main/orders.json"])
    assert [row["id"] for row in found["main/customer_threads.json"]] == [world.talk]
    assert any("secret wish" in row["message"] for row in found["main/customer_messages.json"])
    assert {"main/addresses.json", "main/order_carriers.json", "main/outbox.json"} <= found.keys()
    (raw,) = (data for name, data in files.items() if name.endswith(".eml"))
    assert b"secret wish" in raw
    (attached,) = (data for name, data in files.items() if "/attachments/" in name)
    assert attached == b"a private remark"


def test_an_export_has_nobody_elses_data(run, world, tmp_path):
    out = tmp_path / "zoe.zip"
    assert run(world, "customer", "export", str(world.account), "--out", str(out))[0] == 0
    others = [row for row in world.shop.rows("customers") if row["id"] not in (world.account, world.guest)]
    with zipfile.ZipFile(out) as archive:
        everything = b"\n".join(archive.read(name) for name in archive.namelist()).decode("utf-8", "replace").casefold()
    assert [row["email"] for row in others if str(row["email"]).casefold() in everything] == []


def test_an_export_replaces_no_file_and_leaves_none_behind(run, world, tmp_path):
    out = tmp_path / "there.zip"
    out.write_bytes(b"mine")
    code, _, err = run(world, "customer", "export", GUEST, "--out", str(out))
    assert (code, out.read_bytes()) == (73, b"mine")
    assert "nothing is overwritten" in err
    assert run(world, "customer", "export", GUEST, "--out", str(tmp_path / "no" / "way.zip"))[0] == 73
    assert run(world, "customer", "export", "nobody@customer.test", "--out", str(tmp_path / "x.zip"))[0] == 65
    assert [path.name for path in tmp_path.iterdir() if path.suffix in (".zip", ".part")] == ["there.zip"]


@pytest.mark.parametrize("who", ["nobody@customer.test", "999999", "", " ", "%", "customer.test", "' OR 1=1 --"])
def test_a_person_who_is_not_there_is_wrong_data(run, world, who):
    assert run(world, "customer", "erase", who, "--yes")[0] == 65


def test_without_yes_and_terminal_nothing_is_erased(run, world):
    code, _, err = run(world, "customer", "erase", GUEST)
    assert (code, "--yes" in err) == (64, True)
    assert run(world, "customer", "show", GUEST)[0] == 0


def test_nothing_is_erased_while_something_of_the_person_is_under_way(run, world):
    wish = NewIntent(Kind.MESSAGE_CREATE, "message.create:x", "x", f"thread:{world.talk}", {"id_thread": world.talk})
    with world.app() as app:
        (intent,) = app.mirror.outbox.add("main", [wish])
    code, _, err = run(world, "customer", "erase", GUEST, "--yes")
    with world.app() as app:
        app.mirror.outbox.move(intent, IntentState.CANCELLED, now=world.clock.now())
    assert (code, f"{intent.id} (planned)" in err) == (75, True)
    assert run(world, "customer", "show", GUEST)[0] == 0


def test_after_an_erasure_no_file_of_the_mirror_tells_of_the_person(gone):
    assert (gone.erased["customers"], gone.erased["customer_threads"], gone.erased["mails"]) == (2, 1, 1)
    assert [word for word in (*WORDS, gone.street) if word in kept(gone)] == []
    left = [path.name for path in (gone.folder / "drafts").iterdir()]
    assert left == [f"reply-{gone.talk}9-abc.txt"]


def test_ids_amounts_and_states_outlive_the_person(run, gone):
    with gone.app() as app:
        after = app.mirror.queries.order_view("main", gone.order)
        assert app.mirror.ledger.states("main") == gone.states
        assert app.mirror.outbox.get(gone.dead).state is IntentState.CANCELLED  # nothing is left to send again
    same = ("id", "reference", "total_paid", "state", "id_customer", "rows", "histories")
    assert [gone.view[key] for key in same] == [after[key] for key in same]
    for words in (("thread", "show", str(gone.talk)), ("customer", "show", str(gone.account)), ("outbox", "list")):
        assert run(gone, *words)[0] == 0


def test_what_a_mail_of_somebody_else_shares_with_the_person_stays(gone):
    with gone.app() as app:
        (file,) = app.mirror.attachments.of_thread("main", gone.other)
        assert app.files().read(file) == b"a private remark"


def test_somebody_erased_is_told_from_somebody_unknown(run, gone):
    code, _, err = run(gone, "customer", "erase", GUEST.lower(), "--yes")
    assert (code, "was erased on" in err) == (65, True)
    with gone.app() as app:
        (line,) = app.mirror.privacy.journal("main")
    assert re.fullmatch(r"[0-9a-f]{64}", line["person"])


def test_no_pull_and_no_repair_brings_anything_back_and_verify_counts_it_as_explained(run, gone):
    gone.shop.update_row("customers", gone.account, lastname="Quillfeather-Smith")
    gone.shop.touch("customers", gone.account)
    gone.deliver(gone.raw)  # the same mail, under a new number
    with gone.app() as app:
        app.mirror.rows.read_again("main", None)
        assert gone.sync(app=app).code is Exit.OK
        assert app.mirror.ledger.states("main") == {"imported": 2, "ignored": 1}
    code, text, _ = run(gone, "verify", "--deep", "--repair", "--json")
    found = json.loads(text)["shops"][0]["resources"]
    assert (code, found["customers"]["erased"], found["customers"]["differing"]) == (0, 2, 0)
    left = kept(gone)
    assert [word for word in WORDS[:4] if word in left] == []
    assert "compared without their personal data" in run(gone, "verify")[1]


def test_the_tombstone_goes_when_the_shop_has_erased_too(run, gone):
    both = [gone.account, gone.guest]
    with gone.app() as app:
        assert app.mirror.contents.erased("main", "customers", both) == set(both)
    gone.shop.delete_row("customers", gone.account)
    with gone.app() as app:
        assert app.legs("main").deletions(lambda: False, None, ["customers"]).code is Exit.OK
        assert app.mirror.contents.erased("main", "customers", both) == {gone.guest}


def test_an_address_is_looked_for_in_all_shops_and_an_id_needs_one(run, world, tmp_path):
    second = world.config.read_text().replace("[shops.main", "[shops.other").split("[shops.other]", 1)[1]
    second = second.replace(world.server.url, world.server.url.replace("127.0.0.1", "localhost"))
    several = tmp_path / "config.toml"
    several.write_text(world.config.read_text() + "\n[shops.other]" + second)
    both = type("Several", (), {"config": several})()
    with world.app() as app:
        there = app.mirror.rows
        person = next(one for one in app.resources if one.name == "customers")
        held = app.mirror.contents.load("main", person, [world.guest])
        assert app.mirror.leases.take("other", app.holder, 60)
        there.store("other", person, list(held.values()), None)
        app.mirror.leases.release("other", app.holder)
    code, text, _ = run(both, "customer", "export", GUEST, "--out", str(tmp_path / "all.zip"), "--json")
    found = json.loads(text)["shops"]
    assert (code, found["main"]["customers"], found["other"]) == (0, 2, {"customers": 1})
    code, text, _ = run(
        both, "customer", "export", GUEST, "--shop", "other", "--out", str(tmp_path / "1.zip"), "--json"
    )
    assert (code, sorted(json.loads(text)["shops"])) == (0, ["other"])
    assert run(both, "customer", "export", str(world.guest), "--out", str(tmp_path / "2.zip"))[0] == 65
    assert run(both, "customer", "erase", GUEST, "--shop", "other", "--yes")[0] == 0
    assert run(both, "customer", "export", GUEST, "--shop", "other", "--out", str(tmp_path / "3.zip"))[0] == 65
    assert run(world, "customer", "show", GUEST)[0] == 0
