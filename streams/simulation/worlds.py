"""Many worlds: each is a matter of its own, so that every core can run some."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from threading import Thread
from typing import Final, NamedTuple

from streams.errors import Exit, UserError
from streams.simulation.scenario import Scenario
from streams.simulation.simulate import Choices, simulated
from streams.simulation.verdicts import Verdicts

JOB_USER_DAYS: Final = 100_000
"""Days of users that keep a process busy for longer than it takes to begin."""


class World(NamedTuple):
    """A world that is to be run.

    Attributes:
        scenario: What happens in it.
        seed: Its chance.
        choices: How it is run.
    """

    scenario: Scenario
    seed: int
    choices: Choices


Tell = Callable[[float, str], None]
"""Takes how many worlds are done, the part of one under way included, and the scenario of it."""


def verdicts_of(worlds: Sequence[World], jobs: int, tell: Tell) -> Iterator[Verdicts]:
    """Yield what each world came to, in their order; it does not depend on who runs it.

    Args:
        worlds: To be run.
        jobs: Processes; 1 = this one.
        tell: Called now and then.

    Raises:
        UserError: A process was ended from outside.
    """
    if jobs == 1:
        for place, world in enumerate(worlds):
            yield _run(world, partial(_tell, tell, place, world.scenario.name))
        return
    # Started anew, not forked: this process may have threads, and locks that they hold.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=_end_with_parent) as pool:
        try:
            orders = [pool.submit(_run, world) for world in worlds]
            for place, (world, order) in enumerate(zip(worlds, orders, strict=True)):
                tell(place, world.scenario.name)
                yield order.result()
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            if isinstance(error, BrokenProcessPool):
                raise UserError(
                    "a process ended before its world was done",
                    "if memory ran out, let one process run them: --jobs 1", Exit.FAILED,
                ) from None  # fmt: skip
            raise


def user_days(world: World) -> int:
    """Return how much there is to run."""
    return world.scenario.users * world.scenario.days


def _tell(tell: Tell, place: int, name: str, share: float) -> None:
    tell(place + share, name)


def _run(world: World, tell: Callable[[float], None] | None = None) -> Verdicts:
    return simulated(world.scenario, world.seed, world.choices, tell).verdicts


def _end_with_parent() -> None:
    """End at Ctrl-C without a word, and when nobody waits for an answer any more."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(Exit.FAILED)

    Thread(target=watch, daemon=True).start()
