"""Secrets by their value: every value that is known to be secret, in each form in which it may turn up.

A value is looked for as it is, as JSON, URL, HTML and shell write it, in hex, and in base64 at any of the three
places at which it may begin within a longer text.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import threading
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4
"""A secret has at least so many characters."""
ANYWHERE = 8
"""From this length on a value is masked wherever it stands; a shorter one only as a word of its own."""
_PLAIN_WORDS = re.compile(r"[a-z_.-]*|/.*|\d{1,9}")
"""Values that say nothing: a variable called SESSION may hold the desktop's name, or a path."""


class Secrets:
    """The values that nothing of this process may show. Safe to use from several threads."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._text: re.Pattern[str] | None = None
        self._data: re.Pattern[bytes] | None = None
        self._lock = threading.Lock()

    def add(self, value: str) -> None:
        """From now on this value is masked. Raises ValueError where it is too short for that."""
        if len(value) < SHORTEST:
            raise ValueError(f"a secret of {len(value)} characters cannot be masked")
        with self._lock:
            if value in self._values:
                return
            self._values.add(value)
            forms = {form for each in self._values for form in forms_of(each)}
            free = _one_of(form for form in forms if len(form) >= ANYWHERE)
            words = _one_of(form for form in forms if len(form) < ANYWHERE)
            parts = ([free] if free else []) + ([rf"(?<![\w-])(?:{words})(?![\w-])"] if words else [])
            self._text = re.compile("|".join(parts))
            self._data = re.compile("|".join(parts).encode("utf-8", "surrogatepass"))

    def add_named(self, environment: Mapping[str, object], secret: re.Pattern[str]) -> None:
        """Adds the values of an environment whose names say that they are secret."""
        for name, value in environment.items():
            if not isinstance(value, str) or len(value) < ANYWHERE or not secret.search(name):
                continue
            if not _PLAIN_WORDS.fullmatch(value):
                self.add(value)

    def mask(self, text: str) -> str:
        """The text with every known value masked."""
        return text if self._text is None else self._text.sub(MASK, text)

    def mask_bytes(self, data: bytes) -> bytes:
        """The same of bytes."""
        return data if self._data is None else self._data.sub(MASK.encode(), data)


def forms_of(value: str) -> set[str]:
    """What a value may look like once something has encoded it."""
    raw = value.encode("utf-8", "surrogatepass")
    escaped = json.dumps(value)[1:-1]
    forms = {value, escaped, json.dumps(value, ensure_ascii=False)[1:-1], json.dumps(escaped)[1:-1]}
    forms |= {
        escaped.replace("/", "\\/"),
        repr(value)[1:-1],
        html.escape(value),
        shlex.quote(value).strip("'"),
    }
    for encoded in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        forms |= {encoded, re.sub(r"%..", lambda match: match[0].lower(), encoded)}
    forms |= {raw.hex(), raw.hex().upper(), *_base64(raw)}
    return {form for form in forms if len(form) >= SHORTEST}


def _base64(raw: bytes) -> Iterator[str]:
    """What base64 of any text around `raw` must contain: the characters that depend on nothing but `raw`."""
    for before in range(3):
        coded = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        whole = (before + len(raw)) % 3 == 0
        core = coded[(0, 2, 3)[before] : len(coded) if whole else -1]
        yield from (core, core.translate(str.maketrans("+/", "-_")))


def _one_of(words: Iterable[str]) -> str:
    """A pattern for the longest of these words: a tree by first letters, so that many words cost little more
    than one."""
    tree: dict[str, dict] = {}  # type: ignore[type-arg]  # a tree of itself
    for word in words:
        node = tree
        for letter in word:
            node = node.setdefault(letter, {})
        node[""] = {}
    return _branches(tree) if tree else ""


def _branches(node: dict[str, dict]) -> str:  # type: ignore[type-arg]
    run = ""
    while len(node) == 1 and "" not in node:
        letter, node = next(iter(node.items()))
        run += re.escape(letter)
    ends = "" in node
    rest = [re.escape(letter) + _branches(below) for letter, below in sorted(node.items()) if letter]
    if not rest:
        return run
    return f"{run}(?:{'|'.join(rest)}){'?' if ends else ''}"


SECRETS = Secrets()
"""The secrets of this process. Whatever writes an artefact or to the terminal masks them."""
