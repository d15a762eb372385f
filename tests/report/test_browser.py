"""The report in a real Chromium: nothing is fetched, nothing complains, everything is there without JavaScript."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_core_python import base as axe

from harness.judgement import judge
from harness.report import html
from tests.report.browser import Tab, chromium
from tests.report.hostile import HOSTILE, writable
from tests.report.staged import judged, staged

pytestmark = pytest.mark.browser
AXE = (Path(axe.__file__).parent / "axe.min.js").read_text()
VISIBLE = """[...document.querySelectorAll('article.finding')].filter(
    a => a.getClientRects().length
    && getComputedStyle(a).visibility === 'visible' && a.innerText.length > 20).length"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A Chromium. Without one the test is skipped; in CI it fails, because nothing was tested."""
    command = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if command is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium, and in CI its tests must run")
        pytest.skip("no chromium on the PATH")
    with chromium(command, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    record = staged(folder, "A batch with a name")
    path = folder / "report.html"
    path.write_text(html.render(judged(record, "Something is not as it should be"), record))
    return path


def test_nothing_is_fetched_and_nothing_complains(tab: Tab, page: Path) -> None:
    tab.open(page)
    assert [url for url in tab.requests() if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in tab.requests() if url.startswith("file:")]) == 1
    assert tab.complaints() == []


def test_the_policy_holds(tab: Tab, page: Path, tmp_path: Path) -> None:
    """The same page with a script and an image put into it by force: the browser runs and fetches neither."""
    forced = tmp_path / "forced.html"
    planted = "<script>document.title = 'run'</script><img src='http://localhost:9/x.png'><p style='color:red'>x</p>"
    forced.write_text(page.read_text().replace("<main>", f"<main>{planted}"))
    tab.open(forced)
    assert tab.value("document.title") != "run"
    assert sum("Content Security Policy" in complaint for complaint in tab.complaints()) == 3


def test_every_finding_is_there_without_javascript(tab: Tab, page: Path) -> None:
    tab.open(page, script=False)
    assert tab.value(VISIBLE) == 5
    assert tab.value("document.querySelectorAll('svg.plot').length") == 5
    assert "largest safe number of users" in tab.value("document.body.innerText")


@pytest.mark.parametrize("width", [360, 800, 1440])
def test_the_page_is_as_wide_as_the_screen(tab: Tab, page: Path, width: int, tmp_path: Path) -> None:
    tab.open(page, width=width)
    assert tab.value("document.documentElement.scrollWidth") <= width
    kept = Path(os.environ.get("REHEARSE_PICTURES", tmp_path))
    tab.picture(kept / f"report-{width}.png")


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_fault(tab: Tab, page: Path, dark: bool) -> None:
    tab.open(page, dark=dark)
    tab.value(AXE + ";0")
    faults = tab.value(
        "axe.run().then(r => r.violations.map(v => [v.impact, v.id, v.nodes.map(n => n.html).slice(0, 3)]))"
    )
    assert [fault for fault in faults if fault[0] in ("serious", "critical")] == []


def test_it_can_be_walked_with_the_keyboard_and_prints_whole(tab: Tab, page: Path) -> None:
    tab.open(page)
    for kind in ("keyDown", "keyUp"):
        tab.ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert tab.value("document.activeElement.className") == "skip"
    assert len(tab.ask("Page.printToPDF")["data"]) > 10_000


def test_forty_hostile_texts_do_nothing(tab: Tab, tmp_path: Path) -> None:
    text = writable(" ".join(each[:300] for each in HOSTILE))
    record = staged(tmp_path, text)
    path = tmp_path / "report.html"
    path.write_text(html.render(judged(record, text), record), errors="replace")
    tab.open(path)
    assert tab.complaints() == []
    assert [url for url in tab.requests() if not url.startswith(("file:", "data:"))] == []
    assert tab.value("document.querySelectorAll('script, img, iframe, base, form, object').length") == 0
    assert tab.value(VISIBLE) == 5


def test_a_judged_record_is_shown_too(tab: Tab, tmp_path: Path) -> None:
    record = staged(tmp_path)
    path = tmp_path / "report.html"
    path.write_text(html.render(judge(record), record))
    tab.open(path, width=360, dark=True)
    assert tab.complaints() == []
