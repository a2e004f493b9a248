from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.timeline import DATELESS, KINDS, Mark, language, named, tracking_link

NOON = datetime(2025, 3, 30, 12, tzinfo=UTC)


class TestTheMarkOfAPage:
    @given(
        st.integers(0, 10**17).map(lambda number: DATELESS + timedelta(microseconds=number)),
        st.sampled_from(KINDS),
        st.integers(min_value=1, max_value=2**63 - 1),
    )
    def test_is_read_as_it_was_written(self, at: datetime, kind: str, number: int) -> None:
        mark = Mark(at, kind, number)
        assert Mark.parse(str(mark)) == mark

    def test_is_utc_whatever_zone_it_came_in(self) -> None:
        there = datetime(2025, 3, 30, 14, tzinfo=timezone(timedelta(hours=2)))
        assert str(Mark(there, "state", 7)) == "2025-03-30T12:00:00Z,state,7"

    @pytest.mark.parametrize(
        "text", ["", "x", "2025-03-30", "2025-03-30T12:00:00,state,7", "2025-03-30T12:00:00Z,stat,7",
                 "2025-03-30T12:00:00Z,state,-7", "2025-03-30T12:00:00Z,state,²", "0001-01-01T00:00:00+14:00,state,7",
                 "2025-03-30T12:00:00Z,state,9223372036854775808", "2025-03-30T12:00:00Z,state,7,8"],
    )  # fmt: skip
    def test_of_no_page_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="no mark of a page"):
            Mark.parse(text)


class TestTrackingLinks:
    def test_every_at_sign_becomes_the_number(self) -> None:
        assert (
            tracking_link("https://parcels.test/@?again=@", " 1Z 9/9 ")
            == "https://parcels.test/1Z%209%2F9?again=1Z%209%2F9"
        )

    def test_a_number_cannot_lead_elsewhere(self) -> None:
        assert tracking_link("https://parcels.test/@", "../x?y#z@evil.test") == (
            "https://parcels.test/..%2Fx%3Fy%23z%40evil.test"
        )

    @pytest.mark.parametrize(
        "pattern", [None, "", "@", "javascript:alert('@')", "data:text/html,@", "/track/@", "https:///@", "http://[@"]
    )
    def test_what_is_no_web_address_is_no_link(self, pattern: str | None) -> None:
        assert tracking_link(pattern, "1Z9") is None

    @pytest.mark.parametrize("number", [None, "", "  "])
    def test_without_a_number_there_is_none(self, number: str | None) -> None:
        assert tracking_link("https://parcels.test/@", number) is None


class TestLanguages:
    @pytest.mark.parametrize(
        ("wanted", "found"), [("fr", 2), ("FR", 2), ("fr-CA", 2), ("fr_CA", 2), ("en-gb", 5), ("de", None), ("", None)]
    )
    def test_a_region_counts_for_its_language(self, wanted: str, found: int | None) -> None:
        assert language({1: "en", 2: "fr", 5: "en-GB", 7: ""}, wanted) == found

    def test_a_name_falls_back_to_the_next_language_that_has_it(self) -> None:
        names = {1: "Shipped", 2: "", 3: "Versandt"}
        assert named(names, 3) == "Versandt"
        assert named(names, 2, 3) == "Versandt"
        assert named(names, None, 9) == "Shipped"
        assert named({1: None}, 1) is None
