"""The features of one user at one instant, as a pure function of the stored rhythm.

``features(state, at)`` may be asked for any instant after the last event: it then says what the
features *will be* if the user stays silent. That is why the silent path of the coming days can be
scored at all. Everything is relative to the horizon H; the unit of time is U = H/4.

Source:
    Measured forward selection over five real logs; Fader, Hardie & Lee (2005), "Counting your
    customers the easy way", for the ``alive`` term.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.feature_list import (
    FEATURES,
    GAP_EDGES,
    GAP_END,
    GAP_LEAST,
    GAP_PRIOR,
    GROUPS,
    KINDS_MAX,
    PERIODS_PER_HORIZON,
    PLAIN_KINDS,
    PLAIN_WIDTH,
    RHYTHM_WIDTH,
    SLOTS_KEPT,
    SLOTS_PER_HORIZON,
    START_GAP_LOG_MEAN,
    START_GAP_LOG_SQUARE,
    START_GAP_MEAN,
    TRAITS_MAX,
    WIDTH,
    Feature,
    Rhythm,
    features_hash,
)
from models.kernel.library import path_kernel

__all__ = [
    "BLOCK_ROWS",
    "F64",
    "FEATURES",
    "GAP_EDGES",
    "GAP_LEAST",
    "GROUPS",
    "PERIODS_PER_HORIZON",
    "PLAIN_WIDTH",
    "RHYTHM_WIDTH",
    "SLOTS_KEPT",
    "SLOTS_PER_HORIZON",
    "START_GAP_LOG_MEAN",
    "START_GAP_LOG_SQUARE",
    "START_GAP_MEAN",
    "WIDTH",
    "Feature",
    "Rhythm",
    "columns_at",
    "feature_columns",
    "features",
    "features_hash",
    "rhythm_columns",
]

F64: TypeAlias = NDArray[np.float64]
Masks: TypeAlias = NDArray[np.uint32]


BLOCK_ROWS: Final = 512  # Larger arrays may be mapped anew at each call, which doubles the time.

_MLG, _Z, _LG4, _LPR, _LREC, _LG6 = -0.57, 0.58, 0.69, -0.49, 2.5, 1.47
_LTEN, _B16, _LND, _EW, _SLG = 4.12, 0.62, 1.97, 1.1, 1.22

_LOW: Final = np.array((0.0, *GAP_EDGES))[:, None]
_HIGH: Final = np.array((*GAP_EDGES, GAP_END))[:, None]
_PER_BIN: Final = 1.0 / (_HIGH - _LOW)
_PRIOR: Final = np.array(GAP_PRIOR)[:, None]
# Added to the 13 decayed sums before the logarithm: .02 where a feature is sharp near nothing.
_OFFSET: Final = np.array((0.02, 1.0, *(0.02,) * 5, *(1.0,) * 6))[:, None]
_LOGS: Final = 26
_MORE_KINDS: Final = slice(Rhythm.KIND2, Rhythm.KIND5 + 1)
_KIND_ROWS: Final = slice(PLAIN_WIDTH, PLAIN_WIDTH + KINDS_MAX - PLAIN_KINDS)
_TRAIT_ROWS: Final = slice(WIDTH - TRAITS_MAX, WIDTH)
_TRAIT_PLACES: Final = np.arange(TRAITS_MAX, dtype=np.uint32)[:, None]


def features(heads: F64, at_ms: F64, horizon_ms: float) -> F64:
    """Return the features of each user at its instant, as they are if it stays silent until then.

    Args:
        heads: Shape (n, >= 36), numeric heads of the states; only the ``Rhythm`` columns are read.
        at_ms: Shape (n,), epoch ms UTC, not before ``LAST``.
        horizon_ms: H, ms.

    Returns:
        Shape (n, 40), float64, finite, columns in the order of ``FEATURES``. A row depends on
        nothing but its own state and instant, to the last bit.
    """
    if len(heads) <= BLOCK_ROWS:
        return columns_at(heads, at_ms, horizon_ms, WIDTH).T
    out = np.empty((WIDTH, len(heads)))
    for start in range(0, len(heads), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        out[:, rows] = columns_at(heads[rows], at_ms[rows], horizon_ms, WIDTH)
    return out.T


def columns_at(
    heads: F64,
    at_ms: F64,
    horizon_ms: float,
    width: int = PLAIN_WIDTH,
    rows: NDArray[np.int64] | None = None,
) -> F64:
    """Return the first features, transposed: (31, n) or, if asked, (40, n).

    The kernel computes them; `feature_columns` is its twin, equal to the last bit.

    Args:
        heads: Shape (users, >= 36).
        at_ms: Shape (n,), epoch ms UTC.
        horizon_ms: H, ms.
        width: 31 or 40.
        rows: Shape (n,): the row of the heads that each is of; None = each of its own.
    """
    native = path_kernel()
    if native is not None:
        return native.columns(heads, at_ms, horizon_ms, width, rows)
    rhythm = rhythm_columns(heads)
    if rows is not None:
        rhythm = np.take(rhythm, rows, axis=1)
    return feature_columns(rhythm, at_ms, horizon_ms, width)


def rhythm_columns(heads: F64) -> F64:
    """Return the rhythm of heads (n, >= 36) as contiguous columns, shape (36, n)."""
    return np.ascontiguousarray(heads[:, :RHYTHM_WIDTH].T)


def feature_columns(rhythm: F64, at_ms: F64, horizon_ms: float, width: int = PLAIN_WIDTH) -> F64:
    """Return the first features, transposed: rhythm (36, n) in, (31, n) or, if asked, (40, n) out.

    The first 31 are the same to the last bit whether the other nine are asked for or not.
    """
    assert width in {PLAIN_WIDTH, WIDTH}
    unit_ms = horizon_ms / PERIODS_PER_HORIZON
    silence = at_ms - rhythm[Rhythm.LAST]
    np.maximum(silence, 0.0, out=silence)
    silence /= unit_ms
    span = rhythm[Rhythm.LAST] - rhythm[Rhythm.FIRST]
    span /= unit_ms

    logs = np.empty((_LOGS, len(silence)))
    _decayed(rhythm, silence, logs)
    odds_of_return = logs[20]
    probability = _return_probability(rhythm, silence)
    np.subtract(1.01, probability, out=odds_of_return)
    np.divide(probability + 0.01, odds_of_return, out=odds_of_return)
    again = _relative(rhythm, silence, span, logs)
    masks = _masks(rhythm, at_ms, horizon_ms / SLOTS_PER_HORIZON)
    np.add(np.bitwise_count(masks & 0xF), 1.0, out=logs[17])
    np.add(np.bitwise_count(masks), 1.0, out=logs[18])
    np.log(logs, out=logs)
    out = np.empty((width, len(silence)))
    _assemble(rhythm, logs, probability, again, out)
    if width > PLAIN_WIDTH:
        _more_kinds(rhythm, silence, out[_KIND_ROWS])
        _traits(rhythm, at_ms, out[_TRAIT_ROWS])
    return out


def _decayed(rhythm: F64, silence: F64, logs: F64) -> None:
    """Write the 13 decayed sums at the instant, offset for the logarithm, to ``logs`` 0-13.

    One exponential gives all half-lives: 2^(-dt/8H) to the powers 1, 2, 4, 8, 16, 80 and 240.
    """
    decay = np.empty((7, len(silence)))  # Rows: H/30, H/10, H/2, H, 2H, 4H, 8H.
    np.multiply(silence, -1.0 / (8 * PERIODS_PER_HORIZON), out=decay[6])
    np.exp2(decay[6], out=decay[6])
    for row in (5, 4, 3, 2):
        np.square(decay[row + 1], out=decay[row])
    tenth = decay[1]
    np.square(decay[2], out=tenth)
    np.square(tenth, out=tenth)
    tenth *= decay[2]
    np.square(tenth, out=decay[0])
    decay[0] *= tenth
    np.multiply(rhythm[3:10], decay, out=logs[0:7])
    np.multiply(rhythm[10:12], decay[0::6], out=logs[7:9])
    np.multiply(rhythm[12:14], decay[3:6:2], out=logs[9:11])
    np.multiply(rhythm[14:16], decay[3], out=logs[11:13])
    np.add(logs[2], 1.0, out=logs[13])
    logs[0:13] += _OFFSET


def _return_probability(rhythm: F64, silence: F64) -> F64:
    """Return the user's own probability to come back within U, after this silence (in U)."""
    weights = rhythm[Rhythm.GAP_0 : Rhythm.GAP_6 + 1] + _PRIOR
    now = _longer(weights, silence)
    later = _longer(weights, silence + 1.0)
    now += 0.15
    later += 0.1
    later /= now
    np.subtract(1.0, later, out=later)
    return later


