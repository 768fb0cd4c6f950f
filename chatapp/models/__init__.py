"""The tables: what is stored, and nothing about who may do what with it."""

from chatapp.models.base import Base, new_id, now
from chatapp.models.conversation import Conversation, Membership
from chatapp.models.event import Event, LogHead
from chatapp.models.message import MESSAGE_ROWS, Message, MessageRow
from chatapp.models.user import Invite, Session, Token, User

__all__ = [
    "MESSAGE_ROWS",
    "Base",
    "Conversation",
    "Event",
    "Invite",
    "LogHead",
    "Membership",
    "Message",
    "MessageRow",
    "Session",
    "Token",
    "User",
    "new_id",
    "now",
]
