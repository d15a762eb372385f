"""The pages in docs/codes are those of the texts that `rehearse explain` shows."""

from __future__ import annotations

from harness.model.codes import explanations
from harness.report.code_pages import code_pages
from tests.conftest import ROOT


def test_the_pages_are_fresh() -> None:
    folder = ROOT / "docs" / "codes"
    kept = {path.name: path.read_text("utf-8") for path in folder.glob("*.md")}
    assert kept == code_pages(), "run `rehearse explain --pages docs/codes`"


def test_every_code_has_a_page() -> None:
    assert {f"{code}.md" for code in explanations()} == code_pages().keys() - {"README.md"}
