"""Resources of the webservice as data: which fields are mirrored, with which types, into which tables.

`combine` lays the user's mapping files over the shipped ones (`mappings/resources/*.toml`, format in
`mappings/README.md`) and gives a `Resource` each, with the place of every key; `parse` reads one file by itself.
Records become typed rows in `core/values.py`. No file is opened here.
"""

from connector.core.mapping.files import MappingFileError, MappingText, Mistake
from connector.core.mapping.model import MIRRORS_OWN, SECRETS, Cells, Child, Field, Pull, Resource, Row, Sweep, Type
from connector.core.mapping.overlay import NEEDED, Mapped, Mappings, check, combine, fields_of, tables_of
from connector.core.mapping.reader import parse
from connector.core.mapping.served import Unserved, unserved

__all__ = [
    "MIRRORS_OWN",
    "NEEDED",
    "SECRETS",
    "Cells",
    "Child",
    "Field",
    "Mapped",
    "MappingFileError",
    "MappingText",
    "Mappings",
    "Mistake",
    "Pull",
    "Resource",
    "Row",
    "Sweep",
    "Type",
    "Unserved",
    "check",
    "combine",
    "fields_of",
    "parse",
    "tables_of",
    "unserved",
]
