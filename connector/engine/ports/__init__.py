"""What the engine needs from the outside, as Protocols. Adapters fit them; `wiring` hands them in.

Nothing here imports an adapter. Every method that talks to a far side raises only errors of `connector.errors`.
"""

from connector.core.exchange import (
    Broken,
    Difference,
    Fetched,
    FolderState,
    Held,
    Mark,
    NewCopy,
    NewMessage,
    NewThread,
    OutgoingFile,
    OutgoingMail,
    Page,
    Record,
    Stored,
)
from connector.engine.ports.far import Clock, Events, FolderWatch, Log, Mailbox, MailCodec, Sender, Shop
from connector.engine.ports.mirror import (
    Attachments,
    Contents,
    Differences,
    Leases,
    Ledger,
    Lookups,
    Memory,
    Rows,
    Runs,
)
from connector.engine.ports.outbox import Conflicts, Duplicates, Outbox

__all__ = [
    "Attachments",
    "Broken",
    "Clock",
    "Conflicts",
    "Contents",
    "Difference",
    "Differences",
    "Duplicates",
    "Events",
    "Log",
    "Fetched",
    "FolderState",
    "Mark",
    "FolderWatch",
    "Held",
    "Ledger",
    "Leases",
    "Lookups",
    "Memory",
    "MailCodec",
    "Mailbox",
    "NewCopy",
    "NewMessage",
    "NewThread",
    "Outbox",
    "OutgoingFile",
    "OutgoingMail",
    "Page",
    "Record",
    "Rows",
    "Runs",
    "Sender",
    "Shop",
    "Stored",
]
