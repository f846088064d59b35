"""What people, and the services above, may do with images."""

from croft.services.images.actions.data import (
    Upload,
    begin_upload,
    download,
    end_upload,
    give_up_upload,
    import_image,
    stretch_upload,
)
from croft.services.images.actions.images import (
    add_tag,
    any_image,
    create_image,
    deactivate_image,
    delete_image,
    list_images,
    purge,
    reactivate_image,
    remove_tag,
    show_image,
    update_image,
    usable,
)
from croft.services.images.actions.members import create_member, delete_member, list_members, show_member, update_member

__all__ = [
    "Upload",
    "add_tag",
    "any_image",
    "begin_upload",
    "create_image",
    "create_member",
    "deactivate_image",
    "delete_image",
    "delete_member",
    "download",
    "end_upload",
    "give_up_upload",
    "import_image",
    "list_images",
    "list_members",
    "purge",
    "reactivate_image",
    "remove_tag",
    "show_image",
    "show_member",
    "stretch_upload",
    "update_image",
    "update_member",
    "usable",
]
