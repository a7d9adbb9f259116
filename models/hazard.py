"""From one-step hazards to probabilities over the silent path.

h(at) = P(active within the next period U = H/4 | silent until ``at``). The features of the coming
instants are known under silence, so the probability of a whole silence is a product over steps.
A result depends on nothing but its own row, to the last bit: chunk borders change nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.features import (
    BLOCK_ROWS,
    F64,
    PERIODS_PER_HORIZON,
    Rhythm,
    columns_at,
)
from models.kernel.library import Steps, path_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

LOGIT_MAX: Final = 15.0  # No row may say more than 3e-7: an extreme one must not explode.
PATH_ROWS: Final = BLOCK_ROWS // PERIODS_PER_HORIZON  # Their four steps fill one block.
CLIP: Final = 5.0  # Standard deviations: no single row can shake a model.
DEVIATION_MIN: Final = 1e-3  # A feature that was constant so far stays small.


def deviations(variances: F64) -> F64:
    """Return what columns of these variances are divided by."""
    return np.maximum(np.sqrt(variances), DEVIATION_MIN)


class StepLogit(Protocol):
    """Whatever turns features into the log-odds of being active within the next period."""

    @property
    def width(self) -> int:
        """How many features it asks for: 31, or all 40."""
        ...

    def logit(self, columns: F64) -> F64:
        """Return the logits (n,) of feature columns (width, n)."""
        ...


class Weights(msgspec.Struct, frozen=True, eq=False):
    """A linear model with the scaler folded in: logit = sum over w (x - middle) + b.

    Attributes:
        w: Shape (width, 1): weight of one unit of each feature; width is 31 or 40.
        b: Logit of a row whose features are all in the middle.
        middle: Shape (width, 1): the running means.
        reach: Shape (width, 1): a feature counts at most this far from the middle, as in learning.
    """

    w: F64
    b: float
    middle: F64
    reach: F64

    @property
    def width(self) -> int:
        """How many features it asks for."""
        return len(self.w)

    def contributions(self, columns: F64) -> F64:
        """Return what each feature adds to the logit, shape (width, n)."""
        parts = columns - self.middle
        np.minimum(parts, self.reach, out=parts)
        np.maximum(parts, -self.reach, out=parts)
        parts *= self.w
        return parts

    def logit(self, columns: F64) -> F64:
        """Return the logits (n,) of feature columns (width, n), within +-LOGIT_MAX."""
        native = path_kernel()
        if native is not None and columns.flags.c_contiguous:
            return native.logits(columns, (self.w, self.middle, self.reach), self.b)
        parts = self.contributions(columns)
        rows = len(parts)
        while rows > 1:  # Halves, not ``sum`` or BLAS: the order must not depend on the shape.
            half = rows // 2
            parts[:half] += parts[rows - half : rows]
            rows -= half
        total: F64 = parts[0] + self.b
        np.minimum(total, LOGIT_MAX, out=total)
        np.maximum(total, -LOGIT_MAX, out=total)
        return total


def hazard(weights: StepLogit, heads: F64, at_ms: F64, horizon_ms: float) -> F64:
    """Return P(active within the next U) of each row, shape (n,)."""
    out = np.empty(len(heads))
    for start in range(0, len(heads), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        columns = columns_at(heads[rows], at_ms[rows], horizon_ms, weights.width)
        out[rows] = weights.logit(columns)
    np.negative(out, out=out)
    np.exp(out, out=out)
    out += 1.0
    return np.divide(1.0, out, out=out)


def quiet_probability(weights: StepLogit, heads: F64, at_ms: F64, horizon_ms: float) -> F64:
    """Return P(no activity within the next H) of each row: the product of four quiet steps."""
    return _path(weights, heads, at_ms, horizon_ms, is_cut=False)


def reach_probability(weights: StepLogit, heads: F64, at_ms: F64, horizon_ms: float) -> F64:
    """Return P(this silence reaches H) of each row: 1 where it has already.

    Whole steps from now, the last one cut: (1 - h)^((H - s) mod U / U) for a silence s.
    """
    return _path(weights, heads, at_ms, horizon_ms, is_cut=True)


def tabled(models: Sequence[Weights]) -> F64:
    """Return models of one width as the kernel takes them: (models, 3 width + 1)."""
    return np.array(
        [np.concatenate((m.w[:, 0], m.middle[:, 0], m.reach[:, 0], [m.b])) for m in models]
    )


def reach_by_turns(
    models: F64, which: NDArray[np.int64], heads: F64, at_ms: F64, horizon_ms: float
) -> F64:
    """Return P(this silence reaches H) of each row by a model of its own: the kernel's alone.

    Args:
        models: As ``tabled`` returns them.
        which: Shape (n,): the model of each row.
        heads: Shape (n, >= 36).
        at_ms: Shape (n,), epoch ms UTC.
        horizon_ms: H, ms.

    Returns:
        What ``reach_probability`` says of the rows of each model.
    """
    native = path_kernel()
    assert native is not None, "without it models are asked one by one"
    width, out = models.shape[1] // 3, np.empty(len(heads))
    for start in range(0, len(heads), PATH_ROWS):
        rows = slice(start, start + PATH_ROWS)
        steps = native.steps(heads[rows], at_ms[rows], horizon_ms, is_cut=True)
        columns = columns_at(heads[rows], steps.later_ms, horizon_ms, width, steps.rows)
        quiet = native.logits_by(columns, (which[rows], steps.rows), models)
        out[rows] = native.products(steps.shares, _log_quiet(quiet))
    return np.exp(out, out=out)


def _path(weights: StepLogit, heads: F64, at_ms: F64, horizon_ms: float, *, is_cut: bool) -> F64:
    """Return the product over steps k of (1 - h_k)^share_k; steps without a share cost nothing."""
    native = path_kernel()
    steps_of = _steps if native is None else native.steps
    products_of = _products if native is None else native.products
    out = np.empty(len(heads))
    for start in range(0, len(heads), PATH_ROWS):
        rows = slice(start, start + PATH_ROWS)
        steps = steps_of(heads[rows], at_ms[rows], horizon_ms, is_cut=is_cut)
        columns = columns_at(heads[rows], steps.later_ms, horizon_ms, weights.width, steps.rows)
        out[rows] = products_of(steps.shares, _log_quiet(weights.logit(columns)))
    return np.exp(out, out=out)


def _log_quiet(logits: F64) -> F64:
    """Return -log(1 - h): log(1 + e^logit), in place."""
    np.exp(logits, out=logits)
    logits += 1.0
    return np.log(logits, out=logits)


def _steps(heads: F64, at_ms: F64, horizon_ms: float, *, is_cut: bool) -> Steps:
    """Return the steps of users' paths; ``is_cut``: they end H after the last activity."""
    shares = np.ones((PERIODS_PER_HORIZON, len(heads)))
    if is_cut:
        silence = (at_ms - heads[:, Rhythm.LAST]) * (PERIODS_PER_HORIZON / horizon_ms)
        left = PERIODS_PER_HORIZON - np.maximum(silence, 0.0)
        shares = left - np.arange(PERIODS_PER_HORIZON, dtype=np.float64)[:, None]
        np.minimum(shares, 1.0, out=shares)
        np.maximum(shares, 0.0, out=shares)
    step, row = np.nonzero(shares)
    return Steps(shares, at_ms[row] + step * (horizon_ms / PERIODS_PER_HORIZON), row)


def _products(shares: F64, quiet: F64) -> F64:
    """Return the logarithms of the products (n,); quiet (steps,): log(1 + e^logit) of each."""
    logs = np.zeros_like(shares, order="C")
    logs[np.nonzero(shares)] = quiet
    logs *= shares
    logs[0:2] += logs[2:4]
    total: F64 = -(logs[0] + logs[1])
    return total
