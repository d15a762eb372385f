"""JUnit XML for any CI server: a case for the verdict, for each finding, each scale of today's trigger, and each gap.

Names carry no numbers of users, so that a server's history follows a finding from run to run. Findings from high up
are failures; lighter ones are told in a case that passes. What was not seen is skipped, never passed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from harness.model.finding import Finding, NotChecked, Verdict
from harness.model.record import Record
from harness.report.ladder import Rung, ladder
from harness.report.text import inert, rows, sentence, shorten

ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

COUNTED = re.compile(r"\b[\d,]+ (of [\d,]+ )?(?=users?\b)")


def render(verdict: Verdict, record: Record) -> bytes:
    """The file, which expat reads whatever the texts in it are."""
    manifest = record.manifest
    today = manifest.triggers[0] if manifest.triggers else ""
    suite = ET.Element(
        "testsuite", name=_clean(f"rehearse.{verdict.scenario}"), timestamp=_clean(manifest.started)
    )
    _verdict(suite, verdict, record)
    for finding in verdict.findings:
        _finding(suite, verdict, finding)
    for rung in ladder(record):
        if rung.trigger == today:
            _rung(suite, verdict, rung)
    for name, gaps in _by_name(verdict.not_checked).items():
        case = _case(suite, verdict, "not checked", name)
        told = "; ".join(f"{gap.probe}: {gap.why}" for gap in gaps)
        ET.SubElement(case, "skipped", message=_clean(told))
    for counted, tag in (("tests", "testcase"), ("failures", ".//failure"), ("skipped", ".//skipped")):
        suite.set(counted, str(len(suite.findall(tag))))
    suite.set("errors", "0")
    suite.set("time", str(verdict.measurements.get("seconds") or 0))
    root = ET.Element("testsuites")
    root.append(suite)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _by_name(unseen: Iterable[NotChecked]) -> dict[str, list[NotChecked]]:
    """What was not seen by its name without numbers of users; two cases of one name would be one to a server."""
    named: dict[str, list[NotChecked]] = {}
    for gap in unseen:
        named.setdefault(COUNTED.sub("", gap.probe), []).append(gap)
    return named


def _verdict(suite: ET.Element, verdict: Verdict, record: Record) -> None:
    case = _case(suite, verdict, "verdict", "the batch can run at that size")
    told = sentence(verdict, record.manifest)
    if verdict.verdict == "not_ready":
        ET.SubElement(case, "failure", message=_clean(told), type="not_ready")
    elif verdict.verdict == "inconclusive":
        ET.SubElement(case, "skipped", message=_clean(told))


def _finding(suite: ET.Element, verdict: Verdict, finding: Finding) -> None:
    place = " ".join(part for part in (finding.service, finding.trigger) if part)
    case = _case(suite, verdict, "findings", f"{finding.code} {place} [{finding.id}]")
    text = _clean("\n".join(f"{label}: {told}" for label, told in rows(finding)))
    if finding.severity in ("critical", "high"):
        failure = ET.SubElement(case, "failure", message=_clean(finding.title), type=_clean(finding.code))
        failure.text = text
    else:
        ET.SubElement(case, "system-out").text = f"{finding.severity}: {_clean(finding.title)}\n{text}"


def _rung(suite: ET.Element, verdict: Verdict, rung: Rung) -> None:
    case = _case(suite, verdict, "scales", f"{rung.trigger} at {rung.scale}x")
    if rung.state == "broken":
        ET.SubElement(case, "failure", message=_clean(rung.text), type="scale")
    elif rung.state == "not seen":
        ET.SubElement(case, "skipped", message=_clean(rung.text))


def _case(suite: ET.Element, verdict: Verdict, group: str, name: str) -> ET.Element:
    return ET.SubElement(
        suite, "testcase", classname=_clean(f"rehearse.{verdict.scenario}.{group}"), name=_clean(name)
    )


def _clean(text: str) -> str:
    return ILLEGAL.sub("\ufffd", shorten(inert(text), 10_000))
