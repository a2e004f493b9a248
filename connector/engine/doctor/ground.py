"""Do the settings fit what the shop is set up with: time zone, languages, contacts, employees, states, several shops?

Asked of the shop's reference tables: as read just now, or as the mirror has them when the shop is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from connector.core.mapping import Resource
from connector.core.statuses import Canon, Resolved, resolve
from connector.engine.doctor.finding import Finding, attempt, fail, ok, skip, warn
from connector.engine.ports import Lookups
from connector.errors import CheckFound, SettingsError

TABLES = ("configurations", "languages", "shops", "contacts", "employees", "order_states")
"""What the checks here look at; each is small."""

ZONE, LANGUAGES, CONTACTS = "shop.time_zone", "shop.languages", "shop.contacts"
EMPLOYEES, STATES, OWN_IMAP, SHOPS = "shop.employees", "shop.order_states", "shop.own_imap", "shop.several_shops"
NEEDS = {
    ZONE: ("configurations",),
    LANGUAGES: ("languages",),
    CONTACTS: ("contacts",),
    EMPLOYEES: ("employees",),
    STATES: ("order_states", "configurations"),
    OWN_IMAP: ("configurations",),
    SHOPS: ("shops",),
}


@dataclass(frozen=True, slots=True)
class BoxFacts:
    """What a mailbox's settings say about the shop; 0: not set."""

    name: str
    id_shop: int
    id_lang: int
    contact: int
    employee: int


