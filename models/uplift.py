"""What a contact changes: the effect of being treated on the chance to return, learned online.

Treated and held-out users of one playbook differ by nothing but a salted hash, so what differs in
their returns is the effect. Its size depends on who the user is: contact brings some back, leaves
others as they are, and drives some away. With little data the answer is "unknown": nothing, give or
take much.

One model learns both arms: logit P(return) = a·x + (t - e) b·x, with a Gaussian belief over all
weights; e is the probability of being treated. The belief in b is narrow around zero: the effect is
small until shown otherwise. With t instead of t - e, b would take its part of what is a's while few
are held out (Hahn et al., 2020). Against residuals on residuals (Nie & Wager, 2021), learned online
as well, it earned more in every kind of world that was tried; docs/experiments.md has the numbers.

Source:
    Hahn, Murray & Carvalho (2020), "Bayesian regression tree models for causal inference:
    regularization, confounding, and heterogeneous effects", Bayesian Analysis 15(3);
    Robinson (1988), "Root-n-consistent semiparametric regression", Econometrica 56(4);
    Nie & Wager (2021), "Quasi-oracle estimation of heterogeneous treatment effects", Biometrika
    108(2). The filter is that of `models.second_order`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from models.feature_list import FEATURES, WIDTH
from models.hazard import CLIP, LOGIT_MAX, deviations
from models.snapshot import Refusal, SnapshotRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.features import F64

BASE: Final = 3.5
"""What stands for the average user in b·x: so much wider is the belief in the effect on all."""
UNKNOWN: Final = 0.25
"""Standard error of the effect while nothing is learned."""
MEMORY: Final = 5_000
"""Episodes over which the probability of being treated is averaged."""
HARM_Z: Final = 0.5
"""A contact is refused where the effect is negative by more than this many standard errors; the
rules may ask for another number."""
EXPLORED: Final = 0.05
"""Share of users (by salted hash) whom the gate lets pass, so that it can change its mind."""
BLOCK_ROWS: Final = 1_024
SIZE: Final = 2 * (WIDTH + 1)
"""Weights: 1 and the features; the same times (t - e)."""
_EFFECT: Final = slice(WIDTH + 1, SIZE)


class Uplift(msgspec.Struct, frozen=True):
    """The whole state of the model; numbers as little-endian float64.

    Attributes:
        episodes: Episodes learned.
        share: Probability of being treated, averaged over the newest.
        scaler: Counts, means and variances of the features, 3 × features.
        weights: Of the model, `SIZE`.
        covariance: Of the weights: the upper triangle, row by row.
    """

    episodes: int
    share: float
    scaler: bytes
    weights: bytes
    covariance: bytes


class Gauge:
    """Tells the effect of a contact; a row's answer depends on no other row, to the last bit."""

    def __init__(self, state: Uplift) -> None:
        _, means, variances = _floats(state.scaler).reshape(3, WIDTH)
        self._means = means[:, None]
        self._scale = deviations(variances)[:, None]
        weights = _floats(state.weights)
        self._share = state.share
        self._outcome = weights[: WIDTH + 1, None]
        self._effect = weights[_EFFECT, None] * _base()[:, None]
        covariance = _square(state.covariance)[_EFFECT, _EFFECT] * np.outer(_base(), _base())
        self._roots = np.linalg.cholesky(covariance).astype(np.float32)

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
        np.clip((rows.T - self._means) / self._scale, -CLIP, CLIP, out=columns[1:])
        outcome = _folded(columns * self._outcome)
        effect = _folded(columns * self._effect)
        treated = _chance(outcome + (1.0 - self._share) * effect)
        left = _chance(outcome - self._share * effect)
        thin = columns.astype(np.float32)  # Enough for an error, and half the time.
        turned, part = np.zeros_like(thin), np.empty_like(thin)
        for place, root in enumerate(self._roots):  # Its transpose times the row, term by term.
            upto = place + 1
            np.multiply(root[:upto, None], thin[place], out=part[:upto])
            turned[:upto] += part[:upto]
        turned *= turned
        slope = 0.5 * (treated * (1.0 - treated) + left * (1.0 - left))
        return treated - left, slope * np.sqrt(_folded(turned).astype(np.float64))


