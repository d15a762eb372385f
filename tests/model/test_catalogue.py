"""The catalogue and the texts: whole, sourced, and consistent with the code that reads them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.checks.walls import BY_KIND, SECURITY, UNITS
from harness.model.answer import Answer
from harness.model.codes import explain, explanations
from harness.model.limits import catalogue, recognise, signatures


def test_every_record_has_a_source_and_says_what_it_holds_for() -> None:
    assert len(catalogue()) == 216
    for limit in catalogue():
        assert limit.software and limit.versions and limit.source, limit
        assert limit.value is None or limit.value > 0
    assert sum(bool(limit.measured_on) for limit in catalogue()) >= 134


def test_every_limit_that_guides_a_search_is_in_a_unit_that_can_be_measured() -> None:
    known = {*UNITS, "arrival"}
    for limit in catalogue():
        if limit.kind in BY_KIND or limit.kind == "head":
            assert limit.unit in known, limit


def test_every_signature_names_software_and_compiles() -> None:
    records = {limit.software for limit in catalogue()}
    for signature in signatures():
        re.compile(signature.body)
        if signature.meaning == "size":
            assert records.intersection(signature.software), signature


@pytest.mark.parametrize("answer", [Answer(200), Answer(None), Answer(500, body=b"Internal Server Error")])
def test_an_ordinary_answer_is_nobodys_refusal(answer: Answer) -> None:
    assert [signature for signature in recognise(answer) if signature.meaning != "identity"] == []


CODE = re.compile(r'"([A-Z]{3,5}-\d{3})"')


def test_every_code_that_a_check_can_give_is_explained() -> None:
    checks = Path(__file__).parents[2] / "harness/checks"
    given = {code for path in checks.rglob("*.py") for code in CODE.findall(path.read_text())}
    assert given <= set(explanations())
    assert {code for code, _ in [*BY_KIND.values(), *SECURITY.values()]} <= given


def test_an_explanation_is_found_in_any_case_and_says_what_to_do() -> None:
    told = explain(" url-001 ")
    assert told is not None
    assert told.code == "URL-001"
    assert all((told.title, told.text, told.cause, told.remedy))
    assert explain("URL-999") is None
