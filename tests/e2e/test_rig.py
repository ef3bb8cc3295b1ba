"""The browser tests' own instruments: what goes wrong in a page or a kernel is seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from rig_page import NotebookPage

WIDGET = """import ipywidgets as widgets
from IPython.display import display
button = widgets.Button(description="Add")
shown = widgets.Label("0")
button.on_click(lambda _: setattr(shown, "value", str(int(shown.value) + 1)))
display(widgets.HBox([button, shown]))"""


def test_a_widget_answers_in_each_front_end(nb: NotebookPage, frontend: str) -> None:
    page = nb.run([WIDGET], frontend)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".widget-label", has_text="1")).to_be_visible()


def test_a_failing_cell_fails_the_run(nb: NotebookPage) -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        nb.run(["1/0", "print('never')"])
    nb.until(lambda: nb.faults.kernel)
    assert nb.faults.kernel.pop() == "ZeroDivisionError: division by zero"


def test_a_failing_cell_is_seen_in_voila(nb: NotebookPage) -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        nb.run(["1/0"], "voila")


def test_an_error_in_a_callback_is_seen(nb: NotebookPage) -> None:
    page = nb.run([WIDGET, "shown.value = 'no number'"])
    page.get_by_role("button", name="Add", exact=True).click()
    nb.until(lambda: nb.faults.kernel)
    assert nb.faults.kernel.pop().startswith("ValueError: invalid literal")


def test_an_error_of_a_thread_is_seen(nb: NotebookPage) -> None:
    nb.run(["import threading\nthreading.Thread(target=lambda: 1/0).start()"])
    nb.until(lambda: "ZeroDivisionError" in "".join(nb.faults.stderr))
    nb.faults.stderr.clear()


def test_errors_of_scripts_and_requests_to_elsewhere_are_seen(nb: NotebookPage) -> None:
    address = "https://example.invalid/pixel.png"
    script = f"setTimeout(() => {{ new Image().src = '{address}'; throw new Error('broken'); }})"
    page = nb.run([f"from IPython.display import Javascript\nJavascript({script!r})"])
    nb.until(lambda: nb.faults.requests and "broken" in str(nb.faults.page))
    assert nb.faults.requests.pop() == address
    nb.until(lambda: "ERR_NAME_NOT_RESOLVED" in str(nb.faults.page))
    nb.faults.page.clear()
    assert page.url.startswith("http://127.0.0.1")


def test_a_widget_that_is_used_while_a_cell_runs_answers(nb: NotebookPage) -> None:
    page = nb.run([WIDGET])
    nb.begin("import time\ntime.sleep(1)\nended = True")
    for _ in range(2):
        page.get_by_role("button", name="Add", exact=True).click()
    nb.finish()
    expect(page.locator(".widget-label", has_text="2")).to_be_visible()
    assert nb.value("[ended, shown.value]") == [True, "2"]


def test_a_restart_takes_the_kernel_and_leaves_the_page(nb: NotebookPage) -> None:
    page = nb.run([WIDGET])
    nb.restart()
    assert nb.value("'shown' in globals()") is False
    expect(page.locator(".widget-button", has_text="Add")).to_be_visible()


def test_the_kernel_works_in_the_folder_of_its_notebook(nb: NotebookPage) -> None:
    (nb.folder / "here.txt").write_text("seen")
    nb.run(["from pathlib import Path"])
    assert nb.value("Path('here.txt').read_text()") == "seen"
