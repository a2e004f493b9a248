from __future__ import annotations

import time

from connector.mirror.db import Mirror

A, B = "host:1:a", "host:2:b"


def test_one_holder_at_a_time_per_shop(mirror: Mirror) -> None:
    assert mirror.leases.holder("paris") is None
    assert mirror.leases.take("paris", A, 60) is True
    assert mirror.leases.take("paris", B, 60) is False
    assert mirror.leases.take("rome", B, 60) is True
    assert mirror.leases.take("paris", A, 60) is True
    assert mirror.leases.holder("paris") == A


def test_a_lease_that_ran_out_is_taken_over_and_the_late_holder_is_told(mirror: Mirror) -> None:
    mirror.leases.take("paris", A, 0.05)
    time.sleep(0.1)
    assert mirror.leases.holder("paris") is None
    assert mirror.leases.take("paris", B, 60) is True
    assert mirror.leases.take("paris", A, 60) is False
    assert mirror.leases.holder("paris") == B


def test_a_released_lease_is_free_but_nobody_releases_anothers(mirror: Mirror) -> None:
    mirror.leases.take("paris", A, 60)
    mirror.leases.release("paris", B)
    assert mirror.leases.holder("paris") == A
    mirror.leases.release("paris", A)
    assert mirror.leases.take("paris", B, 60) is True
