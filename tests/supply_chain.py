"""``python -m tests.supply_chain sbom|audit|licences``: what we are made of; is it sound?

The locks name every distribution with its version and the hashes of its files, and no host. From
them alone comes the bill of materials (CycloneDX 1.6), the same bytes for the same lock.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT: Final = Path(__file__).parents[1]
LOCKS: Final = {
    "winback": ROOT / "deploy" / "requirements.lock",
    "winback-sender": ROOT / "sender" / "requirements.lock",
    "winback-development": ROOT / "requirements.lock",
}
"""What is locked: the service, the kit of the senders, and all that development needs."""
OUT: Final = ROOT / "build" / "sbom"
OK, FAILED, UNAVAILABLE = 0, 1, 3
_ENTRY: Final = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})(?: \\)?")
FREE: Final = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|0BSD|Unlicense|Zlib|"
    r"MIT-CMU|HPND|CC0|Public Domain)\b",
    re.IGNORECASE,
)
"""Licences that ask to be named, or to give back what is changed in their own files; no more."""


class Locked(NamedTuple):
    """A line of a lock."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


class LockError(ValueError):
    """A lock that cannot be relied on."""


def read_lock(text: str) -> list[Locked]:
    """Return what a lock names.

    Raises:
        LockError: A line is no distribution with its version and hashes.
    """
    found: list[Locked] = []
    for line in text.splitlines():
        said = line.strip()
        if not said or said.startswith("#"):
            continue
        if (digest := _HASH.fullmatch(said)) is not None and found:
            found[-1] = found[-1]._replace(hashes=(*found[-1].hashes, digest[1]))
        elif (entry := _ENTRY.fullmatch(said)) is not None:
            found.append(Locked(entry[1], entry[2], (entry[3] or "").strip(), ()))
        else:
            raise LockError(f"neither a version nor a hash: {said}")
    bare = [each.name for each in found if not each.hashes]
    if bare or not found:
        raise LockError(f"without a hash: {', '.join(bare) or 'everything'}")
    return found


def bill_of(name: str, lock: str) -> str:
    """Return the bill of materials of a lock, as CycloneDX in JSON."""
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"{name}\n{lock}"))
    ours = Component(name=name, type=ComponentType.APPLICATION, bom_ref=name)
    bom.metadata.component = ours
    for each in read_lock(lock):
        purl = PackageURL("pypi", None, each.name, each.version)
        bom.components.add(
            Component(
                name=each.name,
                version=each.version,
                type=ComponentType.LIBRARY,
                purl=purl,
                bom_ref=str(purl),
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=text) for text in each.hashes],
                properties=[Property(name="marker", value=each.marker)] if each.marker else [],
            )
        )
    bom.register_dependency(ours, bom.components)
    facts = json.loads(JsonV1Dot6(bom).output_as_string())
    facts["metadata"].pop("timestamp", None)  # The lock says all: same lock, same bytes.
    return json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def licences(lock: str) -> Iterator[tuple[Locked, str]]:
    """Yield what a lock names and its licence; what is not installed here is left out."""
    for each in read_lock(lock):
        try:
            about = metadata.metadata(each.name)
        except metadata.PackageNotFoundError:
            continue
        stated = [about.get("License-Expression") or "", about.get("License") or ""]
        stated += [text for text in about.get_all("Classifier") or () if "License ::" in text]
        yield each, " | ".join(text.splitlines()[0][:80] for text in stated if text.strip())


def audit(lock: Path) -> tuple[int, str]:
    """Return the exit code, and in words what is known of the distributions of a lock."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(lock), "--require-hashes"]
    options = ["--disable-pip", "-s", "osv", "-f", "json", "--progress-spinner", "off"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    return verdict(done.stdout, done.stderr)


def verdict(out: str, errors: str) -> tuple[int, str]:
    """Return the exit code, and in words what pip-audit found; no answer is not a good answer."""
    try:
        found: list[dict[str, Any]] = json.loads(out)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = errors.strip().splitlines()[-1:] or ["pip-audit said nothing"]
        return UNAVAILABLE, f"NOT AUDITED: the database cannot be asked ({last[0][:200]})"
    skipped = [each["name"] for each in found if "skip_reason" in each]
    bad = [
        f"{each['name']} {each['version']}: {vulnerability['id']}, mended in "
        f"{', '.join(vulnerability.get('fix_versions') or ['no version yet'])}"
        for each in found
        for vulnerability in each.get("vulns", ())
    ]
    if bad:
        return FAILED, "\n".join(bad)
    if skipped or not found:
        return UNAVAILABLE, f"NOT AUDITED: {', '.join(skipped) or 'everything'}"
    return OK, f"{len(found)} distributions, no vulnerability known"


def say(line: str) -> None:
    """Write a line for people."""
    sys.stdout.write(f"{line}\n")


def main(words: list[str]) -> int:
    """Write the bills, ask the database, or print the licences."""
    worst = OK
    for name, path in LOCKS.items():
        text = path.read_text("utf-8")
        match words:
            case ["sbom"]:
                OUT.mkdir(parents=True, exist_ok=True)
                target = OUT / f"{name}.cdx.json"
                target.write_text(bill_of(name, text), "utf-8")
                say(f"{target.relative_to(ROOT)}: {len(read_lock(text))} components")
            case ["audit"]:
                code, said = audit(path)
                say(f"{path.relative_to(ROOT)}: {len(read_lock(text))} with hashes. {said}")
                worst = max(worst, code, key=(OK, UNAVAILABLE, FAILED).index)
            case ["licences"]:
                for each, licence in licences(text):
                    say(f"{name:<20} {each.name:<28} {each.version:<14} {licence}")
            case _:
                sys.exit(__doc__)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