@lru_cache(maxsize=4)
def gauge(state: Uplift) -> Gauge:
    """Return the gauge of a state."""
    return Gauge(state)


def unknown(count: int) -> tuple[F64, F64]:
    """Return what is said of users while nothing is learned: no effect, give or take much."""
    return np.zeros(count), np.full(count, UNKNOWN)


def refuses(mean: F64, error: F64, errors: float = HARM_Z) -> NDArray[np.bool_]:
    """Return whether a contact does harm, as far as one can tell, shape (n,)."""
    return mean + errors * error < 0.0


class UpliftLearner:
    """Learns the effect, one episode after the other."""

    def __init__(self) -> None:
        # Here, not above: who only asks for the effect needs no River.
        from models.scaler import FadingScaler  # noqa: PLC0415
        from models.second_order import SecondOrderLogisticRegression  # noqa: PLC0415

        self._scaler = FadingScaler()
        self._scaler.reserve(feature.name for feature in FEATURES)
        self._model = SecondOrderLogisticRegression()
        self._model.reserve(range(SIZE - 1))
        self._episodes, self._share = 0, 0.0

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
        self._episodes += 1
        self._share += (propensity - self._share) / min(self._episodes, MEMORY)
        scaled = self._scaler.learn_rows(row[None, :].astype(np.float64))[0]
        surplus = treated - propensity
        along = np.concatenate((scaled, (BASE * surplus,), surplus * scaled))
        self._model.learn_row(along, bool(returned))

    def state(self) -> Uplift:
        """Return the whole state."""
        scaler = self._scaler
        return Uplift(
            episodes=self._episodes,
            share=self._share,
            scaler=_bytes(np.concatenate((scaler.counts, scaler.means, scaler.variances))),
            weights=_bytes(self._model.mean),
            covariance=_bytes(self._model.covariance[np.triu_indices(SIZE)]),
        )

    def restore(self, state: Uplift) -> None:
        """Go on from a state.

        Raises:
            SnapshotRefused: A vector has another length, or holds what is no number.
        """
        check(state)
        scaler = self._scaler
        scaler.counts, scaler.means, scaler.variances = (
            _floats(state.scaler).reshape(3, WIDTH).copy()
        )
        self._model.mean = _floats(state.weights).copy()
        self._model.covariance = _square(state.covariance)
        self._episodes, self._share = state.episodes, state.share


def check(state: Uplift) -> None:
    """Refuse a state that cannot be used.

    Raises:
        SnapshotRefused: A vector has another length, or holds what is no number.
    """
    wanted = (
        (state.scaler, 3 * WIDTH),
        (state.weights, SIZE),
        (state.covariance, SIZE * (SIZE + 1) // 2),
    )
    for data, count in wanted:
        if len(data) != 8 * count or not np.isfinite(_floats(data)).all():
            raise SnapshotRefused(Refusal.BROKEN_NUMBERS, "the uplift model is not whole")
    if np.linalg.eigvalsh(_square(state.covariance)[_EFFECT, _EFFECT]).min() <= 0.0:
        raise SnapshotRefused(Refusal.BROKEN_NUMBERS, "the uplift model's belief is none")


def _base() -> F64:
    """Return what the columns of b·x are multiplied by, shape (1 + features,)."""
    found = np.ones(WIDTH + 1)
    found[0] = BASE
    return found


def _chance(logit: F64) -> F64:
    chance: F64 = 1.0 / (1.0 + np.exp(-np.clip(logit, -LOGIT_MAX, LOGIT_MAX)))
    return chance


def _folded(parts: NDArray[Any]) -> NDArray[Any]:
    """Return the sums of columns (k, n); halves, as the order must not depend on the shape."""
    rows = len(parts)
    while rows > 1:
        half = rows // 2
        parts[:half] += parts[rows - half : rows]
        rows -= half
    total: NDArray[Any] = parts[0]
    return total


def _square(triangle: bytes) -> F64:
    """Return a symmetric matrix, given its upper triangle row by row."""
    found = np.zeros((SIZE, SIZE))
    found[np.triu_indices(SIZE)] = _floats(triangle)
    return found + np.triu(found, 1).T


def _bytes(numbers: F64) -> bytes:
    return numbers.astype("<f8").tobytes()


def _floats(data: bytes) -> F64:
    return np.frombuffer(data, "<f8")
