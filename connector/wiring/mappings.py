"""What the `mappings` commands use, put together without opening the mirror: looking must change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connector import config, packagedata
from connector.core.mapping import Mappings, Mistake
from connector.core.rules import Rules
from connector.core.segment_files import Segments
from connector.core.templates import Templates
from connector.errors import MappingError
from connector.mirror.preview import Preview, preview
from connector.shop.client import ShopClient
from connector.wiring import parts


class MappingFiles:
    """The mappings of the settings with their mistakes. Raises MappingError for a file that cannot be read."""

    def __init__(self, settings: config.Settings) -> None:
        self.settings = settings
        self.found: Mappings = packagedata.mappings(settings.mappings_dir)
        self.templates: Templates = packagedata.templates(settings.mappings_dir)
        self.rules: Rules = packagedata.rules(settings.mappings_dir, forward_to(settings))
        self.segments: Segments = packagedata.segments(settings.mappings_dir, settings.shops)

    @property
    def mistakes(self) -> list[Mistake]:
        """Of mappings, rules, segments and templates."""
        return [*self.found.mistakes, *self.rules.mistakes, *self.segments.mistakes, *self.templates.mistakes]

    def preview(self) -> Preview | None:
        """What the next start would change in the mirror; None when there is none yet. Raises MappingError for a name
        that the mirror needs itself."""
        with placed(self.found):
            settings = self.settings
            seen = preview(settings.mirror_url, self.found.resources, password=settings.mirror_password)
        for error in seen.refused if seen else ():
            _place(error, self.found)
        return seen

    @contextmanager
    def shop(self, name: str) -> Iterator[ShopClient]:
        """The webservice of a shop of the settings, closed at the end."""
        client = parts.shop_client(self.settings.shops[name])
        try:
            yield client
        finally:
            client.close()


def forward_to(settings: config.Settings) -> dict[str, tuple[str, ...]]:
    """Per shop the addresses that rules may forward to."""
    return {name: s.forward_to for name, s in settings.shops.items()}


@contextmanager
def placed(found: Mappings) -> Iterator[None]:
    """A MappingError of the mirror names a table and a column; here it learns the file and line that ask for them."""
    try:
        yield
    except MappingError as error:
        _place(error, found)
        raise


def _place(error: MappingError, found: Mappings) -> None:
    if "table" not in error.facts:
        return
    file, line = found.place_of(str(error.facts["table"]), str(error.facts.get("column", "")))
    if file:
        error.facts["file"] = f"{file}:{line}" if line else file
