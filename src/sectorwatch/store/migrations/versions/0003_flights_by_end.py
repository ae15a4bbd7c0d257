"""Flights by their end: which are still to be sealed, and which are too old to be kept."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_flight_ended_s"), "flight", ["ended_s"], unique=False)
