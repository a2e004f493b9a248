"""The SQL mirror: shop rows, the ledger of mails, the outbox. SQLite by default, PostgreSQL by URL.

`db.open_mirror` is the entrance. This package decides nothing, asks no shop and no mailbox, and its callers see
neither SQL nor a driver's error: `connector.errors` only.
"""
