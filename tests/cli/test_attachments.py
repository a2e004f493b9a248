"""What hangs on a customer's mail can be seen and saved, and does no harm on the way."""

import json
import os
import stat
from email.message import EmailMessage

import pytest

from connector.cli.main import main
from connector.mailbox.attached import clean_name
from tests.support.world import World

PDF = b"%PDF-1.7\nan invoice\n"
LOGO = b"\x89PNG\r\n\x1a\nlogo"


@pytest.fixture
def run(capsys):
    """Run one command in this process; gives (exit code, standard output, standard error)."""

    def command(world, *arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), *arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return command


@pytest.fixture
def listed(run):
    return lambda world, thread: json.loads(run(world, "thread", "show", str(thread["id"]), "--json")[1])["attachments"]


def a_mail(world, thread, *files, message_id="one", html=False, text="See the invoice."):
    """files: (name, declared type, bytes)."""
    mail = EmailMessage()
    mail["From"] = str(thread["email"])
    mail["To"] = world.user
    mail["Subject"] = f"Re: [Shop] Your order #ct{thread['id']} #tc{thread['token']}"
    mail["Message-ID"] = f"<{message_id}@mail.example>"
    mail.set_content(text)
    if html:
        mail.add_alternative('<p>See the invoice.</p><img src="cid:logo@x">', subtype="html")
        mail.get_payload()[1].add_related(LOGO, "image", "png", cid="<logo@x>", filename="logo.png")
    for name, kind, data in files:
        mail.add_attachment(data, *kind.split("/"), filename=name)
    return mail.as_bytes()


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "state", with_smtp=False) as world:
        world.begin()
        yield world


def test_a_file_is_named_in_the_shop_listed_with_the_thread_and_saved(run, listed, world, tmp_path):
    thread = world.thread()
    world.deliver(a_mail(world, thread, ("invoice.pdf", "image/png", PDF), html=True))
    world.sync()

    (message,) = world.ours()
    assert "invoice.pdf (1 kB)" in message["message"]
    assert "logo.png" not in message["message"]

    shown = run(world, "thread", "show", str(thread["id"]))[1]
    pdf = next(one for one in listed(world, thread) if not one["inline"])
    logo = next(one for one in listed(world, thread) if one["inline"])
    assert (pdf["content_type"], pdf["declared_type"]) == ("application/pdf", "image/png")
    assert pdf["id_message"] == message["id"]
    assert f"attachment {pdf['id']}: invoice.pdf (20 bytes, application/pdf, called image/png)" in shown
    assert f"attachment {logo['id']}: logo.png (12 bytes, image/png, image of the page)" in shown

    folder = tmp_path / "out"
    folder.mkdir()
    saved = run(world, "thread", "attachment", str(pdf["id"]), "--out", str(folder), "--json")
    target = folder / "invoice.pdf"
    assert json.loads(saved[1])["path"] == str(target)
    assert target.read_bytes() == PDF
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_replaced_only_by_force_and_a_link_is_not_followed(run, listed, world, tmp_path):
    thread = world.thread()
    world.deliver(a_mail(world, thread, ("a.pdf", "application/pdf", PDF)))
    world.sync()
    number = str(listed(world, thread)[0]["id"])
    precious, link = tmp_path / "precious", tmp_path / "link"
    precious.write_text("mine")
    link.symlink_to(precious)

    refused = run(world, "thread", "attachment", number, "--out", str(link))
    assert refused[0] == 73
    assert "--force" in refused[2]
    assert run(world, "thread", "attachment", number, "--out", str(link), "--force")[0] == 0
    assert precious.read_text() == "mine"
    assert link.read_bytes() == PDF
    assert not link.is_symlink()
    assert run(world, "thread", "attachment", number, "--out", os.devnull, "--force")[0] == 73
    assert run(world, "thread", "attachment", number, "--out", str(tmp_path / "none" / "x"))[0] == 73
    assert run(world, "thread", "attachment", "99", "--out", str(tmp_path))[0] == 65
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "precious", "state"]


NAMES = ["../../etc/passwd", "..\\..\\evil.bat", "/etc/cron.d/x", "CON.txt", "com1", "-rf", ".bashrc", "..",
         "a\x00b.pdf", "invoice\u202efdp.exe", "x" * 3000 + ".pdf", "é" * 300 + ".pdf", "\U0001f600" * 200]  # fmt: skip


