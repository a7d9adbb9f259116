"""Fitting boosters beside the event loop, which must not stand still for a second of CPU."""

from concurrent.futures import Future, ThreadPoolExecutor

from models.boosted import Fit, Trees
from streams.runtime.metrics import Metric, Metrics
from winback_sender.logs import get_logger

log = get_logger(__name__)


class BackgroundFits:
    """Runs fits one after another in a thread of their own; LightGBM lets go of the interpreter.

    Args:
        metrics: Where they are counted.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._executor = ThreadPoolExecutor(1, "fit")

    def __call__(self, fit: Fit) -> "Future[Trees]":
        """Begin a fit; a failing one is logged and counted, and that is all."""
        future = self._executor.submit(fit)
        future.add_done_callback(self._note)
        return future

    def _note(self, future: "Future[Trees]") -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None:
            log.error("fit_failed", error=repr(error))
        self._metrics.add(Metric.MODEL_FITS, outcome="fitted" if error is None else "failed")
