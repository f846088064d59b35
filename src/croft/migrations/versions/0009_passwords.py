"""Identity: second factors, ages of passwords, who knocks too often."""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
