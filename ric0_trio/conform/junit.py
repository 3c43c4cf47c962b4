"""The verdicts as JUnit XML, which most CI systems show: a test suite a section, a test case a rule."""

from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from ric0_trio.conform.outcomes import Status
from ric0_trio.conform.rules import Level
from ric0_trio.conform.verdicts import Verdict, sections

_TAGS: Final = {Status.FAILED: "failure", Status.NOT_RUN: "error", Status.SKIPPED: "skipped"}


def as_junit(url: str, verdicts: Sequence[Verdict], seconds: float) -> bytes:
    """Write one document. A MUST fails; a SHOULD that does not hold is skipped, with what came; a MAY passes."""
    root = ET.Element("testsuites", _attributes(f"ric0-trio conform {url}", verdicts, seconds))
    del root.attrib["skipped"]  # which the schema has for suites alone
    for title, some in sections(verdicts):
        took = sum(result.seconds for verdict in some for result in verdict.results)
        suite = ET.SubElement(root, "testsuite", _attributes(title, some, took))
        for verdict in some:
            _add_case(suite, verdict)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _add_case(suite: ET.Element, verdict: Verdict) -> None:
    rule = verdict.rule
    took = sum(result.seconds for result in verdict.results)
    name = f"{rule.id} {rule.level}: {rule.text}"
    case = ET.SubElement(suite, "testcase", classname=rule.section, name=name, time=f"{took:.3f}")
    tag = _tag(verdict)
    if tag is not None:
        message = f"{verdict.word}: {verdict.told[0].reason}"
        ET.SubElement(case, tag, message=message).text = "\n\n".join(
            "\n".join([f"{result.variant}: {result.reason}" if result.variant else result.reason, *result.evidence])
            for result in verdict.told
        )
    elif rule.level is Level.MAY:
        ET.SubElement(case, "system-out").text = verdict.word


def _tag(verdict: Verdict) -> str | None:
    if verdict.rule.level is Level.MUST or verdict.status is Status.SKIPPED:
        return _TAGS.get(verdict.status)
    return "skipped" if verdict.status is Status.NOT_RUN or verdict.word == "warning" else None


def _attributes(name: str, verdicts: Sequence[Verdict], seconds: float) -> dict[str, str]:
    tags = [_tag(verdict) for verdict in verdicts]
    counts = {"failures": tags.count("failure"), "errors": tags.count("error"), "skipped": tags.count("skipped")}
    numbers = {key: str(number) for key, number in counts.items()}
    return {"name": name, "tests": str(len(verdicts)), **numbers, "time": f"{seconds:.3f}"}
