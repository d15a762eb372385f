"""SARIF 2.1.0, for code scanning: a result for each finding, at the scenario's file, known again by its id."""

from __future__ import annotations

from typing import TypeAlias
from urllib.parse import quote

import msgspec

from harness.model.codes import explain
from harness.model.finding import SEVERITIES, Finding, Severity, Verdict
from harness.model.record import Record
from harness.report.text import inert, rows, shorten

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool"

MOST_RESULTS = 5000
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVEL: dict[Severity, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
RANK: dict[Severity, float] = {name: 100.0 - 20.0 * k for k, name in enumerate(SEVERITIES)}


def render(verdict: Verdict, record: Record) -> bytes:
    """The file."""
    manifest = record.manifest
    found = verdict.findings[:MOST_RESULTS]
    codes = sorted({finding.code for finding in found})
    run: dict[str, Json] = {
        "tool": {
            "driver": {
                "name": "rehearse",
                "version": manifest.versions.get("rehearse", "0"),
                "rules": [_rule(code) for code in codes],
            }
        },
        "automationDetails": {"id": f"rehearse/{_text(verdict.scenario)}/"},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes.index(finding.code), manifest.source) for finding in found],
    }
    file: dict[str, Json] = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"


def _rule(code: str) -> Json:
    known = explain(code)
    if known is None:
        return {"id": _text(code)}
    return {
        "id": code,
        "shortDescription": {"text": known.title},
        "fullDescription": {"text": " ".join(known.text.split())},
        "help": {"text": f"{known.cause.strip()}\n\n{known.remedy.strip()}"},
    }


def _result(finding: Finding, rule: int, source: str) -> Json:
    told = "\n".join(f"{label}: {text}" for label, text in rows(finding))
    return {
        "ruleId": _text(finding.code),
        "ruleIndex": rule,
        "level": LEVEL[finding.severity],
        "rank": RANK[finding.severity],
        "message": {"text": shorten(f"{_text(finding.title)}\n{told}", 20_000)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(_text(source)), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [{"name": _text(finding.service), "kind": "module"}],
            }
        ],
        "partialFingerprints": {"rehearseFinding/v1": _text(finding.id)},
    }


def _text(text: str) -> str:
    return inert(text)
