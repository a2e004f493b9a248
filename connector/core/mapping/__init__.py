"""Resources of the webservice as data: which fields are mirrored, with which types, into which tables.

`parse` turns the text of one mapping file (`mappings/resources/*.toml`, format in `mappings/README.md`) into a
`Resource`, `check` looks at all of them together. Records become typed rows in `core/values.py`. No file is opened
here.
"""

from connector.core.mapping.model import SECRETS, Child, Field, Pull, Resource, Row, Sweep, Type
from connector.core.mapping.reader import MappingFileError, Mistake, check, parse

__all__ = [
    "SECRETS",
    "Child",
    "Field",
    "MappingFileError",
    "Mistake",
    "Pull",
    "Resource",
    "Row",
    "Sweep",
    "Type",
    "check",
    "parse",
]