def _longer(weights: F64, silence: F64) -> F64:
    """Return the weight of the gaps longer than a silence, linear inside a bin; (7, n) to (n,)."""
    share: F64 = _HIGH - silence
    share *= _PER_BIN
    np.minimum(share, 1.0, out=share)
    np.maximum(share, 0.0, out=share)
    share *= weights
    share[0:3] += share[4:7]  # Halves, not ``sum``: the order must not depend on the shape.
    share[0:2] += share[2:4]
    share[0] += share[1]
    longer: F64 = share[0]
    return longer


def _relative(rhythm: F64, silence: F64, span: F64, logs: F64) -> F64:
    """Write the other arguments to ``logs``; return the repeats x = min(nd - 1, 60)."""
    tenure = silence + span
    np.minimum(tenure, 4.0 * PERIODS_PER_HORIZON, out=logs[14])
    logs[14] *= 8.0
    np.multiply(silence, 8.0, out=logs[15])
    np.divide(silence, rhythm[Rhythm.GAP_MEAN], out=logs[16])
    logs[14:17] += 1.0
    logs[19] = rhythm[Rhythm.GAP_MEAN]
    np.maximum(silence, GAP_LEAST, out=logs[21])
    np.minimum(rhythm[Rhythm.ACTIVE_DAYS], 256.0, out=logs[22])
    tenure += 1.0
    span += 1.0
    np.divide(tenure, span, out=logs[23])
    again: F64 = rhythm[Rhythm.ACTIVE_DAYS] - 1.0
    np.minimum(again, 60.0, out=again)
    np.maximum(again, 1.0, out=logs[24])
    logs[24] += 1.2
    np.divide(0.7, logs[24], out=logs[24])
    np.add(rhythm[Rhythm.DAY_EVENTS], 1.0, out=logs[25])
    return again


