"""The address book: who can be reached where, asked of the company's own system at send time."""

from typing import Protocol


class AddressBook(Protocol):
    """Finds contact addresses. Called from several threads at once."""

    def resolve(self, user_id: str, channel: str) -> str | None:
        """Return the phone number, openid, e-mail …; None = there is none.

        Raises:
            NotSentError: The system that knows is away (``retry=True``): try again later.
        """

    def find(self, channel: str, address: str) -> str | None:
        """Return whose address it is, for replies that name no touch; None = cannot say."""

    def close(self) -> None:
        """Let go of connections and files."""
