"""Looking at the console with a real browser: what is on a page, and what is wrong with it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
HOW = "apt-get install chromium fonts-noto-cjk"
SIZES = {"desktop": (1360, 900), "phone": (390, 844)}
PAGES = ("now", "recall", "why", "model", "calls", "health")


class Look(NamedTuple):
    """How somebody looks at it."""

    language: str
    theme: str
    size: str

    def __str__(self) -> str:
        return "-".join(self)


class Seen(NamedTuple):
    """What a page showed.

    Attributes:
        complaints: Errors and warnings of the browser's console, and of scripts.
        violations: Serious and critical ones of axe-core, with where.
        overflow: Pixels that the page is wider than the screen.
        shift: Cumulative layout shift while it was looked at.
    """

    complaints: list[str]
    violations: list[str]
    overflow: int
    shift: float


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the system's chromium.

    Raises:
        FileNotFoundError: There is none; says how to get it.
    """
    if not CHROMIUM:
        raise FileNotFoundError(f"there is no browser here: make browser, or {HOW}")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


class Tab:
    """A tab in which somebody may be signed in.

    Args:
        opened: The browser.
        base: Address of the console.
        look: Language, theme and size.
        token: To sign in with; empty = only looking.
        is_strict: The policy of the pages holds for tests as well, so axe cannot be used.
    """

    def __init__(
        self, opened: Browser, base: str, look: Look, token: str = "", *, is_strict: bool = False
    ) -> None:
        width, height = SIZES[look.size]
        self.base, self.look = base, look
        # axe is put into the page by the test; what the policy forbids is tested without it.
        self._context = opened.new_context(
            viewport={"width": width, "height": height}, bypass_csp=not is_strict, locale="en-GB",
            reduced_motion="reduce", is_mobile=look.size == "phone",
        )  # fmt: skip
        self._context.add_cookies([
            {"name": "lang", "value": look.language, "url": base},
            {"name": "theme", "value": look.theme, "url": base},
        ])  # fmt: skip
        self.page: Page = self._context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        if token:
            self.page.goto(f"{base}/login")
            self.page.fill("#name", "Li Wei")
            self.page.fill("#token", token)
            self.page.click("main button.main")
            self.page.wait_for_url("**/now")

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def see(self, path: str, shot: Path | None = None) -> Seen:
        """Go to a page, wait until it was told that it is up to date, and look at it."""
        self.complaints.clear()
        self.page.goto(f"{self.base}{path}")
        self.page.wait_for_timeout(700)
        shift = self.page.evaluate(
            "() => new Promise(done => { let sum = 0; new PerformanceObserver(list => "
            "list.getEntries().forEach(e => sum += e.hadRecentInput ? 0 : e.value))"
            ".observe({type: 'layout-shift', buffered: true}); setTimeout(() => done(sum), 100) })"
        )
        overflow = self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        found = Axe().run(self.page)
        violations = [
            f"{one['id']}: {one['help']} at {one['nodes'][0]['target']}"
            for one in found.response["violations"]
            if one["impact"] in {"serious", "critical"}
        ]
        if shot is not None:
            shot.parent.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(shot), full_page=True)
        return Seen([*self.complaints], violations, overflow, shift)

    def close(self) -> None:
        """Close it."""
        self._context.close()
