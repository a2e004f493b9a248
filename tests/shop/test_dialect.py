from __future__ import annotations

import pytest

from connector.shop.dialect import Dialect
from tests.shop.recorded import VERSIONS, recorded


@pytest.mark.parametrize("text", ["", "0", "unknown"])
def test_an_unknown_version_can_do_the_least(text: str) -> None:
    dialect = Dialect.of(text)
    assert not dialect.has_patch
    assert not dialect.utf8mb4
    assert dialect.lacks("messages")


def test_a_pre_release_counts_as_its_version() -> None:
    assert Dialect.of("9.0.0-beta.1").version == (9, 0, 0)


@pytest.mark.parametrize("version", VERSIONS)
def test_patch_is_where_the_shops_took_it(version: str) -> None:
    assert Dialect.of(version).has_patch is (recorded(version, "patch-thread").status == 200)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_resource_messages_is_where_the_shops_have_it(version: str) -> None:
    assert Dialect.of(version).lacks("messages") is (recorded(version, "messages-resource").status == 400)


@pytest.mark.parametrize("version", VERSIONS)
def test_html_stays_in_messages_where_the_shops_kept_it(version: str) -> None:
    assert Dialect.of(version).keeps_html is (b"<b>" in recorded(version, "message-stored-html").body)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_emoji_stays_where_the_shops_kept_it(version: str) -> None:
    assert Dialect.of(version).utf8mb4 is ("😀".encode() in recorded(version, "message-stored-51").body)


def test_the_turning_points_between_the_recorded_versions() -> None:
    assert not Dialect.of("1.7.0.6").mails_tracking
    assert Dialect.of("1.7.1.0").mails_tracking
    assert not Dialect.of("1.7.6.9").utf8mb4
    assert Dialect.of("1.7.7.0").utf8mb4
    assert not Dialect.of("8.0.5").id_shop_all
    assert Dialect.of("8.1.0").id_shop_all
    assert Dialect.of("8.2.1").lacks("order_returns")
    assert not Dialect.of("9.0.0").lacks("order_returns")
