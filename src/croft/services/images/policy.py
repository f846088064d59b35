"""Who may do what to images."""

from croft.core.policy import Role, Rule

RULES = (
    Rule("images.image.list", Role.READER, "get_images", "list images"),
    Rule("images.image.show", Role.READER, "get_image", "see images"),
    Rule("images.image.create", Role.MEMBER, "add_image", "create images"),
    Rule("images.image.update", Role.MEMBER, "modify_image", "change images"),
    Rule("images.image.publicize", Role.ADMIN, "publicize_image", "make images public"),
    Rule("images.image.communitize", Role.MEMBER, "communitize_image", "make images visible to the community"),
    Rule("images.image.give", Role.ADMIN, "image_owner", "give images to other projects"),
    Rule("images.image.delete", Role.MEMBER, "delete_image", "delete images"),
    Rule("images.image.upload", Role.MEMBER, "upload_image", "upload an image's data"),
    Rule("images.image.keep", Role.MEMBER, "upload_image", "upload an image's data"),
    Rule("images.image.download", Role.MEMBER, "download_image", "download an image's data"),
    Rule("images.image.import", Role.MEMBER, "import_image", "import an image's data"),
    Rule("images.image.deactivate", Role.MEMBER, "deactivate", "deactivate images"),
    Rule("images.image.reactivate", Role.MEMBER, "reactivate", "reactivate images"),
    Rule("images.member.list", Role.READER, "get_members", "see with whom images are shared"),
    Rule("images.member.show", Role.READER, "get_member", "see with whom images are shared"),
    Rule("images.member.create", Role.MEMBER, "add_member", "share images"),
    Rule("images.member.update", Role.MEMBER, "modify_member", "accept or reject shared images"),
    Rule("images.member.delete", Role.MEMBER, "delete_member", "stop sharing images"),
    Rule("images.schema.show", Role.NONE, "get_schema", "read schemas", project=False),
)
