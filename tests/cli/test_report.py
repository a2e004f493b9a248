"""`report` as a user meets it: a file that is there, or a sentence that says why not."""

from __future__ import annotations

import stat

import pytest

from connector.cli.main import main
from connector.sandbox.shop import SandboxShop
from tests.support.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    shop = SandboxShop("8.2.1", orders=30, seed=5)
    with World(tmp_path_factory.mktemp("report"), shop=shop, with_smtp=False) as here:
        here.sync(only=("pull",))
        yield here


@pytest.fixture
def run(world, capsys):
    def command(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(world.config), "report", *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(ended.value.code or 0), out + err

    return command


def test_a_file_in_the_shop_s_language_without_its_customers(world, run, tmp_path):
    target = tmp_path / "report.html"
    code, told = run("--period", "2025", "--out", str(target))
    assert (code, told) == (0, f"shop main: the report of 2025 is in {target}\n")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    page = target.read_text(encoding="utf-8")
    assert '<html lang="en" dir="ltr">' in page
    assert page.count("<svg") > 10
    assert world.shop.rows("products")
    staff = {f"{row['firstname']} {row['lastname']}" for row in world.shop.rows("employees")}
    for row in world.shop.rows("customers"):
        name = f"{row['firstname']} {row['lastname']}"
        assert row["email"] not in page
        assert name in staff or name not in page
    for row in world.shop.rows("customer_threads"):
        assert not row["email"] or row["email"] not in page


def test_another_language_and_a_time_before_the_shop(run, tmp_path):
    code, _ = run("--period", "1999-01", "--language", "ar", "--out", str(tmp_path / "r.html"))
    assert code == 0
    assert '<html lang="ar" dir="rtl">' in (tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--language", "tlh"), 64, "There are no texts in the language tlh"),
        (("--period", "2026-13"), 65, "2026-13 is no period"),
        (("--shop", "other"), 65, "other"),
    ],
)
def test_what_cannot_be_made_leaves_no_file(run, tmp_path, arguments, code, words):
    found, told = run(*arguments, "--out", str(tmp_path / "r.html"))
    assert found == code
    assert words in told
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_stays(run, tmp_path):
    target = tmp_path / "mine.html"
    target.write_text("mine")
    code, told = run("--period", "1999-01", "--out", str(target))
    assert code == 73
    assert "mine.html" in told
    assert target.read_text() == "mine"


def test_without_the_libraries_a_sentence_says_which_extra(run, tmp_path, monkeypatch):
    import sys

    for name in [name for name in sys.modules if name.startswith("connector.report")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, told = run("--period", "1999-01", "--out", str(tmp_path / "r.html"))
    assert code == 78
    assert "pip install 'prestashop-connector[report]'" in told
