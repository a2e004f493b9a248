"""Fills a shop with made-up data: any size, the same for the same version, size and seed.

Puts the small fixed tables in first, then customers, orders and conversations. Every seeded shop, however small, has
English, French, German, Spanish and Arabic customers, emoji (where the version can store them), guests, deleted
customers, orders whose customer is gone, split orders with one reference, zero dates, many rows in one second and
threads in all four statuses. Dates end on 1 June 2025 (or at the clock, if that is earlier), so that new writes are
always the newest.
"""

from __future__ import annotations

import gc

from connector.sandbox.shop.seed_fixed import fill_fixed
from connector.sandbox.shop.seed_ground import Ground, Size, blank_row
from connector.sandbox.shop.seed_talk import fill_threads
from connector.sandbox.shop.seed_trade import fill_customers, fill_orders
from connector.sandbox.shop.world import World

__all__ = ["Size", "blank_row", "fill"]


def fill(world: World, size: Size) -> None:
    """Fill an empty shop."""
    ground = Ground(world, size)
    collecting = gc.isenabled()
    gc.disable()  # nothing here is garbage, and looking for it takes a third of the time of a big shop
    try:
        with world.store.transaction():
            fill_fixed(ground)
            fill_customers(ground)
            fill_orders(ground)
            fill_threads(ground)
            ground.flush()
        world.store.build_indexes()
    finally:
        if collecting:
            gc.enable()
