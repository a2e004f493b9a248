"""What our column types hand to the drivers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import DateTime
from sqlalchemy.dialects import postgresql, sqlite

from connector.mirror.dialect import UTCDateTime

zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-3))])
days = [datetime.fromisoformat(day) for day in ("0002-01-01", "9998-01-01")]
moments = st.datetimes(*days, timezones=zones)


@given(st.lists(st.none() | moments | moments.map(lambda moment: moment.replace(microsecond=0))))
def test_a_column_of_moments_is_written_as_each_would_be(values):
    theirs = DateTime().dialect_impl(sqlite.dialect()).bind_processor(sqlite.dialect())
    ours = UTCDateTime()
    one_by_one = [theirs(ours.process_bind_param(value, sqlite.dialect())) for value in values]
    assert ours.many(values, sqlite.dialect()) == one_by_one
    assert ours.many(values, postgresql.dialect()) == values
