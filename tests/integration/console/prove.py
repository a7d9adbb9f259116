"""Every page of the console in every look, on the whole pipeline: ``make prove-console``.

    python -m tests.integration.console.prove [--seconds 60]

A year of purchases is fed through workers, learner and a sender of messages (calls are left to the
work list) on a Kafka of their own. A real chromium then looks at every page in both languages, both
themes and both sizes, and uses every filter. Screenshots lie in build/console.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Final

import httpx

HERE: Final = Path(__file__).parent
HOUSE: Final = HERE.parents[2]
sys.path[:0] = [str(HERE), str(HOUSE / "tests" / "unit" / "console")]

from browsing import CHROMIUM, HOW, PAGES, SIZES, Look, Tab, browser  # noqa: E402
from deployed import TOKEN, WINBACK  # noqa: E402

from streams.runtime.embedded.fixture import EmbeddedKafka  # noqa: E402

SHOTS: Final = HOUSE / "build" / "console"
LOG: Final = HOUSE / "data" / "complete_journey.csv.gz"
RULES: Final = HOUSE / "deploy" / "rules" / "demo.yaml"
YEAR_S: Final = 365 * 86_400
FILTERS: Final = ("tier", "source", "cohort", "reason", "playbook", "band")
MORE: Final = {"recall": ("?days=7", "?days=90"), "why": ("?days=7", "?days=90", "?by=cohort",
               "?by=tier", "?by=trigger"), "health": ("?closed=1",)}  # fmt: skip
SETTLE_S: Final = 25.0
PATIENCE_S: Final = 600.0
KEEPS_UP: Final = "The service keeps up."


@contextmanager
def pipeline(seconds: float) -> Iterator[str]:
    """Run everything on the demo's year; yield the address of the console."""
    with tempfile.TemporaryDirectory() as name, EmbeddedKafka() as kafka:
        folder = Path(name)
        env = os.environ | {
            "WINBACK_KAFKA_BOOTSTRAP": kafka.bootstrap, "WINBACK_RULES": str(RULES),
            "WINBACK_CLOCK": "event", "WINBACK_DATA_DIR": name, "WINBACK_WEB_PORT": "0",
            "WINBACK_SENDER_STATE": str(folder / "sender"), "WINBACK_SENDER_WEB_PORT": "0",
            "WINBACK_SENDER_CONSOLE_ANSWER_RATE": "0.25", "WINBACK_CONSOLE_PORT": "0",
            "WINBACK_WEB_TOKEN": TOKEN,
        }  # fmt: skip

        def start(*words: str) -> subprocess.Popen[bytes]:
            with (folder / f"{words[0]}-{words[-1].replace('/', '_')}.log").open("wb") as log:
                return subprocess.Popen([*WINBACK, *words], env=env, stdout=log, stderr=log)

        assert start("topics", "apply").wait(60) == 0
        running = [
            start("run", "--role", "pipeline"), start("run", "--role", "learner"),
            start("sender", "--clock", "event", "--channel", "sms=console", "--channel",
                  "wechat=console"),
            start("console", "--port", "0"),
        ]  # fmt: skip
        try:
            time.sleep(8.0)
            speed = f"{YEAR_S / seconds:.1f}"
            assert start("feed", str(LOG), "--speed", speed, "--quiet").wait(20 * seconds) == 0
            time.sleep(SETTLE_S)
            said = (folder / "console-0.log").read_text("utf-8")
            base = said.split("winback console: ", 1)[1].split("/\n", 1)[0]
            settled(base)
            yield base
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(30)


def settled(base: str) -> None:
    """Wait until the service has read all: what still grows moves what stands below it."""
    end_s = time.monotonic() + PATIENCE_S
    with httpx.Client(base_url=base, timeout=30) as client:
        client.post("/login", data={"name": "Li Wei", "token": TOKEN})
        while KEEPS_UP not in client.get("/health").text and time.monotonic() < end_s:
            time.sleep(1.0)


def looked_at(base: str) -> list[str]:
    """Look at everything; return what is wrong."""
    faults: list[str] = []
    with browser() as opened:
        for parts in product(("en", "zh"), ("light", "dark"), SIZES):
            look = Look(*parts)
            tab = Tab(opened, base, look, TOKEN)
            tab.page.goto(f"{base}/now")
            user = tab.page.locator("main table a.id").first.get_attribute("href") or ""
            paths = {name: f"/{name}" for name in PAGES} | {"people": user}
            paths |= {f"{name}{more}": f"/{name}{more}" for name, some in MORE.items()
                      for more in some}  # fmt: skip
            for name, path in paths.items():
                seen = tab.see(path, None if "?" in name else SHOTS / f"{name}-{look}.png")
                faults += [f"{name} {look}: {one}" for one in (*seen.complaints, *seen.violations)]
                if seen.overflow > 0:
                    faults.append(f"{name} {look}: {seen.overflow} pixels too wide")
                if seen.shift > 0.01:
                    faults.append(f"{name} {look}: jumps by {seen.shift:.3f}")
            tab.close()
        faults += filtered(Tab(opened, base, Look("en", "light", "desktop")), base)
        faults += strict(Tab(opened, base, Look("en", "light", "desktop"), TOKEN, is_strict=True))
    return faults


def filtered(tab: Tab, base: str) -> list[str]:
    """Use every filter; return those that find nobody."""
    faults = []
    for name in FILTERS:
        tab.page.goto(f"{base}/now")
        values = tab.page.locator(f"#f-{name} option").evaluate_all("all => all.map(o => o.value)")
        if len(values) < 2:
            continue
        tab.page.select_option(f"#f-{name}", values[1])
        tab.page.wait_for_url(f"**{name}=**")
        if not tab.page.locator("main table.stack tbody tr").count():
            faults.append(f"the filter {name}={values[1]} finds nobody")
    tab.close()
    return faults


def strict(tab: Tab) -> list[str]:
    """Look at every page under its own policy; return what the browser complains of."""
    for name in PAGES:
        tab.page.goto(f"{tab.base}/{name}")
        tab.page.wait_for_timeout(300)
    tab.close()
    return tab.complaints


def main() -> int:
    """Return 0 when nothing is wrong."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=60.0)
    options = asked.parse_args()
    if not CHROMIUM:
        sys.stderr.write(f"there is no browser here: {HOW}\n")
        return 3
    with pipeline(options.seconds) as base:
        faults = looked_at(base)
    sys.stdout.write(json.dumps({"faults": faults, "shots": str(SHOTS)}, indent=2) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
