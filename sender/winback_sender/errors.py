"""The error that a user can mend."""

from enum import IntEnum


class Exit(IntEnum):
    """What the exit code of ``winback`` says."""

    OK = 0
    FAILED = 1  # the check or the run failed
    USAGE = 2  # usage, settings or input are wrong
    UNAVAILABLE = 3  # Kafka or another service cannot be reached
    INTERRUPTED = 130  # Ctrl-C


class UserError(Exception):
    """A mistake of the user, or weather; printed as two lines, never with a stack trace.

    Attributes:
        message: What is wrong, and where.
        hint: What to do about it.
        exit_code: How the process ends.
    """

    def __init__(self, message: str, hint: str = "", exit_code: int = Exit.USAGE) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = int(exit_code)


class Unavailable(UserError):  # noqa: N818 (it names an outcome, not a fault)
    """Kafka or another service cannot be reached."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint, Exit.UNAVAILABLE)
