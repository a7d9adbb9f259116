"""Who is signed in, and how often somebody may ask: in memory, so a restart signs everybody out."""

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

IDLE_S: Final = 3_600.0
LIFE_S: Final = 12 * 3_600.0
SESSIONS_MAX: Final = 500
NAME_MAX: Final = 60
PEERS_MAX: Final = 4_096
"""Addresses whose pace is remembered; the one that was silent longest is forgotten."""


@dataclass(slots=True)
class Session:
    """Somebody who has shown the token.

    Attributes:
        name: As they have given it.
        csrf: Has to come back with everything that is done.
        begun_s: When, seconds of the monotonic clock.
        seen_s: When something was asked last.
    """

    name: str
    csrf: str
    begun_s: float
    seen_s: float


class Sessions:
    """The sessions that there are.

    Args:
        token: Who shows it may act.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def open(self, token: str, name: str, now_s: float) -> str | None:
        """Return the secret of a new session; None = that is not the token."""
        if not self._token or not hmac.compare_digest(
            token.strip().encode("utf-8", "replace"), self._token
        ):
            return None
        while len(self._sessions) >= SESSIONS_MAX:
            self._sessions.popitem(last=False)
        secret = secrets.token_urlsafe(32)
        shown = "".join(one for one in name.strip() if one.isprintable())[:NAME_MAX]
        self._sessions[secret] = Session(shown or "?", secrets.token_urlsafe(24), now_s, now_s)
        return secret

    def find(self, secret: str, now_s: float, *, is_use: bool = True) -> Session | None:
        """Return a session that has not ended; ``is_use``: somebody did something."""
        found = self._sessions.get(secret)
        if found is None:
            return None
        if now_s - found.seen_s > IDLE_S or now_s - found.begun_s > LIFE_S:
            del self._sessions[secret]
            return None
        if is_use:
            found.seen_s = now_s
        return found

    def close(self, secret: str) -> None:
        """End a session."""
        self._sessions.pop(secret, None)


class Pace:
    """How often an address may ask: a bucket that fills again.

    Args:
        most: So many at once.
        per_s: So many a second in the long run.
    """

    def __init__(self, most: float, per_s: float) -> None:
        self._most, self._per_s = most, per_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def may(self, peer: str, now_s: float) -> bool:
        """Return whether an address may ask once more, and count it."""
        left, then_s = self._left.pop(peer, (self._most, now_s))
        left = min(self._most, left + (now_s - then_s) * self._per_s)
        may = left >= 1.0
        self._left[peer] = (left - 1.0 if may else left, now_s)
        if len(self._left) > PEERS_MAX:
            self._left.popitem(last=False)
        return may

    def give_back(self, peer: str) -> None:
        """Do not count what was last counted of an address."""
        if peer in self._left:
            left, then_s = self._left[peer]
            self._left[peer] = (left + 1.0, then_s)
