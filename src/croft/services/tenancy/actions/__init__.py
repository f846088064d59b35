"""What people do with requests and with the life of projects."""

from croft.services.tenancy.actions.calendar import Calendar
from croft.services.tenancy.actions.lives import Lives
from croft.services.tenancy.actions.purge import purge
from croft.services.tenancy.actions.requests import Requests

__all__ = ["Calendar", "Lives", "Requests", "purge"]
