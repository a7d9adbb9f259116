"""The error that a user can mend: the kit of the senders ends in the same way."""

from winback_sender.errors import Exit, Unavailable, UserError

__all__ = ["Exit", "Unavailable", "UserError"]
