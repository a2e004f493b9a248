"""The whole job at debug level: nothing of it in the log that a person or a secret could be told by."""

from __future__ import annotations

import io
import json

import pytest

from connector import config
from connector.ops import logs
from connector.sandbox.people import SandboxThread
from connector.sandbox.shop import Misbehave
from tests.support.world import PASSWORD, World


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Everything that a busy day writes into the log, and the world it happened in."""
    stream = io.StringIO()
    with World(tmp_path_factory.mktemp("told") / "state") as world:
        logs.configure("debug", "json", config.secrets_of(config.load(world.config)), stream)
        try:
            world.sync()
            threads = [
                SandboxThread(row["id"], str(row["token"]), str(row["email"]))
                for row in (world.thread("closed"), world.thread("open"))
            ]
            for scene in world.people.story(threads):
                world.deliver(scene.raw, scene.folder)
            world.shop.misbehave(Misbehave(kind="php_error_after", method="POST", times=2))
            world.shop.misbehave(Misbehave(kind="html_200", method="GET", resource="customers", times=2))
            world.sync()
            world.shop.update_row("customer_messages", 3, date_add="garbage")
            world.server.close()
            world.sync()
        finally:
            logs.configure()
        yield stream.getvalue(), world


def test_no_name_address_text_or_secret_is_in_the_log(told):
    log, world = told
    assert log.count("\n") > 60
    words = {world.shop.full_key, world.user, PASSWORD + '"', "instance secret"}
    for row in world.shop.rows("customers"):
        words |= {str(row["email"]), str(row["lastname"]), str(row["firstname"])}
    for row in world.shop.rows("customer_threads"):
        words |= {str(row["email"]), str(row["token"])}
    for row in world.shop.rows("customer_messages"):
        words |= {line.strip()[:40] for line in str(row["message"]).splitlines()}
    for row in world.shop.rows("addresses"):
        words |= {str(row["address1"]), str(row["phone"]), str(row["city"])}
    found = sorted(word for word in words if len(word) > 4 and word in log)
    assert found == []
    assert "@" not in log


def test_every_line_is_json_with_a_registered_name(told):
    log, _ = told
    from connector.ops.events import EVENTS

    for line in log.splitlines():
        entry = json.loads(line)
        assert entry["event"] in EVENTS, entry
        assert "dropped_keys" not in entry, entry
