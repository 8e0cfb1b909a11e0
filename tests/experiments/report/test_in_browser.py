"""The report in a real browser: nothing fetched, no complaint, points that answer, no page wider than its window."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.experiments.made_up import both

from twinsync.experiments.figures import Drawn, write_figures
from twinsync.experiments.figures.chart import write
from twinsync.experiments.figures.comparison import GLANCE, comparison_plans
from twinsync.experiments.figures.style import styles
from twinsync.experiments.report.html import to_html
from twinsync.experiments.report.sections import build
from twinsync.experiments.results import Results

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]

pytestmark = pytest.mark.browser


def results() -> Results:
    """A comparison and one sweep."""
    made = both(seeds=2)
    return replace(made, sweeps=made.sweeps[:1])


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """The page; the comparison's own figures, which answer to nothing, are left empty, apart from the first."""
    folder, made = tmp_path_factory.mktemp("page"), results()
    empty = '<svg viewBox="0 0 100 60"></svg>'
    names = ("fig3_convergence", "comparison", "latency_parts", "energy_parts", "policy")
    drawn = {name: Drawn(name, empty, empty) for name in names}
    drawn |= write_figures(folder, replace(made, comparison=None))
    (glance,) = (plan for plan in comparison_plans(made, styles(made.schemes)) if plan.name == GLANCE)
    drawn[GLANCE] = write(glance, folder / "figures")
    page = folder / "report.html"
    page.write_text(to_html(build(made), drawn), "utf-8")
    return page


@pytest.fixture(params=[1280, 390], ids=["page", "phone"])
def page(request, browser, report) -> Iterator[Page]:
    """The report, opened; at the end nothing may have been fetched or complained about."""
    trouble: list[str] = []
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda asked: trouble.append(asked.url) if asked.url != report.as_uri() else None)
    page.goto(report.as_uri())
    yield page
    page.close()
    assert trouble == []


def points(page: Page, scheme: str, count: int):
    """The marks of one scheme at K = `count` in the visible version of Fig. 4, latency first, then the gap."""
    marks = page.locator(f'#sweep_fig4 circle:visible[aria-label^="{scheme}\\a number of UDs K: {count}\\a "]')
    assert marks.count() == 2
    return marks


def test_no_page_is_wider_than_its_window(page):
    for details in page.locator("details").all():
        details.evaluate("element => { element.open = true }")
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] == width[1]


def test_the_answer_and_one_chart_are_on_the_first_screen(page):
    for shown in (page.locator(".tiles"), page.locator(f"#{GLANCE} svg:visible")):
        box = shown.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 844  # of a phone; less than the page's 900


def test_a_wide_table_keeps_its_first_column_and_says_on_a_phone_that_it_scrolls(page):
    table = page.locator(".many").nth(1)
    name = table.locator("tbody th").first
    before = name.bounding_box()
    hint = table.evaluate("element => getComputedStyle(element, '::before').content")
    assert ("Scroll sideways" in hint) == (page.viewport_size["width"] < 600)
    table.evaluate("element => { element.scrollLeft = 120 }")
    after = name.bounding_box()
    assert before is not None
    assert after is not None
    assert after["x"] == before["x"]


def test_the_pointer_on_a_mark_shows_its_numbers_and_leaving_hides_them(page):
    tip, mark = page.locator("#tip"), points(page, "w/o SC (repaired)", 10).nth(0)
    assert tip.is_hidden()
    mark.hover()
    own = results().sweeps[0].points[-1].evaluation.allocators["without-sc"]
    latency, cost, gap = own.latency_s, own.cost, own.gap_to_optimum
    shown = tip.inner_text().replace("\N{NO-BREAK SPACE}", " ").splitlines()
    assert shown[:5] == [
        "w/o SC (repaired)",
        "number of UDs K: 10",
        f"latency {latency.mean:.2f} ({latency.low:.2f} to {latency.high:.2f}) s",
        f"cost {cost.mean:.1f} ({cost.low:.1f} to {cost.high:.1f})",
        f"{100 * gap.mean:.1f} ({100 * gap.low:.1f} to {100 * gap.high:.1f}) % above the optimum",
    ]
    box, width = tip.bounding_box(), page.evaluate("innerWidth")
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.mouse.move(1, 1)
    assert tip.is_hidden()


def test_marks_that_hide_each_other_all_answer(page):
    points(page, "Optimum (channel known)", 6).nth(0).hover()
    names = page.locator("#tip strong").all_inner_texts()
    assert {"SAC (repaired)", "Gradient policy", "Optimum (channel known)"} <= set(names)


def test_a_tap_answers_and_a_tap_elsewhere_ends_it(browser, report):
    page = browser.new_context(has_touch=True, viewport={"width": 390, "height": 900}).new_page()
    page.goto(report.as_uri())
    points(page, "Optimum (channel known)", 6).nth(0).tap()
    assert page.locator("#tip strong").count() > 1
    page.locator("#sweep_fig4 figcaption").tap(position={"x": 2, "y": 2})
    assert page.locator("#tip").is_hidden()
    page.context.close()


def test_the_keyboard_steps_from_mark_to_mark(page):
    tip = page.locator("#tip")
    points(page, "SAC (repaired)", 2).nth(0).focus()
    assert tip.locator("strong").all_inner_texts() == ["SAC (repaired)"]
    page.keyboard.press("ArrowRight")
    assert "number of UDs K: 4" in tip.inner_text()
    page.keyboard.press("ArrowLeft")
    assert "number of UDs K: 2" in tip.inner_text()
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_the_tabulator_key_leaves_a_figure_at_once(page):
    points(page, "SAC (repaired)", 2).nth(0).focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "CSV"
