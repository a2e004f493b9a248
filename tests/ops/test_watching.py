"""Metrics, the small web server, the ping, and the files in docs/ that name metrics."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from connector.errors import CannotCreate
from connector.ops import events as ev
from connector.ops import metrics
from connector.ops.health import Server
from connector.ops.metrics import FAMILIES, PREFIX, Metrics
from connector.ops.ping import ping
from tests.support.world import World

DOCS = Path(__file__).parent.parent.parent / "docs"
SUFFIXES = ("_bucket", "_sum", "_count")


def one_of_each():
    """A sample of every gauge."""
    for name, family in FAMILIES.items():
        if family.kind == "gauge":
            yield name, tuple("x" for _ in family.labels), 1.0


def full() -> Metrics:
    made = Metrics(one_of_each)
    made.heard(ev.LEG_FINISHED, "info", {"shop": "main", "leg": "pull", "outcome": "ok", "seconds": 1.5})
    made.heard(ev.MAIL_IMPORTED, "info", {"shop": "main", "copy_id": 7})
    made.heard(ev.INTENT_CONFIRMED, "info", {"shop": "main", "intent_id": 7})
    return made


def shown(text: str) -> set[str]:
    return set(re.findall(rf"^({PREFIX}\w+)", text, re.MULTILINE))


def test_every_metric_of_the_table_is_shown_and_no_other():
    names = {PREFIX + name for name in FAMILIES}
    found = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in shown(full().text().decode())}
    found = {name if name in names else f"{name}_total" for name in found}
    assert found == names


def test_names_follow_the_conventions_and_labels_hold_no_id():
    for name, family in FAMILIES.items():
        assert name.endswith("_total") == (family.kind == "counter"), name
        assert not set(family.labels) - {
            "shop",
            "leg",
            "state",
            "kind",
            "table",
            "event",
            "level",
            "outcome",
            "version",
        }
        assert family.help.endswith(".")


def test_promtool_finds_nothing_to_say():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("NOT CHECKED: promtool is not installed (Debian: apt-get install prometheus)")
    made = Metrics(one_of_each, counting=True)
    said = subprocess.run([promtool, "check", "metrics"], input=made.text(), capture_output=True, check=False)
    assert b"prestashop_connector" not in said.stdout + said.stderr
    rules = subprocess.run([promtool, "check", "rules", DOCS / "alerts.rules.yml"], capture_output=True, check=False)
    assert rules.returncode == 0, rules.stdout + rules.stderr


@pytest.mark.parametrize("file", ["alerts.rules.yml", "grafana-dashboard.json"])
def test_the_files_for_prometheus_and_grafana_name_metrics_that_there_are(file):
    text = (DOCS / file).read_text(encoding="utf-8")
    named = set(re.findall(rf"\b{PREFIX}\w+", text))
    known = {PREFIX + name for name in FAMILIES}
    known |= {PREFIX + name + suffix for name, f in FAMILIES.items() if f.kind == "histogram" for suffix in SUFFIXES}
    assert named
    assert named - known == set()
    if file.endswith(".json"):
        assert len(json.loads(text)["panels"]) >= 8


def test_a_textfile_is_readable_for_everybody_and_replaced_at_once(tmp_path):
    file = tmp_path / "connector.prom"
    Metrics(one_of_each, counting=False).write(file)
    assert file.stat().st_mode & 0o777 == 0o644
    assert f'{PREFIX}up{{shop="x"}} 1.0' in file.read_text()
    assert "_total" not in file.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["connector.prom"]
    with pytest.raises(OSError, match="No such file"):
        Metrics(one_of_each).write(tmp_path / "nowhere" / "x.prom")


def get(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_the_server_answers_its_paths_and_a_taken_port_is_told():
    server = Server("127.0.0.1:0", {"/metrics": lambda: (200, metrics.CONTENT_TYPE, b"x 1\n")})
    try:
        assert get(server.port, "/metrics?a=b") == (200, "x 1\n")
        assert get(server.port, "/metrics", "HEAD") == (200, "")
        assert get(server.port, "/etc/passwd")[0] == 404
        assert get(server.port, "/metrics", "POST")[0] == 501
        with pytest.raises(CannotCreate) as caught:
            Server(f"127.0.0.1:{server.port}", {})
        assert caught.value.code == "metrics.cannot_listen"
    finally:
        server.close()


@pytest.fixture
def switch():
    """A dead man's switch: (its address, the paths asked for)."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(404 if self.path == "/gone" else 200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_a_ping_says_why_it_was_not_taken_but_never_where(switch):
    url, asked = switch
    assert ping(f"{url}/secret-1") == ""
    assert ping(f"{url}/gone") == "HTTP 404"
    assert asked == ["/secret-1", "/gone"]
    assert "secret" not in ping("http://127.0.0.1:9/secret-1")


def test_after_a_good_sync_the_ping_goes_out_and_the_textfile_is_written_and_not_after_a_bad_one(switch, tmp_path):
    from connector.wiring.monitor import Monitor, tell_once

    url, asked = switch
    with World(tmp_path / "state") as world:
        extra = f'[health]\nping_url = "{url}/s"\n[metrics]\ntextfile = "{tmp_path / "c.prom"}"\n'
        world.config.write_text(world.config.read_text().replace("[mirror]", extra + "[mirror]"))
        world.config.chmod(0o600)
        with world.app() as app:
            tell_once(app)
            assert asked == []  # never synced: nobody knows whether it is well
        world.sync()
        with world.app() as app:
            tell_once(app)
            assert asked == ["/s"]
            text = (tmp_path / "c.prom").read_text()
            assert f'{PREFIX}health{{shop="main"}} 0.0' in text
            assert f'{PREFIX}rows{{shop="main",table="orders"}} 20.0' in text
            watching = Monitor(counting=True)
            watching._app = app
            pages = watching.routes()
            assert pages["/readyz"]()[0] == 200
            assert pages["/healthz"]()[0] == 200
            watching._beat -= 120
            assert pages["/healthz"]()[0] == 503
            app.mirror.runs.finish(
                app.mirror.runs.begin("main", "pull", "r", app.clock.now()),
                app.clock.now(),
                "failed",
                {},
                "shop.key_refused",
            )
            tell_once(app)
            assert asked == ["/s"]
