"""What can be written into segments.toml, and what is said of what cannot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from connector import packagedata
from connector.core.consent import Consents, mailable
from connector.core.mapping import MappingText
from connector.core.segment_changes import Changes, Member, changes, mass_change
from connector.core.segment_files import Segments, read
from connector.core.segments import Account, Person, Segment, Wants, belongs, wants, with_groups

NOW = datetime(2026, 10, 1, tzinfo=UTC)
SHIPPED = MappingText("mappings/segments.toml", "[vip]\nwhen.spent = 1000\n[new]\nwhen.orders = { at_most = 1 }\n")


def found(text: str) -> Segments:
    return read(SHIPPED, MappingText("own/segments.toml", text), ["main", "paris"])


def segment(text: str) -> Segment:
    read_ = found(f"[a]\n{text}\n")
    assert read_.mistakes == ()
    return read_.every[0]


def test_the_shipped_segments_are_these() -> None:
    shipped = packagedata.checked_segments(None, ["main"]).every
    assert [one.name for one in shipped] == ["new", "loyal", "at_risk", "vip", "waiting_for_an_answer"]
    assert [one.consent for one in shipped] == ["newsletter"] * 4 + ["none"]
    assert all(one.title and one.line and not one.group for one in shipped)


def test_ones_own_stand_above_and_replace_whole() -> None:
    read_ = found('[mine]\nwhen.optin = true\n[vip]\nwhen.orders = 5\nconsent = "none"\nshops = ["paris"]\n')
    assert [one.name for one in read_.every] == ["mine", "vip", "new"]
    vip = read_.every[1]
    assert (vip.file, vip.line, vip.consent, vip.when.names) == ("own/segments.toml", 3, "none", ("orders",))
    assert [one.name for one in read_.of("main")] == ["mine", "new"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a]\nwhen.money = 3", ":2: unknown key `when.money`; known are: orders, spent"),
        ("[a]\nspent = 3\nwhen.orders = 1", ":2: unknown key `spent`; known are: title"),
        ("[a]\ntitle = 'x'", ":1: a segment needs a condition"),
        ("[a]\nunless.orders = 1", ":1: a segment needs a condition"),
        ("[a]\nwhen.orders = 'five'", ":2: `orders` must be a number from 0 on"),
        ("[a]\nwhen.orders = nan", ":2: `orders` must be a number from 0 on"),
        ("[a]\nwhen.orders = { at_least = -1 }", ":2: `orders` must be a number from 0 on"),
        ("[a]\nwhen.spent = { at_least = 5, at_most = 4 }", ":2: `spent`: at_least is more than at_most"),
        ("[a]\nwhen.spent = { more = 5 }", ":2: unknown key `when.spent.more`; known are: at_least, at_most"),
        ("[a]\nwhen.newsletter = 'yes'", ":2: `newsletter` must be true or false"),
        ("[a]\nwhen.country = 'France'", ":2: `country`: 'France' is no ISO code"),
        ("[a]\nwhen.country = []", ":2: `country` needs between 1 and 500 values"),
        ("[a]\nwhen.thread = ['waits']", ":2: `thread`: 'waits' is none of: open, closed"),
        ("[a]\nwhen.group = [true]", ":2: `group` must be a text or a list of texts"),
        ("[a]\nwhen.group = 0", ":2: `group`: 0 is no id"),
        ("[a]\nwhen.group = '!'", ":2: `group`: '!' is no name"),
        ("[a]\nwhen.orders = 1\nconsent = 'maybe'", ":3: `consent` is one of: newsletter, optin, none"),
        ("[a]\nwhen.orders = 1\nwithin_days = 0.5", ":3: `within_days` must be a whole number"),
        ("[a]\nwhen.orders = 1\ngroup = [4, 5]", ":3: `group` is one group"),
        ("[a]\nwhen.orders = 1\nshops = 'rome'", ":3: `shops`: 'rome' is no shop of the settings"),
        ("[a]\nwhen.orders = 1\ntitle = \"a\\nb\"", ":3: `title` must be a text of one line"),
        ("[a]\nwhen = 3", ":2: `when` must be a table"),
        ("[A b]\n", ":1: "),
        ("['A b']\nwhen.orders = 1", ":1: a segment is called by a-z"),
        ("a = 3", ":1: `a` must be a table"),
        ("[a]\nwhen.orders = 1\ngroup = 4\n[b]\nwhen.orders = 2\ngroup = 4", ":4: [b] has the group of [a]"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_its_line(text: str, said: str) -> None:
    told = [str(one) for one in found(text).mistakes]
    assert any(one.startswith(f"own/segments.toml{said}") for one in told), told
    assert {"vip", "new"} <= {one.name for one in found(text).every}


def test_two_shops_may_have_segments_with_groups_of_the_same_number() -> None:
    text = "[a]\nwhen.orders = 1\ngroup = 4\nshops = 'main'\n[b]\nwhen.orders = 2\ngroup = 4\nshops = 'paris'\n"
    assert found(text).mistakes == ()


def test_what_a_segment_needs_to_know_is_all_that_is_asked() -> None:
    assert wants(segment("when.optin = true"), NOW) == Wants()
    asked = wants(segment("within_days = 10\nwhen.product = [3, 'REF']\nunless.group = 'VIP'"), NOW)
    assert asked == Wants(since=NOW - timedelta(days=10), groups=True, products=("#3", "ref"))


def test_conditions_at_their_ends() -> None:
    person = Person("a@b.c", [Account(1, registered_at=NOW - timedelta(days=30))], orders=2, spent=Decimal("10.10"))
    person.last_order = NOW - timedelta(days=30)
    for text, holds in [
        ("when.spent = { at_least = 10.1 }", True),
        ("when.spent = { at_least = 10.11 }", False),
        ("when.average = 5.05", True),
        ("when.last_order_days = { at_least = 30, at_most = 30 }", True),
        ("when.last_order_days = { at_most = 29.9 }", False),
        ("when.first_order_days = { at_least = 0 }", False),  # unknown
        ("when.registered_days = { at_least = 30 }", True),
        ("when.orders = 2\nunless.spent = { at_least = 10 }", False),
        ("when.orders = 2\nwhen.guest = false", True),
        ("when.newsletter = false", True),
    ]:
        assert belongs(segment(text), person, NOW) is holds, text
    person.accounts[0].deleted = True
    assert not belongs(segment("when.orders = 2"), person, NOW)


def test_a_group_is_found_by_id_or_by_its_name_in_any_language() -> None:
    names = {4: ["Professionals", "Professionnels"], 5: ["VIP"]}
    asked, unknown = with_groups(segment("when.group = ['professionnels', 5, 'Gold']"), names)
    assert (asked.when.lists["group"], unknown) == (("#4", "#5"), ["gold"])


def test_a_list_that_was_cut_short_lets_nobody_in() -> None:
    both = [Account(1), Account(2, guest=True)]
    everybody = frozenset({1, 2})
    whole = Consents(given=everybody, active=everybody, kept=everybody)
    assert mailable(both, whole) is both[0]
    assert mailable(both, Consents(given=everybody, active=frozenset({2}), kept=everybody)) is both[1]
    for name in ("given", "kept"):
        lists = {"given": everybody, "active": everybody, "kept": everybody, name: frozenset({1})}
        assert mailable(both, Consents(**lists)) is None  # type: ignore[arg-type]
    assert mailable([], whole) is None


def test_changes_leave_alone_what_is_not_the_segments() -> None:
    members = [Member(4, 1), Member(4, 2), Member(4, 3, arrived=False), Member(4, 5, leaving=True), Member(9, 6)]
    defaults = dict.fromkeys(range(1, 10), 3)
    made = changes(4, {1, 3, 5, 7}, {1, 2, 8}, members, defaults)
    assert made == Changes(add=(7,), remove=((4, 2), (9, 6)), under_way=2, others=1, own=5)
    assert changes(4, set(), {1}, [Member(4, 1)], {}).gone == ((4, 1),)
    refused = changes(4, {1}, set(), [Member(4, 1, arrived=False, refused=True), Member(4, 2, refused=True)], defaults)
    assert (refused.add, refused.remove, refused.refused) == ((), (), (1, 2))


def test_a_mass_change_is_one_beyond_a_few_and_a_share() -> None:
    def of(add: int = 0, remove: int = 0, own: int = 100) -> str:
        return mass_change(Changes(tuple(range(add)), remove=tuple((4, n) for n in range(remove)), own=own), 1000)

    assert [of(remove=50), of(remove=51), of(remove=10, own=10), of(remove=11, own=11)] == [
        "",
        "removed",
        "",
        "removed",
    ]
    assert [of(add=250), of(add=251)] == ["", "added"]
