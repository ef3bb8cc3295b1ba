"""What the browser tests of widgets share."""

from __future__ import annotations

from playwright.sync_api import Page

MARK = "window.ran=1"
EVIL = (
    f'<img src=x onerror="{MARK}"><script>{MARK}</script>" onclick="{MARK}" javascript:{MARK} $x$'
)
"""A text that leaves its mark, were it taken for anything but a text."""


def drawn(page: Page, rows: str, key: str) -> list[str]:
    """What rows that are drawn name themselves by, from top to bottom."""
    found: list[dict[str, str]] = page.locator(rows).evaluate_all(
        "rows => rows.map(row => ({...row.dataset}))"
    )
    return [one[key] for one in sorted(found, key=lambda one: int(one["index"]))]


def ran_nothing(page: Page) -> None:
    """No text ran, and none became an element or an attribute that could."""
    page.wait_for_timeout(500)
    assert page.evaluate("() => window.ran") is None
    assert page.locator(".lgw img, .lgw script, .lgw a, .lgw [onclick], .lgw [onload]").count() == 0
