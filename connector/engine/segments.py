"""Who is in a segment, and who of them may be on a list. Reads the mirror; of the shop only the consents are asked."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from connector.core.consent import Consents, mailable, stale
from connector.core.segments import Account, Person, Segment, belongs, group_ids, wants, with_groups
from connector.engine.comparable import is_filled
from connector.engine.consents import ConsentReader
from connector.engine.ports import Clock, Rows, Runs
from connector.engine.ports.segments import People
from connector.errors import Busy, DataError

NO_CONSENT = "no_consent"
BOUNCED = "bounced"
ADDRESS_CHANGED = "address_changed"
REASONS = (NO_CONSENT, BOUNCED, ADDRESS_CHANGED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list. account: None for somebody who only wrote."""

    person: Person
    account: Account | None


@dataclass(frozen=True, slots=True)
class Listing:
    """entries: by address. left_out: reason -> how many people. as_of: when the consents were read, or what the mirror
    held of a list that needs none; None: never. offline: consents as the mirror has them."""

    segment: Segment
    entries: list[Entry]
    left_out: dict[str, int] = field(default_factory=dict)
    as_of: datetime | None = None
    offline: bool = False


class Selection:
    """The segments of one shop."""

    def __init__(
        self,
        shop_name: str,
        people: People,
        rows: Rows,
        runs: Runs,
        consents: Callable[[], ConsentReader],
        clock: Clock,
    ) -> None:
        self.shop_name = shop_name
        self._people = people
        self._rows = rows
        self._runs = runs
        self._consents = consents
        self._clock = clock

    def members(self, segment: Segment) -> list[Person]:
        """Everybody whom the conditions hold for, consent aside; by address. Raises Busy while the mirror was never
        filled, DataError for a group that the shop does not have."""
        return [person for _, person in sorted(self._known(segment)[1].items())]

    def listing(self, segment: Segment, *, offline: bool = False) -> Listing:
        """Who may be on the list. A campaign's consents are asked of the shop, unless offline: whoever cannot ask gets
        no list. Raises as `members`, and what the shop raises."""
        newest = self._people.newest_local(self.shop_name)  # first: a pull may store somebody while we look
        everybody, found = self._known(segment)
        if not segment.is_campaign:
            entries = [Entry(person, person.account) for _, person in sorted(found.items())]
            return Listing(segment, entries, as_of=self.mirror_as_of(), offline=offline)
        if offline:
            said, as_of = self._mirrored(segment.consent, everybody.values()), self.mirror_as_of(consents=True)
        else:
            as_of = self._clock.now()  # the moment before the first answer: what it says is at least as new
            said = self._consents().read(segment.consent, newest)
        return self._with_consent(segment, everybody, found, said, as_of, offline=offline)

    def group(self, segment: Segment) -> int:
        """The id of the group that belongs to the segment. Raises DataError when there is none, or several."""
        if not segment.group:
            raise DataError("segment.no_group", name=segment.name, place=f"{segment.file}:{segment.line}")
        found = group_ids(segment.group, self._people.group_names(self.shop_name))
        if len(found) != 1:
            code = "segment.group_ambiguous" if found else "segment.unknown_group"
            raise self._group_error(code, segment, segment.group, found)
        return found[0]

    def mirror_as_of(self, *, consents: bool = False) -> datetime | None:
        """When the last good pull ended. consents: when the flags that no date tells of were compared last."""
        last = {leg["leg"]: leg["last_success_at"] for leg in self._runs.last(self.shop_name)}
        pulled: datetime | None = last.get("pull")
        return (last.get("sweep") or pulled) if consents else pulled

    # --- parts ------------------------------------------------------------------------------------------------------

    def _known(self, segment: Segment) -> tuple[dict[str, Person], dict[str, Person]]:
        """Everybody, and those whom the conditions hold for."""
        now = self._clock.now()
        wanted = wants(segment, now)
        needed = ["customers", "languages"]
        needed += ["orders"] if wanted.orders or wanted.products else []
        needed += ["addresses", "countries"] if wanted.countries else []
        needed += ["customer_threads", "customer_messages"] if wanted.threads else []
        needed += ["groups"] if wanted.groups else []
        missing = [name for name in needed if not is_filled(self._rows.cursor(self.shop_name, name))]
        if missing:
            raise Busy("segment.not_ready", shop=self.shop_name, missing=", ".join(missing))
        resolved, unknown = with_groups(segment, self._people.group_names(self.shop_name) if wanted.groups else {})
        if unknown:
            raise self._group_error("segment.unknown_group", segment, unknown[0], ())
        everybody = self._people.people(self.shop_name, replace(wanted, orders=True))  # every list shows them
        return everybody, {key: one for key, one in everybody.items() if belongs(resolved, one, now)}

    @staticmethod
    def _group_error(code: str, segment: Segment, wish: str, ids: Collection[int]) -> DataError:
        found = ", ".join(map(str, ids))
        return DataError(code, group=wish, place=f"{segment.file}:{segment.line}", ids=found, name=segment.name)

    def _with_consent(
        self,
        segment: Segment,
        everybody: dict[str, Person],
        found: dict[str, Person],
        said: Consents,
        as_of: datetime | None,
        *,
        offline: bool,
    ) -> Listing:
        newcomers: dict[str, list[Account]] = {}
        for number, address in said.addresses.items():
            known = everybody.get(address)
            if address and (known is None or all(one.id != number for one in known.accounts)):
                newcomers.setdefault(address, []).append(Account(number, guest=True))
        bounced = self._people.bounced(self.shop_name)
        left_out, entries = dict.fromkeys(REASONS, 0), []
        for address, person in sorted(found.items()):
            chosen = mailable([*person.accounts, *newcomers.get(address, ())], said)
            if stale(person.accounts, said, address):
                left_out[ADDRESS_CHANGED] += 1
            elif chosen is None:
                left_out[NO_CONSENT] += 1
            elif address in bounced:
                left_out[BOUNCED] += 1
            else:
                entries.append(Entry(person, chosen))
        return Listing(segment, entries, left_out, as_of, offline)

    @staticmethod
    def _mirrored(consent: str, people: Collection[Person]) -> Consents:
        every = [one for person in people for one in person.accounts]
        return Consents(
            given=frozenset(one.id for one in every if getattr(one, consent)),
            active=frozenset(one.id for one in every if one.active),
            kept=frozenset(one.id for one in every if not one.deleted),
        )
