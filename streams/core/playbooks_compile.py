"""From one playbook as it is written to one that runs, or to everything that is wrong with it."""

from collections.abc import Iterator, Sequence
from math import isclose
from typing import NamedTuple

from streams.core.outages import edge_ms
from streams.core.playbook import TRAIT, Match, Playbook, PlaybookStep, Variant, with_version
from streams.core.playbooks_schema import (
    CHANNELS,
    TIERS,
    AbFile,
    PlaybookFile,
    StepFile,
    VariantFile,
)
from streams.core.sensitive import sensitive_category
from streams.core.time import FAR_FUTURE_MS, span_ms
from winback_sender.documents.faults import Fault, Path, meant


class Known(NamedTuple):
    """What playbooks may name.

    Attributes:
        tiers: Value tiers, highest first.
        channels: Channels.
        traits: Traits that the deployment keeps.
    """

    tiers: tuple[str, ...] = TIERS
    channels: tuple[str, ...] = CHANNELS
    traits: tuple[str, ...] = ()


def compiled(file: PlaybookFile, path: Path, known: Known) -> tuple[Playbook, list[Fault]]:
    """Return a playbook that runs, and all that is wrong with it; with faults it must not run."""
    return _Compiler(known).playbook(file, path)


def sensitive_fault(trait: str, path: Path) -> Iterator[Fault]:
    """Yield what forbids a trait to be kept and handed on, if anything does."""
    category = sensitive_category(trait)
    if category:
        what = f"trait {trait!r} is sensitive personal information ({category}): it is not used"
        yield Fault(path, what)


