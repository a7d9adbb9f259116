"""Fuzzing one target: what it is given, what it may answer, and what counts as a failure.

A target answers with a word for what became of a sample. Any exception is a failure: what a decoder
is allowed to raise, its target turns into a word. So is more than `CPU_MAX_S` of CPU for a sample
of at most 64 KB, and a call that does not end. A sample whose word is new becomes a seed itself.
"""

import gc
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final, NamedTuple
from zlib import crc32

from tests.fuzz.mutate import MAX_BYTES, Mutator, Tongue, minimal

CPU_MAX_S: Final = 0.010
AGAIN: Final = 3
"""Times that a slow sample is measured again; the least counts, for the machine is not alone."""
HUNG_S: Final = 5.0
WORDS_MAX: Final = 2_000
ROOT: Final = f"{Path(__file__).parents[2]}/"


class Target(NamedTuple):
    """A decoder.

    Attributes:
        name: Also of its corpus.
        group: Targets that are proven together.
        tongue: How its inputs are written.
        seeds: Makes good samples, and perhaps some that are not.
        make: Makes what is called with a sample: it returns a word and raises if something is
            wrong. It is made anew for every run.
        promise: What the decoder promises of whatever it is given.
        also: Makes another one, which one in eight samples is given besides.
        cpu_s: CPU that a sample of at most 64 KB may take.
    """

    name: str
    group: str
    tongue: Tongue
    seeds: Callable[[], Sequence[bytes]]
    make: Callable[[], Callable[[bytes], str]]
    promise: str
    also: Callable[[], Callable[[bytes], str]] | None = None
    cpu_s: float = CPU_MAX_S


class Failure(NamedTuple):
    """A sample that a target cannot stand.

    Attributes:
        target: Its name.
        what: The exception and where it was raised, or ``slow``.
        sample: As small as it could be made.
        detail: For people.
    """

    target: str
    what: str
    sample: bytes
    detail: str

    def __str__(self) -> str:
        from tests.fuzz.corpus import written  # noqa: PLC0415  # they know each other

        line = written(self.sample)
        shown = line if len(line) <= 2_000 else f"{line[:2_000]}… ({len(self.sample)} B)"
        return (
            f"{self.target}: {self.what}\n  {self.detail}\n"
            f"  python -m tests.fuzz.again {self.target} $'{shown}'"
        )


class Outcome(NamedTuple):
    """What a run came to.

    Attributes:
        inputs: Samples given.
        failures: One for each way to fail, the first.
        words: What became of samples, and how often.
        slowest_s: CPU of the slowest sample of at most 64 KB.
    """

    inputs: int
    failures: list[Failure]
    words: dict[str, int]
    slowest_s: float


class HungError(BaseException):
    """A call did not end; no decoder may catch it."""


def fuzz(target: Target, seed: str, seconds: float, inputs_max: int = 1 << 62) -> Outcome:
    """Give a target samples for a time of CPU, or until there were so many.

    Args:
        target: What is fuzzed.
        seed: Makes the same samples again.
        seconds: CPU of it all.
        inputs_max: So many at most.
    """
    from tests.fuzz.corpus import read  # noqa: PLC0415  # they know each other

    chance = Random(f"{target.name}/{seed}")
    calls = calls_of(target)
    mutator = Mutator(target.tongue, [*target.seeds(), *read(target.name)], chance)
    words: dict[str, int] = {}
    failures: dict[str, Failure] = {}
    slowest, took, word = 0.0, 0.0, ""
    inputs, clock = 0, time.thread_time
    with _quiet():
        end = clock() + seconds
        while inputs < inputs_max and (inputs & 31 or clock() < end):
            sample = mutator.make()
            inputs += 1
            for call in calls if not crc32(sample) & 7 else calls[:1]:
                begin = clock()
                word = _word(call, sample)
                took = clock() - begin
                if took > slowest and len(sample) <= MAX_BYTES:
                    is_new = took > target.cpu_s and "! slow" not in failures
                    took = min(took, _least(call, sample)) if is_new else took
                    slowest = max(slowest, took)
                    if took > target.cpu_s:
                        word = "! slow"
                if word[0] == "!":
                    break
            count = words.get(word, 0)
            if count or len(words) < WORDS_MAX:
                words[word] = count + 1
            if word[0] == "!" and word not in failures:
                failures[word] = _failure(target, call, sample, word)
            elif not count and word in words and took <= target.cpu_s:
                mutator.keep(sample)
            if not inputs & 4_095:
                gc.collect(1)
    return Outcome(inputs, list(failures.values()), words, slowest)


def given(
    target: Target, samples: Sequence[bytes], calls: Sequence[Callable[[bytes], str]]
) -> list[Failure]:
    """Give a target samples; return what is wrong with any of them.

    Args:
        target: Which.
        samples: That it is given.
        calls: What `calls_of` has made of it.
    """
    with _quiet():
        found = (_once(target, sample, call) for sample in samples for call in calls)
        return [failure for failure in found if failure is not None]


def _once(target: Target, sample: bytes, call: Callable[[bytes], str]) -> Failure | None:
    begin = time.thread_time()
    word = _word(call, sample)
    took = time.thread_time() - begin
    if took > target.cpu_s and len(sample) <= MAX_BYTES:
        took = min(took, _least(call, sample))
        word = "! slow" if took > target.cpu_s else word
    if word[0] != "!":
        return None
    detail = f"{took * 1e3:.1f} ms" if word == "! slow" else _trace(call, sample)
    return Failure(target.name, word, sample, detail)


def calls_of(target: Target) -> list[Callable[[bytes], str]]:
    """Return all that a sample is given to."""
    return [target.make(), target.also()] if target.also else [target.make()]


def _word(call: Callable[[bytes], str], sample: bytes) -> str:
    signal.setitimer(signal.ITIMER_PROF, HUNG_S)
    try:
        return call(sample) or "nothing"
    except HungError:
        return "! does not end"
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  # that is what is looked for
        return _said(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _said(error: BaseException) -> str:
    """Return which exception it is, and where it was raised, as far as that is our code."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    place = f"{ours[-1].filename.removeprefix(ROOT)}:{ours[-1].lineno}" if ours else "?"
    what = str(error)[:80] if isinstance(error, AssertionError) else ""
    return f"! {type(error).__name__} {place} {what}".rstrip()


def _least(call: Callable[[bytes], str], sample: bytes) -> float:
    least = HUNG_S
    for _ in range(AGAIN):
        begin = time.thread_time()
        _word(call, sample)
        least = min(least, time.thread_time() - begin)
    return least


def _failure(target: Target, call: Callable[[bytes], str], sample: bytes, word: str) -> Failure:
    """Return a failure with the smallest sample that fails likewise."""
    if word == "! slow":
        least = _least(call, sample)
        return Failure(target.name, word, sample, f"{least * 1e3:.1f} ms of CPU, {len(sample)} B")
    if word != "! does not end":
        sample = minimal(sample, lambda shorter: _word(call, shorter) == word)
    return Failure(target.name, word, sample, _trace(call, sample))


def _trace(call: Callable[[bytes], str], sample: bytes) -> str:
    try:
        call(sample)
    except HungError:
        return f"more than {HUNG_S:g} s"
    except Exception as error:  # noqa: BLE001  # it is told
        lines = traceback.format_exception(error)
        return " | ".join(" ".join(line.split()) for line in lines[-4:])[-1_500:]
    return "it does not fail again"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the collector out of the measurement, and let a call that hangs be broken off."""

    def hung(*_: object) -> None:
        raise HungError

    before = signal.signal(signal.SIGPROF, hung)
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
