"""What people may do in identity, and what other parts of Croft may ask of it."""

from croft.services.identity.actions.keyring import list_keys, replace_keys, rotate_keys
from croft.services.identity.actions.keys import seal_credentials
from croft.services.identity.actions.outside import seed_directories
from croft.services.identity.actions.projects import project_exists
from croft.services.identity.actions.seed import Seed, seed
from croft.services.identity.actions.tokens import Tokens
from croft.services.identity.actions.vouching import seed_providers

__all__ = [
    "Seed",
    "Tokens",
    "list_keys",
    "project_exists",
    "replace_keys",
    "rotate_keys",
    "seal_credentials",
    "seed",
    "seed_directories",
    "seed_providers",
]
