"""Images and the projects they are shared with."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "images_image",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.BigInteger, nullable=True),
        sa.Column("visibility", sa.String(16), nullable=False, server_default="shared"),
        sa.Column("hidden", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("protected", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("min_disk", sa.Integer, nullable=False, server_default="0"),
        sa.Column("min_ram", sa.Integer, nullable=False, server_default="0"),
        sa.Column("container_format", sa.String(16), nullable=True),
        sa.Column("disk_format", sa.String(16), nullable=True),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("properties", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=True),
        sa.Column("virtual_size", sa.BigInteger, nullable=True),
        sa.Column("checksum", sa.String(32), nullable=True),
        sa.Column("sha512", sa.String(128), nullable=True),
        sa.Column("staged", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("deactivated", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("upload", sa.String(36), nullable=False, server_default=""),
        sa.Column("until", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("lost", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_images_image"),
        sa.CheckConstraint(
            "visibility IN ('public', 'community', 'shared', 'private')", name="ck_images_image_visibility"
        ),
        sa.CheckConstraint("min_disk >= 0 AND min_ram >= 0", name="ck_images_image_minimum"),
        sa.CheckConstraint("size >= 0", name="ck_images_image_size"),
    )
    op.create_index("ix_images_image_project", "images_image", ["project"])
    op.create_index("ix_images_image_visibility", "images_image", ["visibility"])
    op.create_table(
        "images_member",
        sa.Column("image", sa.String(36), nullable=False),
        sa.Column("project", sa.String(255), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("image", "project", name="pk_images_member"),
        sa.ForeignKeyConstraint(["image"], ["images_image.id"], name="fk_images_member_image", ondelete="CASCADE"),
        sa.CheckConstraint("status IN ('pending', 'accepted', 'rejected')", name="ck_images_member_status"),
    )
    op.create_index("ix_images_member_project", "images_member", ["project"])
