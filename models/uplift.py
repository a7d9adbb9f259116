"""What a contact changes: the effect of being treated on the chance to return, learned online.

Treated and held-out users of one playbook differ by nothing but a salted hash, so what differs in
their returns is the effect. Its size depends on who the user is: contact brings some back, leaves
others as they are, and drives some away. With little data the answer is "unknown": nothing, give or
take much.

Source:
    Nie & Wager (2021), "Quasi-oracle estimation of heterogeneous treatment effects", Biometrika
    108(2); Robinson (1988), "Root-n-consistent semiparametric regression", Econometrica 56(4).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from models.feature_list import FEATURES, WIDTH
from models.hazard import CLIP, deviations
from models.snapshot import Refusal, SnapshotRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.features import F64

PRIOR_BASE: Final = 0.1
"""Standard deviation of the effect on an average user, before anything is known."""
PRIOR_WEIGHT: Final = 0.03
"""The same of what one standard deviation of a feature changes."""
NOISE: Final = 1e-9
"""Variance added per episode: effects change, slowly."""
VARIANCE_MIN: Final = 0.01
"""Of an outcome: a model that is sure of the return must still listen."""
PROPENSITY_MIN: Final = 0.01
HARM_Z: Final = 1.0
"""A contact is refused where the effect is negative by this many standard errors."""
EXPLORED: Final = 0.05
"""Share of users (by salted hash) whom the gate lets pass, so that it can change its mind."""
BLOCK_ROWS: Final = 512
_PRIOR: Final = np.array([PRIOR_BASE**2, *[PRIOR_WEIGHT**2] * WIDTH])


class Uplift(msgspec.Struct, frozen=True):
    """The whole state of the model; numbers as little-endian float64.

    Attributes:
        episodes: Episodes learned.
        held_out: Of them, held out.
        scaler: Counts, means and variances of the features, 3 × features.
        outcome: Weights of the model of the return, 1 + features.
        outcome_covariance: Their covariance, row by row.
        effect: Weights of the effect, 1 + features.
        effect_covariance: Their covariance.
    """

    episodes: int
    held_out: int
    scaler: bytes
    outcome: bytes
    outcome_covariance: bytes
    effect: bytes
    effect_covariance: bytes


class Gauge:
    """Tells the effect of a contact; a row's answer depends on no other row, to the last bit."""

    def __init__(self, state: Uplift) -> None:
        _, means, variances = _floats(state.scaler).reshape(3, WIDTH)
        self._means = means[:, None]
        self._scale = deviations(variances)[:, None]
        self._weights = _floats(state.effect)[:, None]
        covariance = _floats(state.effect_covariance).reshape(WIDTH + 1, WIDTH + 1)
        self._roots = np.linalg.cholesky(covariance).T

    def lift(self, rows: NDArray[np.float32]) -> tuple[F64, F64]:
        """Return mean and standard error of the effect, each of shape (n,).

        Args:
            rows: Shape (n, features).
        """
        mean, error = np.empty(len(rows)), np.empty(len(rows))
        for start in range(0, len(rows), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            mean[block], error[block] = self._block(rows[block])
        return mean, error

    def _block(self, rows: NDArray[np.float32]) -> tuple[F64, F64]:
        columns = np.ones((WIDTH + 1, len(rows)))
        scaled = (rows.T - self._means) / self._scale
        np.clip(scaled, -CLIP, CLIP, out=columns[1:])
        mean = _folded(columns * self._weights)
        total = np.zeros(len(rows))
        for place, root in enumerate(self._roots):
            total += _folded(columns[place:] * root[place:, None]) ** 2
        return mean, np.sqrt(total)


@lru_cache(maxsize=4)
def gauge(state: Uplift) -> Gauge:
    """Return the gauge of a state."""
    return Gauge(state)


def unknown(count: int) -> tuple[F64, F64]:
    """Return what is said of users while nothing is learned: no effect, give or take much."""
    return np.zeros(count), np.full(count, float(np.sqrt(_PRIOR.sum())))


def refuses(mean: F64, error: F64) -> NDArray[np.bool_]:
    """Return whether a contact does harm, as far as one can tell, shape (n,)."""
    return mean + HARM_Z * error < 0.0


class UpliftLearner:
    """Learns the effect from what the model of the return did not expect.

    The model of the return m(x) is asked before it learns, so it never judges what it has seen. Of
    what is left, y - m(x), the share that goes with t - e(x) is the effect, a linear function of
    the features with a Gaussian belief over its weights (a Kalman filter).
    """

    def __init__(self) -> None:
        # Here, not above: who only asks for the effect needs no River.
        from models.scaler import FadingScaler  # noqa: PLC0415
        from models.second_order import SecondOrderLogisticRegression  # noqa: PLC0415

        names = [feature.name for feature in FEATURES]
        self._scaler = FadingScaler()
        self._scaler.reserve(names)
        self._outcome = SecondOrderLogisticRegression()
        self._outcome.reserve(names)
        self._effect: F64 = np.zeros(WIDTH + 1)
        self._covariance: F64 = np.diag(_PRIOR)
        self._episodes, self._held_out = 0, 0

    def learn(
        self, row: NDArray[np.float32], returned: float, treated: float, propensity: float
    ) -> None:
        """Learn one episode.

        Args:
            row: Shape (features,), as of the exposure.
            returned: 1 = the user came back.
            treated: 1 = treated, 0 = held out.
            propensity: Probability of being treated.
        """
        scaled = self._scaler.learn_rows(row[None, :].astype(np.float64))[0]
        expected = self._outcome.predict_row(scaled)
        self._outcome.learn_row(scaled, bool(returned))
        least = PROPENSITY_MIN
        surplus = treated - min(max(propensity, least), 1.0 - least)
        along = np.concatenate(([surplus], surplus * scaled))
        variance = max(expected * (1.0 - expected), VARIANCE_MIN)
        spread = self._covariance @ along
        gain = spread / (variance + float(along @ spread))
        self._effect += gain * (returned - expected - float(along @ self._effect))
        self._covariance -= np.multiply.outer(gain, spread)
        variances = self._covariance.reshape(-1)[:: WIDTH + 2]
        np.minimum(variances + NOISE, _PRIOR, out=variances)
        self._episodes += 1
        self._held_out += treated == 0.0

    def state(self) -> Uplift:
        """Return the whole state."""
        scaler = self._scaler
        return Uplift(
            episodes=self._episodes,
            held_out=self._held_out,
            scaler=_bytes(np.concatenate((scaler.counts, scaler.means, scaler.variances))),
            outcome=_bytes(self._outcome.mean),
            outcome_covariance=_bytes(self._outcome.covariance),
            effect=_bytes(self._effect),
            effect_covariance=_bytes(self._covariance),
        )

    def restore(self, state: Uplift) -> None:
        """Go on from a state.

        Raises:
            SnapshotRefused: A vector has another length, or holds what is no number.
        """
        check(state)
        size = WIDTH + 1
        counts, means, variances = _floats(state.scaler).reshape(3, WIDTH)
        self._scaler.counts, self._scaler.means, self._scaler.variances = counts, means, variances
        self._outcome.mean = _floats(state.outcome).copy()
        self._outcome.covariance = _floats(state.outcome_covariance).reshape(size, size).copy()
        self._effect = _floats(state.effect).copy()
        self._covariance = _floats(state.effect_covariance).reshape(size, size).copy()
        self._episodes, self._held_out = state.episodes, state.held_out


def check(state: Uplift) -> None:
    """Refuse a state that cannot be used.

    Raises:
        SnapshotRefused: A vector has another length, or holds what is no number.
    """
    size = WIDTH + 1
    wanted = {
        state.scaler: 3 * WIDTH,
        state.outcome: size,
        state.outcome_covariance: size * size,
        state.effect: size,
        state.effect_covariance: size * size,
    }
    for data, count in wanted.items():
        if len(data) != 8 * count or not np.isfinite(_floats(data)).all():
            raise SnapshotRefused(Refusal.BROKEN_NUMBERS, "the uplift model is not whole")


def _folded(parts: F64) -> F64:
    """Return the sums of columns (k, n); halves, as the order must not depend on the shape."""
    rows = len(parts)
    while rows > 1:
        half = rows // 2
        parts[:half] += parts[rows - half : rows]
        rows -= half
    total: F64 = parts[0]
    return total


def _bytes(numbers: F64) -> bytes:
    return numbers.astype("<f8").tobytes()


def _floats(data: bytes) -> F64:
    return np.frombuffer(data, "<f8")
