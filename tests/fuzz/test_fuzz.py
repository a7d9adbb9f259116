"""Some seconds of fuzzing, and all of the corpus; `python -m tests.fuzz.prove` takes minutes.

The seed is the same each time, so that a change is to blame and not chance; a failure prints
itself.
"""

import pytest

from tests.fuzz.catalogue import TARGETS
from tests.fuzz.corpus import CORPUS, parsed, read, written
from tests.fuzz.engine import CPU_MAX_S, Target, calls_of, fuzz, given
from tests.fuzz.mutate import Mutator, minimal
from tests.fuzz.tongues import JSON, TEXT

SEED = "winback"
CPU_S = 0.2
"""Of each target; there are some sixty."""
INPUTS = 4_000

NOISE = 3.0
"""By so much a machine that tests on all cores may be slower; `prove` forgives nothing."""

every_target = pytest.mark.parametrize("name", sorted(TARGETS))


def _patient(name: str) -> Target:
    target = TARGETS[name]
    return target._replace(cpu_s=NOISE * target.cpu_s)


@every_target
def test_no_sample_of_the_corpus_fails(name: str) -> None:
    target = _patient(name)
    samples = [*target.seeds(), *read(name)]
    assert samples
    failures = given(target, samples, calls_of(target))
    assert not failures, "\n".join(map(str, failures))


@every_target
def test_nothing_that_is_made_of_it_fails(name: str) -> None:
    outcome = fuzz(_patient(name), SEED, CPU_S, INPUTS)
    assert outcome.inputs >= 30
    assert not outcome.failures, "\n".join([f"seed {SEED!r}", *map(str, outcome.failures)])


def test_the_corpus_has_no_target_that_there_is_not() -> None:
    names = {path.stem for path in CORPUS.iterdir()}
    assert names <= TARGETS.keys()
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < 300_000


def test_a_decoder_that_raises_or_takes_long_is_found_and_made_small() -> None:
    """The engine itself: without this, no failure would say nothing."""

    def decode(sample: bytes) -> str:
        if b"e400" in sample:
            raise KeyError("planted")
        sum(range(1_500_000 if b"undefined" in sample else 1))
        return "fine"

    planted = Target("planted", "none", JSON, lambda: [b'{"a":1,"b":[2,{"c":3}]}'], lambda: decode,
                     "nothing", cpu_s=CPU_MAX_S)  # fmt: skip
    found = fuzz(planted, SEED, 10.0, 3_000).failures
    words = {failure.what.split()[1]: failure for failure in found}
    assert words.keys() == {"KeyError", "slow"}
    assert len(words["KeyError"].sample) <= len(b"-1e400")
    assert "python -m tests.fuzz.again planted" in str(words["KeyError"])


def test_a_seed_makes_the_same_samples_again() -> None:
    from random import Random  # noqa: PLC0415  # here alone

    one, other = (Mutator(JSON, [b'{"a":[1,2]}'], Random(5)) for _ in range(2))
    assert [one.make() for _ in range(500)] == [other.make() for _ in range(500)]


def test_a_sample_is_read_as_it_was_written() -> None:
    made = Mutator(TEXT, [b"a,b\n1,2\n"], __import__("random").Random(7))
    for sample in [made.make() for _ in range(2_000)] + [b"", b"%1*", b"# x", b"\t", b"ab" * 99]:
        assert parsed(written(sample)) == sample


def test_what_fails_is_left_and_the_rest_goes() -> None:
    assert minimal(b"x" * 500 + b"[[" + b"y" * 77, lambda sample: b"[[" in sample) == b"[["
