"""An access_token of Tencent: one for all threads, fetched by one of them at a time."""

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final, NamedTuple

from winback_sender.contract.words import Why
from winback_sender.logs import get_logger
from winback_sender.receipt import NotSentError

log = get_logger(__name__)

RENEWED_BEFORE_S: Final = 300.0
FETCHED_EVERY_S: Final = 1.0
"""A fetch that failed is not tried by every thread in turn."""


class Token(NamedTuple):
    """An access_token and how long it lives, s."""

    text: str
    lives_s: float


class AccessToken:
    """One access_token for all threads; one of them fetches it, the others wait.

    Args:
        fetch: Returns a token other than the given one, which is known to be stale (or empty).
        clock: Seconds that only go forward.
    """

    def __init__(
        self, fetch: Callable[[str], Token], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = Lock()
        self._token = Token("", 0.0)
        self._until_s = 0.0
        self._failed_s: float | None = None

    def get(self) -> str:
        """Return a token that should be good.

        Raises:
            NotSentError: There is none now.
        """
        if self._is_fresh():
            return self._token.text
        with self._lock:
            if not self._is_fresh():
                try:
                    self._renew("")
                except NotSentError:
                    if self._clock() >= self._until_s:
                        raise
            return self._token.text

    def other_than(self, stale: str) -> str:
        """Return a token after a refusal of another one.

        Raises:
            NotSentError: There is none now.
        """
        with self._lock:
            if self._token.text == stale:
                self._until_s = 0.0
                self._renew(stale)
            return self._token.text

    def _is_fresh(self) -> bool:
        early_s = min(RENEWED_BEFORE_S, self._token.lives_s / 2)
        return bool(self._token.text) and self._clock() < self._until_s - early_s

    def _renew(self, stale: str) -> None:
        now_s = self._clock()
        if self._failed_s is not None and now_s - self._failed_s < FETCHED_EVERY_S:
            raise NotSentError(Why.UNAVAILABLE, retry=True, after_s=FETCHED_EVERY_S)
        try:
            self._token = self._fetch(stale)
        except NotSentError:
            self._failed_s = now_s
            raise
        self._failed_s = None
        self._until_s = now_s + self._token.lives_s


def read_token(answer: Mapping[str, Any]) -> Token:
    """Return the token of an answer.

    Raises:
        NotSentError: It has none.
    """
    token, lives_s = answer.get("access_token"), answer.get("expires_in")
    if isinstance(token, str) and token and isinstance(lives_s, int | float):
        return Token(token, lives_s)
    log.error("token_not_given", code=answer.get("errcode", ""))
    raise NotSentError(Why.UNAVAILABLE, retry=True, after_s=FETCHED_EVERY_S)