@dataclass(frozen=True, slots=True)
class Ground:
    """lookups: where the tables can be asked. absent: table -> why it cannot be looked at (name of a sentence).
    timezone, employee, id_shop: of the settings, '' and 0 when not set. states: the canonical order states."""

    shop: str
    lookups: Lookups
    absent: Mapping[str, str]
    timezone: str
    employee: int
    id_shop: int
    boxes: Sequence[BoxFacts]
    states: Canon

    def findings(self) -> Iterator[Finding]:
        works: dict[str, Callable[[], Iterable[Finding]]] = {
            SHOPS: self._several,
            ZONE: self._zone,
            LANGUAGES: self._languages,
            CONTACTS: self._contacts,
            EMPLOYEES: self._employees,
            STATES: self._states,
            OWN_IMAP: self._own_imap,
        }
        for check, work in works.items():
            absent = next((name for name in NEEDS[check] if name in self.absent), None)
            # The setting stands in for a zone that the shop does not tell.
            if absent is not None and check != ZONE:
                yield skip(check, self.shop, self.absent[absent], resource=absent)
            else:
                yield from attempt(check, self.shop, work)

    def _several(self) -> Iterator[Finding]:
        active = self.lookups.active_shops(self.shop)
        if self.id_shop and active and self.id_shop not in active:
            yield self._wrong(SHOPS, "id_shop", self.id_shop, active)
        unknown = [box for box in self.boxes if box.id_shop and active and box.id_shop not in active]
        for box in unknown:
            yield self._wrong(SHOPS, f"mailboxes.{box.name}.id_shop", box.id_shop, active)
        silent = [box.name for box in self.boxes if not (box.id_shop or self.id_shop)]
        if len(active) > 1 and silent:
            error = CheckFound("doctor.shop_of_mailbox", count=len(active), mailboxes=", ".join(silent))
            yield warn(SHOPS, self.shop, error)
        elif not unknown:
            yield ok(SHOPS, self.shop, SHOPS, count=max(1, len(active)))

    def _zone(self) -> Iterator[Finding]:
        told = None if "configurations" in self.absent else self.lookups.configuration(self.shop, "PS_TIMEZONE")
        if told and not _is_zone(told):
            yield warn(ZONE, self.shop, CheckFound("doctor.zone_strange", zone=told))
        elif told and self.timezone and told != self.timezone:
            yield warn(ZONE, self.shop, CheckFound("doctor.zone_differs", zone=told, setting=self.timezone))
        elif told:
            yield ok(ZONE, self.shop, ZONE, zone=told)
        elif self.timezone:
            yield ok(ZONE, self.shop, "doctor.zone_of_settings", zone=self.timezone)
        else:
            yield warn(ZONE, self.shop, CheckFound("doctor.zone_unknown"))

    def _languages(self) -> Iterator[Finding]:
        known = self.lookups.languages(self.shop)
        if not known:
            yield warn(LANGUAGES, self.shop, CheckFound("doctor.no_language"))
            return
        wrong = [box for box in self.boxes if box.id_lang and box.id_lang not in known]
        for box in wrong:
            yield self._wrong(LANGUAGES, f"mailboxes.{box.name}.id_lang", box.id_lang, known)
        if not wrong:
            yield ok(LANGUAGES, self.shop, LANGUAGES, languages=", ".join(known.values()))

    def _contacts(self) -> Iterator[Finding]:
        saves = {contact.id: contact.customer_service for contact in self.lookups.contacts(self.shop)}
        bad = False
        for box in self.boxes:
            if not box.contact or saves.get(box.contact):
                continue
            bad = True
            if box.contact not in saves:
                yield self._wrong(CONTACTS, f"mailboxes.{box.name}.contact", box.contact, saves)
            else:
                error = CheckFound("doctor.contact_saves_nothing", id=box.contact, mailbox=box.name)
                yield warn(CONTACTS, self.shop, error)
        if not any(saves.values()):
            yield warn(CONTACTS, self.shop, CheckFound("doctor.no_contact_saves", count=len(saves)))
        elif not bad:
            yield ok(CONTACTS, self.shop, CONTACTS, count=sum(saves.values()))

    def _employees(self) -> Iterator[Finding]:
        named = {"employee": self.employee} | {f"mailboxes.{box.name}.employee": box.employee for box in self.boxes}
        named = {setting: number for setting, number in named.items() if number}
        active = {one.id: one.active for one in self.lookups.employees(self.shop)}
        wrong = {setting: number for setting, number in named.items() if not active.get(number)}
        for setting, number in wrong.items():
            if number in active:
                told = SettingsError("doctor.employee_inactive", key=f"shops.{self.shop}.{setting}", id=number)
                yield fail(EMPLOYEES, self.shop, told)
            else:
                yield self._wrong(EMPLOYEES, setting, number, [i for i, works in active.items() if works])
        if not self.employee:
            yield skip(EMPLOYEES, self.shop, "doctor.no_employee_set")
        elif not wrong:
            yield ok(EMPLOYEES, self.shop, EMPLOYEES, id=self.employee)

    def _states(self) -> Iterator[Finding]:
        lookups, shop = self.lookups, self.shop
        keys = {key for state in self.states.values() for key in state.keys}
        config = {key: lookups.configuration(shop, key) or "" for key in keys}
        there = lookups.order_states(shop)
        found = {name: resolve(name, there, config, self.states) for name, one in self.states.items() if not one.any_of}
        resolved = [name for name, what in found.items() if isinstance(what, Resolved)]
        reasons = {name: what.reason for name, what in found.items() if not isinstance(what, Resolved)}
        unclear = sorted(name for name, reason in reasons.items() if reason != "not_set_up")
        if not resolved:
            yield warn(STATES, shop, CheckFound("doctor.no_state_resolved", count=len(there)))
            return
        if unclear:
            yield warn(STATES, shop, CheckFound("doctor.states_unclear", states=", ".join(unclear)))
        without = ", ".join(sorted(name for name in reasons if name not in unclear)) or "none"
        yield ok(STATES, shop, STATES, count=len(resolved), without=without)

    def _own_imap(self) -> Iterator[Finding]:
        if (self.lookups.configuration(self.shop, "PS_SAV_IMAP_URL") or "").strip():
            yield warn(OWN_IMAP, self.shop, CheckFound("doctor.own_imap"))
        else:
            yield ok(OWN_IMAP, self.shop, OWN_IMAP)

    def _wrong(self, check: str, setting: str, number: int, known: Iterable[int]) -> Finding:
        there = ", ".join(str(one) for one in sorted(known)) or "none"
        key = f"shops.{self.shop}.{setting}"
        return fail(check, self.shop, SettingsError("doctor.id_unknown", key=key, id=number, known=there))


def tables_of(resources: Iterable[Resource]) -> tuple[str, ...]:
    """The tables of `TABLES` that are mapped."""
    return tuple(one.name for one in resources if one.name in TABLES)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        return False
    return True
