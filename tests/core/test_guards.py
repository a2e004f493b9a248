"""What looks like an accident is refused, and the refusal names what allows it."""

from datetime import UTC, datetime, timedelta

from connector.core.guards import clock_skew, emptied, first_run, mail_loop, mass_change

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)


def minutes_ago(*minutes):
    return [NOW - timedelta(minutes=m) for m in minutes]


def test_an_empty_mirror_on_a_shop_that_knows_us_is_refused():
    tripped = first_run(mirror_empty=True, shop_has_references=True)
    assert tripped is not None
    assert tripped.guard == "first_run"
    assert "--new-baseline" in tripped.override_setting
    assert first_run(mirror_empty=True, shop_has_references=True, allowed=True) is None
    assert first_run(mirror_empty=True, shop_has_references=False) is None
    assert first_run(mirror_empty=False, shop_has_references=True) is None


def test_a_clock_that_is_off_is_refused_in_both_directions():
    assert clock_skew(NOW, NOW + timedelta(seconds=300)) is None
    ahead = clock_skew(NOW, NOW + timedelta(seconds=301))
    assert ahead is not None
    assert ahead.facts == {"seconds": -301, "limit": 300}
    assert clock_skew(NOW + timedelta(hours=1), NOW) is not None
    assert clock_skew(NOW + timedelta(hours=1), NOW, allowed=True) is None


def test_an_emptied_resource_is_refused_but_not_a_tiny_one():
    tripped = emptied("orders", answered=0, mirrored=500)
    assert tripped is not None
    assert tripped.facts == {"resource": "orders", "mirrored": 500}
    assert tripped.override_setting == "allow_emptied"
    assert emptied("orders", answered=1, mirrored=500) is None
    assert emptied("contacts", answered=0, mirrored=2) is None
    assert emptied("orders", answered=0, mirrored=500, allowed=True) is None


def test_a_mass_change_is_more_than_half_of_many():
    assert mass_change("customers", gone=50, mirrored=100) is None
    assert mass_change("customers", gone=51, mirrored=100) is not None
    assert mass_change("customers", gone=9, mirrored=9) is None
    assert mass_change("customers", gone=51, mirrored=100, allowed=True) is None


def test_twenty_mails_in_two_hours_are_a_person_and_one_more_is_a_loop():
    twenty = minutes_ago(*range(20))
    assert mail_loop(twenty, twenty, NOW) is None
    tripped = mail_loop([*twenty, NOW], twenty, NOW)
    assert tripped is not None
    assert tripped.facts["where"] == "thread"
    assert tripped.facts["mails"] == 21
    spread = mail_loop([NOW], [*twenty, NOW], NOW)
    assert spread is not None
    assert spread.facts["where"] == "total"


def test_mails_before_the_window_do_not_count_and_mails_from_the_future_do():
    assert mail_loop(minutes_ago(*[121] * 50), [], NOW) is None
    assert mail_loop(minutes_ago(*[-600] * 21), [], NOW) is not None
