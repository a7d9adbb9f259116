"""Names of headers that no client in Python would write: bytes of another encoding than UTF-8."""

from typing import Self


class ForeignName(str):
    """A text that clients write as GBK: they ask it for its bytes.

    Attributes:
        escaped: As it is shown.
    """

    __slots__ = ("escaped",)

    def __new__(cls, text: str) -> Self:
        made = super().__new__(cls, text)
        made.escaped = text.encode("gbk").decode(errors="backslashreplace")
        return made

    def encode(self, encoding: str = "gbk", errors: str = "strict") -> bytes:
        """Return the bytes, whichever are asked for."""
        return str(self).encode("gbk" if encoding else encoding, errors)


CHANNEL = ForeignName("渠道")
