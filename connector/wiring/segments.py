"""The segments of a shop, put together from an App.

every = known(app)                             # Segments, without mistakes
one = named(app, "main", "vip")                # Segment
selection(app, "main").listing(one)            # who may be on the list
pushing(app, "main").plan(one)                 # what its group is to become
"""

from __future__ import annotations

import secrets as random_secrets
from typing import TYPE_CHECKING

from connector import packagedata
from connector.core.segment_files import Segments
from connector.core.segments import Segment
from connector.engine.consents import ConsentReader
from connector.engine.segment_push import SegmentPush
from connector.engine.segments import Selection
from connector.errors import DataError
from connector.mirror import tables
from connector.mirror.segment_members import SqlSegmentMembers
from connector.mirror.segments import SqlPeople

if TYPE_CHECKING:
    from connector.wiring.app import App


def known(app: App) -> Segments:
    """Raises MappingError for a mistake in the files."""
    return packagedata.checked_segments(app.settings.mappings_dir, app.settings.shops)


def named(app: App, shop: str, name: str) -> Segment:
    """Raises DataError when the shop has no such segment."""
    of_shop = known(app).of(shop)
    found = next((one for one in of_shop if one.name == name), None)
    if found is None:
        raise DataError("segment.unknown", name=name, shop=shop, known=", ".join(one.name for one in of_shop))
    return found


def selection(app: App, shop: str) -> Selection:
    mirror = app.mirror
    people = SqlPeople(mirror.database, tables.build(app.resources), mirror.waiting)

    def asked() -> ConsentReader:
        app.probe(shop)  # tells the version, and with it how the shop must be asked
        return ConsentReader(
            shop, app.client(shop), app.probe(shop), mirror.contents, app.resources, app.id_shops(shop)
        )

    return Selection(shop, people, mirror.rows, mirror.runs, asked, app.clock)


def pushing(app: App, shop: str) -> SegmentPush:
    mirror = app.mirror
    return SegmentPush(
        selection(app, shop),
        SqlSegmentMembers(mirror.database, tables.build(app.resources)),
        mirror.rows,
        lambda: app.client(shop),
        app.events,
        lambda: random_secrets.token_hex(16),
        allow_customer_put=app.shop_settings(shop).allow_customer_put,
    )