class _Compiler:
    """Compiles one playbook and gathers its faults."""

    def __init__(self, known: Known) -> None:
        self.known, self.faults = known, list[Fault]()

    def playbook(self, file: PlaybookFile, path: Path) -> tuple[Playbook, list[Fault]]:
        expires_ms = self._ms(file.expires, (*path, "expires"), least_ms=1)
        limit_ms = FAR_FUTURE_MS if self.faults else expires_ms
        variants = self._variants(file, path, limit_ms)
        if file.choose == "bandit" and len(variants) == 1:
            self._wrong((*path, "choose"), "a bandit chooses among variants: give at least two")
        for place, tier in enumerate(file.match.tiers):
            if tier not in self.known.tiers:
                hint = meant(tier, self.known.tiers)
                self._wrong((*path, "match", "tiers", place), f"{tier!r} is unknown", hint)
        from_ms, to_ms = self._ab(file.ab, (*path, "ab"), len(variants))
        match = file.match
        book = Playbook(
            name=file.name,
            match=Match(
                *map(tuple, (match.tiers, match.sources, match.triggers)),
                *map(tuple, (match.stages, match.quadrants, match.reasons)),
            ),
            variants=variants,
            purpose=file.purpose,
            close_after_ms=max(1, self._ms(file.close_after, (*path, "close_after"))),
            exits=tuple(file.exit),
            expires_ms=expires_ms,
            release=file.release,
            choice=file.choose,
            ab_from_ms=from_ms,
            ab_to_ms=to_ms,
        )
        return with_version(book), self.faults

    def _wrong(self, path: Path, what: str, hint: str = "") -> None:
        self.faults.append(Fault(path, what, hint))

    def _ms(self, text: str, path: Path, *, least_ms: int = 0) -> int:
        try:
            ms = span_ms(text)
        except ValueError as error:
            self._wrong(path, str(error))
            return least_ms
        if ms < least_ms:
            self._wrong(path, f"{text!r} is no time at all")
        return ms

    def _variants(self, file: PlaybookFile, path: Path, expires_ms: int) -> tuple[Variant, ...]:
        if (file.steps is None) == (file.variants is None):
            said = "both steps and variants" if file.steps else "neither steps nor variants"
            self._wrong((*path, "variants"), f"{said}: give one of them")
            return ()
        if file.steps is not None:
            steps = self._steps(file.steps, (*path, "steps"), expires_ms)
            return (Variant("a", 1.0, steps),)
        written = file.variants or []
        if not written:
            self._wrong((*path, "variants"), "no variants: give at least one, or steps")
            return ()
        shares = self._shares(written, (*path, "variants"))
        made: list[Variant] = []
        for place, (variant, share) in enumerate(zip(written, shares, strict=True)):
            where = (*path, "variants", place)
            if variant.name in {earlier.name for earlier in made}:
                self._wrong((*where, "name"), f"variant {variant.name!r} is there twice")
            steps = self._steps(variant.steps, (*where, "steps"), expires_ms)
            made.append(Variant(variant.name, share, steps))
        return tuple(made)

    def _shares(self, variants: Sequence[VariantFile], path: Path) -> list[float]:
        shares = [variant.share for variant in variants if variant.share is not None]
        if not shares:
            return [1.0 / len(variants)] * len(variants)
        if len(shares) < len(variants):
            self._wrong(path, "some variants have a share and some have none: give all or none")
        elif not isclose(sum(shares), 1.0, abs_tol=1e-6):
            self._wrong(path, f"the shares sum to {sum(shares):g}, not to 1")
        return [variant.share or 0.0 for variant in variants]

    def _steps(
        self, steps: Sequence[StepFile], path: Path, expires_ms: int
    ) -> tuple[PlaybookStep, ...]:
        if not steps:
            self._wrong(path, "no steps: give at least one")
        made, passed_ms = [], 0
        for place, step in enumerate(steps):
            where = (*path, place)
            wait_ms = self._ms(step.wait, (*where, "wait"))
            if place == 0 and (wait_ms or step.instead):
                what = "the first step comes with the alert: it neither waits nor stands in"
                self._wrong((*where, "wait" if wait_ms else "instead"), what)
            if passed_ms < expires_ms <= passed_ms + wait_ms:
                what = f"wait {step.wait}: the journey is over before this step"
                self._wrong((*where, "wait"), what, "wait less, or let it expire later")
            passed_ms += wait_ms
            if step.channel not in self.known.channels:
                hint = meant(step.channel, self.known.channels)
                self._wrong((*where, "channel"), f"channel {step.channel!r} is unknown", hint)
            for name, text in step.params.items():
                self._trait(text, (*where, "params", name))
            made.append(
                PlaybookStep(
                    step.channel,
                    step.template_key,
                    wait_ms,
                    self._ms(step.expires, (*where, "expires"), least_ms=1),
                    params=step.params,
                    offer=step.offer,
                    on_full=step.on_full,
                    is_instead=step.instead,
                )
            )
        return tuple(made)

    def _trait(self, text: str, path: Path) -> None:
        if "{trait:" in TRAIT.sub("", text):
            what = "a trait is written with a default: {trait:name|default}"
            self._wrong(path, f"{text!r}: {what}")
        for trait, _ in TRAIT.findall(text):
            sensitive = list(sensitive_fault(trait.strip(), path))
            self.faults += sensitive
            if not sensitive and trait.strip() not in self.known.traits:
                hint = meant(trait, self.known.traits, says_all=False)
                what = f"trait {trait.strip()!r} is not kept"
                self._wrong(path, what, hint or f"add it: traits: [{trait.strip()}]")

    def _ab(self, ab: AbFile | None, path: Path, variants: int) -> tuple[int, int]:
        if ab is None:
            return 0, 0
        if variants == 1:
            self._wrong(path, "a comparison (ab) needs two variants")
        lasts_ms = self._ms(ab.lasts, (*path, "lasts"), least_ms=1)
        try:
            from_ms = edge_ms(ab.start)
        except ValueError as error:
            self._wrong((*path, "from"), str(error))
            return 0, 0
        if from_ms == float("inf"):
            self._wrong((*path, "from"), "a comparison begins at an instant")
            return 0, 0
        return int(from_ms), int(from_ms) + lasts_ms
