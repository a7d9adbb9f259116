"""How much a provider is asked for: token buckets of its account and of each template.

A bucket belongs to one process: senders of one account share its limit by their settings.
"""

from collections import OrderedDict
from typing import Final

from winback_sender.adapter import Limits

TEMPLATES_MAX: Final = 10_000
"""Buckets that are kept; the one that was used longest ago goes, and begins anew."""
ROUNDING: Final = 1e-6
"""A token that is whole but for this is whole: instants are rounded."""


class Bucket:
    """Tokens that come back at a steady rate; a call takes one.

    Args:
        per_s: Tokens a second; 0 = as many as asked for.
        burst: So many at once.
    """

    def __init__(self, per_s: float, burst: int = 1) -> None:
        self._per_s = per_s
        self._burst = float(max(1, burst))
        self._tokens = self._burst
        self._at_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """Return how long to wait for a token; 0.0 = there is one.

        Args:
            now_s: A monotonic instant, seconds.
        """
        if not self._per_s:
            return 0.0
        elapsed_s = max(0.0, now_s - self._at_s)
        self._tokens = min(self._burst, self._tokens + elapsed_s * self._per_s)
        self._at_s = max(now_s, self._at_s)
        lacking = 1.0 - self._tokens
        return lacking / self._per_s if lacking > ROUNDING else 0.0

    def take(self) -> None:
        """Take a token that `wait_s` has just shown."""
        self._tokens -= 1.0


class Gate:
    """The limits of one provider.

    Args:
        limits: Of its account and of a template.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._account = Bucket(limits.per_s, limits.burst)
        self._templates: OrderedDict[str, Bucket] = OrderedDict()

    def account_wait_s(self, now_s: float) -> float:
        """Return how long to wait before anything is sent."""
        return self._account.wait_s(now_s)

    def template_wait_s(self, template_key: str, now_s: float) -> float:
        """Return how long to wait before this template is sent."""
        bucket = self._of(template_key)
        return 0.0 if bucket is None else bucket.wait_s(now_s)

    def take(self, template_key: str) -> None:
        """Take a token of both."""
        self._account.take()
        bucket = self._of(template_key)
        if bucket is not None:
            bucket.take()

    def _of(self, template_key: str) -> Bucket | None:
        if not self._limits.per_template_s:
            return None
        bucket = self._templates.get(template_key)
        if bucket is None:
            bucket = Bucket(self._limits.per_template_s, self._limits.burst)
            self._templates[template_key] = bucket
            if len(self._templates) > TEMPLATES_MAX:
                self._templates.popitem(last=False)
        self._templates.move_to_end(template_key)
        return bucket
