"""Variants of the errand scenario, and what a rehearsal of one found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, Rehearse

SCENARIO = ROOT / "tests/toy/errand_scenario.py"


def variant(folder: Path, *, shop: str = "", batch: str = "", without_effects: bool = False) -> Path:
    """A scenario file whose services have more in their environment: "NAME=value NAME=value"."""
    text = SCENARIO.read_text()
    for name, words in (("shop", shop), ("batch", batch)):
        given = dict(word.split("=", 1) for word in words.split())
        extra = "" if name == "shop" else '"SHOP_URL": "{shop.url}", '
        text = text.replace('        env={"SHOP_URL": "{shop.url}"},\n', "") if name == "batch" else text
        text = text.replace(
            f"    {name} = Service(", f"    {name} = Service(\n        env={{{extra}**{given!r}}},", 1
        )
    if without_effects:
        start = text.index("    def effects("), text.index("    def progress(")
        text = text[: start[0]] + text[start[1] :]
    path = folder / "pyproject.toml"
    path.write_text("")
    scenario = folder / "errands.py"
    scenario.write_text(text.replace('"tests/toy"', f'"{ROOT / "tests/toy"}"'))
    return scenario


def rehearsed(rehearse: Rehearse, scenario: Path, *words: str, stage: str = "process") -> dict[str, Any]:
    """report.json of it, with the exit code."""
    ran = rehearse("run", scenario, "--stage", stage, "--json", *words)
    assert ran.stdout, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found | {"exit": ran.returncode, "codes": {one["code"]: one for one in found["findings"]}}
