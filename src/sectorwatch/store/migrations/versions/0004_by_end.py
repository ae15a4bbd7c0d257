"""Sessions and owners by their end: who was there at a moment, without looking at all there were."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        op.f("ix_session_ended_s_first_seen_s"), "session", ["ended_s", "first_seen_s"]
    )
    op.create_index(op.f("ix_ownership_end_s_start_s"), "ownership", ["end_s", "start_s"])
