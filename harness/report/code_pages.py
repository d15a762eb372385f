"""A page of documentation for each code, from the same texts as `rehearse explain`."""

from __future__ import annotations

from harness.model.codes import Explanation, explanations

FAMILIES = {
    "URL": "the URL",
    "HDR": "request headers",
    "BODY": "request bodies",
    "FORM": "form fields and uploads",
    "SEC": "guards that turn a request away",
    "ITEM": "what became of each user",
    "DUP": "things done twice",
    "LOST": "things lost in silence",
    "STOP": "what stops the batch",
    "MEM": "memory",
    "TIME": "time and deadlines",
    "ERR": "words that help nobody",
    "LOG": "logs",
    "LOAD": "many at once",
    "DOWN": "a downstream in trouble",
}
INDEX = "README.md"
NOTE = "<!-- Written by `rehearse explain --pages docs/codes` from harness/model/data/codes.toml: change that. -->\n"


def code_pages() -> dict[str, str]:
    """The text of each page by the name of its file, and of the index."""
    known = list(explanations().values())
    return {f"{each.code}.md": _page(each) for each in known} | {INDEX: _index(known)}


def _page(known: Explanation) -> str:
    parts = [
        f"# {known.code}: {known.title}\n",
        _text(known.text),
        f"## Likely cause\n\n{_text(known.cause)}",
        f"## What to do\n\n{_text(known.remedy)}",
        f"`rehearse explain {known.code}` says the same on the terminal. [All codes](README.md)\n",
    ]
    return NOTE + "\n" + "\n".join(parts)


def _index(known: list[Explanation]) -> str:
    lines = [NOTE, "# Codes of findings\n"]
    for family in dict.fromkeys(each.code.partition("-")[0] for each in known):
        lines += [
            f"## {family}-{': ' + FAMILIES[family] if family in FAMILIES else ''}\n",
            "| code | what it says |",
            "|---|---|",
        ]
        lines += [
            f"| [{each.code}]({each.code}.md) | {_cell(each.title)} |"
            for each in known
            if each.code.startswith(f"{family}-")
        ]
        lines.append("")
    return "\n".join(lines)


def _text(text: str) -> str:
    return text.strip().replace("<", "&lt;") + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
