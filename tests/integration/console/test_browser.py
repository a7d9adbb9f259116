"""The console in a real browser; the whole matrix on the whole pipeline is `make prove-console`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

sys.path.insert(0, str(Path(__file__).parent))

from browsing import PAGES, Look, Tab, browser
from deployed import TOKEN, Deployed

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(180),
]
SHOTS = Path(__file__).parents[3] / "build" / "console"


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.mark.parametrize("look", [Look("en", "light", "desktop"), Look("zh", "dark", "phone")],
                         ids=str)  # fmt: skip
def test_every_page_can_be_read_by_everybody(
    deployed: Deployed, opened: Browser, look: Look
) -> None:
    tab = Tab(opened, deployed.base, look, TOKEN)
    paths = {name: f"/{name}" for name in PAGES}
    tab.page.goto(f"{deployed.base}/now")
    paths["people"] = str(tab.page.locator("main table a.id").first.get_attribute("href"))
    for name, path in paths.items():
        seen = tab.see(path, SHOTS / f"{name}-{look}.png")
        assert seen.complaints == [], name
        assert seen.violations == [], name
        assert seen.overflow <= 0, f"{name} is wider than the screen"
        assert seen.shift < 0.01, f"{name} jumps"
    tab.close()


def test_the_policy_of_the_pages_is_kept_by_the_pages(deployed: Deployed, opened: Browser) -> None:
    tab = Tab(opened, deployed.base, Look("en", "dark", "desktop"), TOKEN, is_strict=True)
    for name in PAGES:
        tab.page.goto(f"{deployed.base}/{name}")
        tab.page.wait_for_timeout(300)
    assert tab.complaints == []
    tab.close()


def test_filters_keys_and_the_language_work_by_hand(deployed: Deployed, opened: Browser) -> None:
    tab = Tab(opened, deployed.base, Look("en", "light", "desktop"), TOKEN)
    page = tab.page
    page.goto(f"{deployed.base}/now")
    everybody = page.locator("main tbody tr").count()
    page.select_option("#f-tier", "top")
    page.wait_for_url("**/now?tier=top")
    assert 0 < page.locator("main table.stack tbody tr").count() < everybody
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.click("button[name=lang]")
    page.wait_for_selector("html[lang=zh-CN]")
    assert page.url.endswith("/now?tier=top"), "the switch leaves everything else as it was"
    page.goto(f"{deployed.base}/health")
    page.click("button[data-opens=stop]")
    assert page.locator("dialog#stop").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("dialog#stop").is_visible()
    tab.close()


def test_a_live_page_leaves_alone_what_somebody_types(deployed: Deployed, opened: Browser) -> None:
    from worlds_of_topics import Record, state  # noqa: PLC0415 (beside this file)

    tab = Tab(opened, deployed.base, Look("en", "light", "desktop"), TOKEN)
    page = tab.page
    page.goto(f"{deployed.base}/now")
    page.fill("#find", "somebo")
    before = page.locator(".tile b").first.inner_text()
    value = state(2, 1_755_000_000_000)
    deployed.publish({"users": [Record(0, 0, 0, b"while-typing", value)]})
    page.wait_for_function(
        "before => document.querySelector('.tile b').innerText !== before",
        arg=before,
        timeout=8_000,
    )
    assert page.input_value("#find") == "somebo"
    assert page.evaluate("document.activeElement.id") == "find"
    tab.close()
