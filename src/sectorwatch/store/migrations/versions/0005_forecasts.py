"""Forecasts as they were issued, how they fared, which model was taken, and what is carried on."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "forecast",
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("as_of_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "as_of_s", name=op.f("pk_forecast")),
    )
    op.create_table(
        "forecast_score",
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("day_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("scored_to_s", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "day_s", name=op.f("pk_forecast_score")),
    )
    op.create_table(
        "forecast_state",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("as_of_s", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_forecast_state")),
    )
    op.create_table(
        "model_decision",
        sa.Column("decided_at_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("challenger", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("champion", sa.Text(), nullable=False),
        sa.Column("is_taken", sa.Boolean(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("decided_at_s", "challenger", name=op.f("pk_model_decision")),
    )