def _masks(rhythm: F64, at_ms: F64, slot_ms: float) -> Masks:
    """Return the mask of the 16 slots that end with the slot of each instant, newest in bit 0."""
    passed = np.floor(at_ms / slot_ms)
    passed -= np.floor(rhythm[Rhythm.LAST] / slot_ms)
    np.minimum(passed, float(SLOTS_KEPT), out=passed)
    np.maximum(passed, 0.0, out=passed)
    masks: Masks = rhythm[Rhythm.SLOTS].astype(np.uint32)
    masks <<= passed.astype(np.uint32)
    masks &= 0xFFFF
    return masks


def _more_kinds(rhythm: F64, silence: F64, out: F64) -> None:
    """Write the features of the third to the sixth kind, by the arithmetic of the first two."""
    decay = silence * (-1.0 / (8 * PERIODS_PER_HORIZON))
    np.exp2(decay, out=decay)
    for _ in range(3):  # From half-life 8H to H.
        np.square(decay, out=decay)
    np.multiply(rhythm[_MORE_KINDS], decay, out=out)
    out += 1.0
    np.log(out, out=out)


def _traits(rhythm: F64, at_ms: F64, out: F64) -> None:
    """Write which traits told apart each user was known to have at its instant."""
    masks: Masks = rhythm[Rhythm.TRAITS].astype(np.uint32)
    masks >>= np.where(at_ms < rhythm[Rhythm.TRAITS_AT], TRAITS_MAX, 0).astype(np.uint32)
    np.copyto(out, masks >> _TRAIT_PLACES & 1)


def _assemble(rhythm: F64, logs: F64, probability: F64, again: F64, out: F64) -> None:
    """Write the first 31 features from the 26 logarithms."""
    lg0, ld1, lg3, lg4, lg5, lg6, lg7, le0, le7, la4, la16, kd0, kd1 = logs[:13]
    ld3, lten, lrec, over, b4, b16, lmg, lpr, lsilence, lnd, lspan, alive, ltoday = logs[13:]
    mlg = rhythm[Rhythm.GAP_LOG_MEAN]
    once = again == 0.0
    slg = out[13]
    np.multiply(mlg, mlg, out=slg)
    np.subtract(rhythm[Rhythm.GAP_LOG_SQUARE], slg, out=slg)
    np.maximum(slg, 0.05, out=slg)
    np.sqrt(slg, out=slg)
    z = np.subtract(lsilence, mlg, out=lsilence)
    z /= slg
    np.minimum(z, 6.0, out=z)
    again += 0.5
    lspan *= again
    alive += lspan
    np.maximum(alive, -8.0, out=alive)
    np.minimum(alive, 8.0, out=alive)
    alive[once] = -3.0
    daily = np.where(once, ltoday, rhythm[Rhythm.DAY_LOG_MEAN])
    plain = (ld3, lg0, la16, lg7, lpr, z, le0, lten, ld1, le7, lg3, lg5, over)
    for row, column in enumerate(plain):
        out[row] = column
    more = (once, b4, lmg, probability, alive, kd0, lrec, la4, kd1)
    for row, column in enumerate(more, start=14):
        out[row] = column
    mlg = mlg - _MLG
    lg4 -= _LG4
    lrec -= _LREC
    slg_ = slg - _SLG
    np.multiply(mlg, z - _Z, out=out[23])
    np.multiply(lg4, lpr - _LPR, out=out[24])
    np.multiply(lrec, lg6 - _LG6, out=out[25])
    np.multiply(lten - _LTEN, lg4, out=out[26])
    np.multiply(mlg, b16 - _B16, out=out[27])
    np.multiply(lnd - _LND, daily - _EW, out=out[28])
    np.multiply(slg_, slg_, out=out[29])
    np.multiply(lrec, slg_, out=out[30])
