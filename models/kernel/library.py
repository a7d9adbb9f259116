"""The kernel of the models as Python sees it. Who asks for it has a twin that does the same."""

import ctypes
from collections.abc import Iterator
from contextlib import suppress
from ctypes import byref, c_double, c_int64, c_void_p
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.kernel.loading import address, function, loaded

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

ROOM: Final = Path(__file__).parent
LOGS, ALL_LOGS, PLAIN_WIDTH, PERIODS = 26, 30, 31, 4
"""As in ``path.c``."""
SILENCE, DECAY, PROBABILITY, LOG, FEATURE = 0, 1, 2, 3, 33
"""As in ``path.c``: columns of its room."""


class Items(ctypes.Structure):
    """Users at instants, as in ``path.c``."""

    _fields_ = (
        ("heads", c_void_p), ("stride", c_int64), ("rows", c_void_p), ("at_ms", c_void_p),
        ("horizon_ms", c_double), ("count", c_int64), ("width", c_int64),
    )  # fmt: skip


class Steps(NamedTuple):
    """The steps of silent paths.

    Attributes:
        shares: Shape (4, users): how much of each step counts.
        later_ms: Shape (steps,): when each begins that counts at all.
        rows: Shape (steps,): whose it is.
    """

    shares: F64
    later_ms: F64
    rows: I64


class PathKernel:
    """The features, and the path."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._silences = function(library, "silences", c_void_p, c_void_p)
        self._arguments = function(library, "arguments", c_void_p, c_void_p)
        self._features = function(library, "features", c_void_p, c_void_p)
        two = (c_int64, c_int64)
        self._logits = function(library, "logits", *two, *[c_void_p] * 4, c_double, c_void_p)
        self._logits_by = function(library, "logits_by", *two, *[c_void_p] * 5)
        self._steps = function(library, "steps", c_void_p, c_int64, *[c_void_p] * 3, gives=c_int64)
        self._products = function(library, "products", c_int64, *[c_void_p] * 3)

    def columns(
        self, heads: F64, at_ms: F64, horizon_ms: float, width: int, rows: I64 | None = None
    ) -> F64:
        """Return features (width, n) of users at instants.

        Args:
            heads: Shape (users, >= 36).
            at_ms: Shape (n,).
            horizon_ms: H, ms.
            width: 31 or 40.
            rows: Shape (n,): whose row each is; None = n users in their order.
        """
        count, at_ms = len(at_ms), np.ascontiguousarray(at_ms, np.float64)
        heads, stride = _rows_of(heads)
        own = None if rows is None else address(rows)
        items = byref(
            Items(heads.ctypes.data, stride, own, address(at_ms), horizon_ms, count, width)
        )
        room = np.empty((FEATURE + width, count))
        place = address(room)
        self._silences(items, place)
        np.exp2(room[DECAY], out=room[DECAY])
        self._arguments(items, place)
        logs = room[LOG : LOG + (LOGS if width == PLAIN_WIDTH else ALL_LOGS)]
        np.log(logs, out=logs)
        self._features(items, place)
        return room[FEATURE:]

    def logits(self, columns: F64, numbers: tuple[F64, F64, F64], b: float) -> F64:
        """Return the logits (n,) of feature columns (width, n).

        Args:
            columns: Contiguous.
            numbers: Weights, middles and reaches, each of shape (width, 1).
            b: Logit of a row in the middle.
        """
        width, count = columns.shape
        out = np.empty(count)
        self._logits(count, width, address(columns), *map(address, numbers), b, address(out))
        return out

    def logits_by(self, columns: F64, whose: tuple[I64, I64], models: F64) -> F64:
        """Return the logits (n,) of feature columns (width, n), each by a model of its own.

        Args:
            columns: Contiguous.
            whose: Shape (users,): the model of each; and shape (n,): whose column each is.
            models: Shape (models, 3 width + 1): weights, middles, reaches, and b.
        """
        width, count = columns.shape
        out = np.empty(count)
        found = map(address, (columns, *whose, models, out))
        self._logits_by(count, width, *found)
        return out

    def steps(self, heads: F64, at_ms: F64, horizon_ms: float, *, is_cut: bool) -> Steps:
        """Return the steps of users' paths; ``is_cut``: they end H after the last activity."""
        count, at_ms = len(at_ms), np.ascontiguousarray(at_ms, np.float64)
        heads, stride = _rows_of(heads)
        shares, later_ms = np.empty((2, PERIODS, count))
        rows = np.empty(PERIODS * count, np.int64)
        items = Items(heads.ctypes.data, stride, None, address(at_ms), horizon_ms, count, 0)
        found = self._steps(byref(items), is_cut, *map(address, (shares, later_ms, rows)))
        return Steps(shares, later_ms.reshape(-1)[:found], rows[:found])

    def products(self, shares: F64, quiet: F64) -> F64:
        """Return the logarithms of the products (n,); quiet (steps,): log(1 + e^logit) of each."""
        out = np.empty(shares.shape[1])
        self._products(len(out), *map(address, (shares, quiet, out)))
        return out


