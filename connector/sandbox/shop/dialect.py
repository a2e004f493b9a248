"""What differs between the PrestaShop versions that the sandbox speaks.

One frozen value object: every other module asks it a named question instead of comparing version numbers. It knows
nothing about requests or rows. Each flag names the recorded exchange that shows it (`tests/contract/recordings`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


@dataclass(frozen=True)
class Dialect:
    """The dialect of one PrestaShop version, e.g. `Dialect("8.2.1")`.

    `three_byte_tables`: its database was never converted, and holds three bytes a character whatever the version.
    `mark` is the column of `definitions.toml` that serves this version: 6 (1.6.x), 7 (1.7.x), 8 (8.x) or 9 (9.x).
    """

    version: str
    three_byte_tables: bool = False

    @cached_property
    def number(self) -> tuple[int, ...]:
        return _parts(self.version)

    @cached_property
    def mark(self) -> str:
        number = self.number
        if number < (1, 7):
            return "6"
        if number < (8,):
            return "7"
        return "8" if number < (9,) else "9"

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods in the order of the api root's attributes; PATCH came with 8.0 (68 patch-thread, 01 api)."""
        patch = ("PATCH",) if self.number >= (8,) else ()
        return ("GET", "PUT", "POST", *patch, "DELETE", "HEAD")

    @property
    def hides_version_before_login(self) -> bool:
        """From 8.0 on a refusal says `PSWS-Version: 0` (24 wrong-key)."""
        return self.number >= (8,)

    @cached_property
    def empty_cdata(self) -> bool:
        """From 1.7.8 on an empty value is an empty CDATA section, before it is nothing (132 xml-single-customer)."""
        return self.number >= (1, 7, 8)

    @cached_property
    def drops_falsy_in_json(self) -> bool:
        """From 8.0 on the JSON of one resource leaves out what PHP calls empty (135 json-single-message)."""
        return self.number >= (8,)

    @cached_property
    def native_json_numbers(self) -> bool:
        """INT columns as JSON numbers: 9.0, and 8.0 and 8.1 on PHP 8.1 (32 json-customers)."""
        return self.mark == "9" or (8,) <= self.number < (8, 2)

    @property
    def api_root_json_fails(self) -> bool:
        """The api root as JSON is a 500 from 8.0 on (125 api-json)."""
        return self.number >= (8,)

    @property
    def answers_not_modified(self) -> bool:
        """`Local-Content-Sha1` leads to a 304 from 8.0 on (237 not-modified-304)."""
        return self.number >= (8,)

    @property
    def sub_display_keeps_ids(self) -> bool:
        """`display=[id,customer_messages[id]]` shows the ids up to 1.7 (182 display-linked)."""
        return self.number < (8,)

    @property
    def missing_date_column_fails(self) -> bool:
        """`date=1` with a date column that the table lacks: 500 from 8.0 on, else empty (160 date-histories-upd)."""
        return self.number >= (8,)

    @property
    def invalid_state_status(self) -> int:
        """Status of the answer to an unknown order or state in order_histories (78, 79 post-history-bad...)."""
        return 200 if self.number < (1, 7) else 500

    @property
    def invalid_state_body(self) -> bytes:
        return b"" if self.number >= (8,) else b"Invalid new order status"

    @property
    def refuses_known_email(self) -> bool:
        """A second customer with the same e-mail is refused from 1.7.8 on (84 post-customer-dup)."""
        return self.number >= (1, 7, 8)

    @property
    def email_used_text(self) -> str:
        return "The email is already used, please choose another one" + ("." if self.mark == "9" else "")

    @property
    def escapes_validation_text(self) -> bool:
        """8.x escapes the arrow of `Customer->email` (85 post-customer-badmail)."""
        return self.mark == "8"

    @property
    def long_validation_text(self) -> bool:
        """From 1.7 on a length error speaks of characters (171 post-message-user-agent-129)."""
        return self.number >= (1, 7)

    @cached_property
    def utf8mb4(self) -> bool:
        """Before 1.7.7 the tables hold three-byte UTF-8 only (94 message-stored-51)."""
        return self.number >= (1, 7, 7) and not self.three_byte_tables

    @property
    def tracking_sends_mail(self) -> bool:
        """`order_carriers?sendemail=1` mails since 1.7.1."""
        return self.number >= (1, 7, 1)

    @property
    def tracking_mail_needs_url(self) -> bool:
        """From 8.1 on nothing is mailed for a carrier without a tracking link."""
        return self.number >= (8, 1)

    @property
    def put_order_always_changes_state(self) -> bool:
        """Up to 1.7.7 every PUT of an order writes its state anew."""
        return self.number < (1, 7, 8)

    @property
    def redirect_path(self) -> str:
        """Where a foreign host or an unknown id_shop is sent (239 foreign-host-302)."""
        return "/index.php" if self.number < (1, 7) else "/"

    @property
    def id_shop_all_redirects(self) -> bool:
        """`id_shop=all` is taken for an unknown shop before 8.1."""
        return self.number < (8, 1)

    @property
    def json_escapes_controls(self) -> bool:
        """1.6 leaves control characters raw in JSON (234 ill-formed-control-json)."""
        return self.number >= (1, 7)