def test_no_name_leads_out_of_the_folder_or_means_something_else(run, listed, world, tmp_path):
    thread = world.thread()
    files = [(f"{n}.txt", "text/plain", b"content %d\n" % n) for n in range(len(NAMES))]
    mail = a_mail(world, thread, *files)
    for n, name in enumerate(NAMES):
        encoded = "".join(f"%{byte:02X}" for byte in name.encode()).encode()
        assert b'filename="%d.txt"' % n in mail
        mail = mail.replace(b'filename="%d.txt"' % n, b"filename*=utf-8''" + encoded)
    world.deliver(mail)
    world.sync()
    found = listed(world, thread)
    assert len(found) == len(NAMES)
    for number, one in enumerate(found):
        folder = tmp_path / f"out{number}"
        folder.mkdir()
        assert run(world, "thread", "attachment", str(one["id"]), "--out", str(folder))[0] == 0
        (saved,) = folder.iterdir()
        assert saved.read_bytes() == b"content %d\n" % number
        assert len(os.fsencode(saved.name)) <= 180
        assert not saved.name.startswith((".", "-"))
        assert saved.name.isprintable()
        assert saved.stem.casefold() not in ("con", "com1")
        assert clean_name(saved.name) == saved.name


def test_bytes_that_come_twice_are_stored_once(listed, world):
    first, second = world.shop.rows("customer_threads", status="open")[:2]
    world.deliver(a_mail(world, first, ("a.pdf", "application/pdf", PDF), message_id="one"))
    world.deliver(a_mail(world, second, ("b.pdf", "application/pdf", PDF), message_id="two"))
    world.sync()
    one, two = listed(world, first)[0], listed(world, second)[0]
    assert one["sha256"] == two["sha256"]
    assert one["id"] != two["id"]


def test_what_is_over_a_limit_is_named_with_the_reason_and_had_from_its_mail(run, listed, tmp_path):
    settings = "attachment_bytes = 100\nattachment_bytes_mail = 150\nattachment_bytes_day = 200"
    with World(tmp_path / "state", with_smtp=False, mailbox_settings=settings) as world:
        world.begin()
        thread = world.thread()
        sizes = {"a": 101, "b": 90, "c": 70, "d": 50}
        files = [(f"{name}.txt", "text/plain", name.encode() * size) for name, size in sizes.items()]
        world.deliver(a_mail(world, thread, *files))
        world.sync()
        world.deliver(a_mail(world, thread, ("e.txt", "text/plain", b"e" * 99), message_id="two"))
        world.sync()

        found = {one["name"]: one["not_kept"] for one in listed(world, thread)}
        assert found == {
            "a.txt": "larger_than_a_file_may_be",
            "b.txt": None,
            "c.txt": "mail_over_its_limit",
            "d.txt": None,
            "e.txt": "day_over_its_limit",
        }
        assert "a.txt" in world.ours()[0]["message"]
        assert "larger than attachment_bytes" in run(world, "thread", "show", str(thread["id"]))[1]
        number = next(one["id"] for one in listed(world, thread) if one["name"] == "a.txt")
        target = tmp_path / "a.txt"
        assert run(world, "thread", "attachment", str(number), "--out", str(target))[0] == 0
        assert target.read_bytes() == b"a" * 101


def test_a_mail_that_joins_no_thread_keeps_its_files_to_itself_until_somebody_assigns_it(run, listed, tmp_path):
    with World(tmp_path / "state", with_smtp=False, mailbox_settings="create_threads = false") as world:
        world.begin()
        thread = world.thread()
        mail = a_mail(world, {**thread, "id": 999_999, "token": "AbCdEfGhIjKl"}, ("a.pdf", "application/pdf", PDF))
        world.deliver(mail)
        world.sync()
        assert listed(world, thread) == []
        (item,) = json.loads(run(world, "quarantine", "list", "--json")[1])["mails"]
        done = run(world, "quarantine", "assign", f"mail:{item['id']}", str(thread["id"]))
        assert done[0] == 0, done
        world.sync()
        (one,) = listed(world, thread)
        assert one["name"] == "a.pdf"
        assert one["sha256"]