def _rows_of(heads: F64) -> tuple[F64, int]:
    """Return heads whose rows are contiguous, and the numbers from one row to the next."""
    if heads.dtype != np.float64 or heads.strides[1] != heads.itemsize:
        heads = np.ascontiguousarray(heads, np.float64)
    return heads, heads.strides[0] // heads.itemsize


class LearningKernel:
    """The steps of learners.

    Args:
        library: Of this room.
        blas: What has numpy's own BLAS.

    Raises:
        AttributeError: It has none under the names that are known.
    """

    def __init__(self, library: ctypes.CDLL, blas: ctypes.CDLL) -> None:
        two = (c_int64, c_int64)
        self._scale = function(library, "scale", *two, c_double, c_double, *[c_void_p] * 4)
        self._believe = function(
            library, "believe", c_void_p, c_void_p, *two, c_double, *[c_void_p] * 7
        )
        self._adagrad = function(library, "adagrad", *two, *[c_void_p] * 5)
        names = ("scipy_cblas_dgemv64_", "scipy_cblas_ddot64_")
        self._sums = [ctypes.cast(getattr(blas, name), c_void_p) for name in names]

    def scale(self, rows: F64, means: F64, variances: F64, *, seen: float, memory: int) -> F64:
        """Fold rows (n, width) into means and variances, which change; return them scaled."""
        scaled = np.empty_like(rows)
        self._scale(
            *rows.shape, seen, float(memory), *map(address, (rows, means, variances, scaled))
        )
        return scaled

    def believe(
        self, examples: tuple[F64, Flags, F64], belief: tuple[F64, F64, F64], noise: float
    ) -> None:
        """Learn examples one after the other.

        Args:
            examples: Scaled rows (n, k), active (n,), weight (n,).
            belief: Greatest variances (k + 1,), mean (k + 1,) and covariance (k + 1, k + 1); the
                last two change.
            noise: Variance added to every weight per example.
        """
        room = np.empty(2 * len(belief[1]))
        self._believe(
            *self._sums, len(examples[0]), len(belief[1]), noise, *map(address, examples),
            *map(address, belief), address(room),
        )  # fmt: skip

    def adagrad(self, examples: tuple[F64, Flags, F64], numbers: F64, state: F64) -> None:
        """Learn examples as River does.

        Args:
            examples: Scaled rows (n, k), active (n,), weight (n,).
            numbers: Rate, epsilon, rate of the intercept, limit of a gradient.
            state: Shape (1 + 2k,): intercept, weights, sums of squares; changes.
        """
        found = (numbers, *examples, state)
        self._adagrad(*examples[0].shape, *map(address, found))


@cache
def path_kernel() -> PathKernel | None:
    """Return the kernel; None = the twins do its work."""
    library = loaded(ROOM)[0]
    return None if library is None else PathKernel(library)


@cache
def learning_kernel() -> LearningKernel | None:
    """Return the kernel; None = the twins do its work: so, too, where numpy has another BLAS."""
    library = loaded(ROOM)[0]
    if library is not None:
        for blas in _blas():
            with suppress(AttributeError):
                return LearningKernel(library, blas)
    return None


def _blas() -> Iterator[ctypes.CDLL]:
    """Yield what numpy's sums are done by: its own core, and with it whatever that has loaded."""
    with suppress(ImportError, OSError):  # There is no public way to it.
        core = import_module("numpy._core._multiarray_umath")
        assert core.__file__ is not None
        yield ctypes.CDLL(core.__file__)
