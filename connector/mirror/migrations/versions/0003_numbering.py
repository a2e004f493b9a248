"""By which numbers a folder's mails are known now, and what of a mail was not kept."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("baseline", sa.Column("numbering", sa.BigInteger()))
    op.add_column("mail", sa.Column("omitted", sa.JSON()))
