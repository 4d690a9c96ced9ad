"""The report in a real browser: no error, no dialog, no request, and the bars are drawn."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Dialog, sync_playwright

from palate.evaluate import Protocol, compare

if TYPE_CHECKING:
    from tests.evaluate.conftest import Kit

pytestmark = pytest.mark.browser

ATTACK = "<script>alert(1)</script>"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("the system package chromium is not installed")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture(scope="module")
def report(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = {
        ATTACK: kit.model("popular"),
        '"><img src=x onerror=alert(2)>': kit.model("unpopular"),
        "failed": kit.model("raise"),
    }
    comparison = compare(models, kit.crowd(name=ATTACK), Protocol(k=3, rounds=50))
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(comparison.to_html(), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1240, 390])
def test_it_opens_clean(browser: Browser, report: Path, scheme: str, width: int) -> None:
    faults: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page = browser.new_page(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page.on("console", lambda message: faults.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", dismiss)
    page.on("request", lambda r: faults.append(r.url) if not r.url.startswith("file:") else None)
    page.goto(report.as_uri())
    assert page.title().startswith(ATTACK)
    assert page.locator("h1").inner_text() == ATTACK
    bars = page.locator("table.board rect.bar")
    assert bars.count() == 2
    first, second = bars.nth(0).bounding_box(), bars.nth(1).bounding_box()
    assert first is not None
    assert second is not None
    assert first["width"] > second["width"] > 0
    # The style's hash matches the policy, or the page would be unstyled.
    ink = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ink == ("rgb(21, 23, 26)" if scheme == "dark" else "rgb(247, 246, 243)")
    # Wide tables scroll in their own box: the page itself does not.
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults == []
    page.close()
