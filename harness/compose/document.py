"""Safe YAML: plain tables, lists, text, true/false and nothing; lines for error texts; every size capped.

Numbers stay text, and only `true` and `false` are truth values, as in YAML 1.2: `22:22` is no number, `no` is a word.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import yaml

from harness.errors import UsageError

MOST_BYTES = 2**20
MOST_DEPTH = 32
MOST_NODES = 50_000
MOST_VALUES = 100_000
TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
NOTHING = {"", "~", "null", "Null", "NULL"}
KNOWN_TAGS = {
    f"tag:yaml.org,2002:{kind}"
    for kind in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value")
}
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Table(dict[str, Any]):
    """A mapping that knows the line of each of its keys."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}


def read_text(path: Path) -> str:
    """The text of a file of the project. Raises UsageError for what is no small text file."""
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(path.stat().st_mode):
                raise OSError("it is no plain file")
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise OSError(f"it is larger than {MOST_BYTES} bytes")
        return data.decode()
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) and problem.strerror else problem
        raise UsageError(
            f"{path} cannot be read: {why}", expected="a text file of at most 1 MiB", fix="mend the path"
        ) from problem


def read_document(path: Path) -> Table:
    """The table that a YAML file holds. Raises UsageError."""
    text = read_text(path)
    try:
        _measure(path, text)
        node = yaml.compose(text, Loader=LOADER)
        builder = _Builder(path)
        builder.weigh(node)
        found = builder.build(node)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        at = f":{mark.line + 1}" if mark else ""
        why = getattr(problem, "problem", None) or str(problem).splitlines()[0]
        raise UsageError(f"{path}{at}: {why}", expected="YAML", fix="mend that line") from problem
    if not isinstance(found, Table):
        raise UsageError(f"{path} holds no table", expected="`services:` and what is below it")
    return found


def _measure(path: Path, text: str) -> None:
    """Before anything is built that recursion or memory could break on."""
    depth = 0
    for nodes, event in enumerate(yaml.parse(text, Loader=LOADER)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MOST_DEPTH or nodes > MOST_NODES:
            raise UsageError(
                f"{path}:{_line(event)}: more than {MOST_DEPTH} levels or {MOST_NODES} parts",
                expected="a compose file as people write them",
                fix="this looks like a file made to break its readers: look where it comes from",
            )


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


class _Builder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._weights: dict[int, int] = {}

    def wrong(self, node: Any, what: str) -> UsageError:
        return UsageError(f"{self.path}:{node.start_mark.line + 1}: {what}", fix="mend that line")

    def weigh(self, node: Any) -> int:
        """How many values there are once every alias is written out."""
        if node is None:
            return 0
        known = self._weights.get(id(node))
        if known == 0:
            raise self.wrong(node, "an alias that holds itself")
        if known is None:
            self._weights[id(node)] = 0
            children = [] if isinstance(node, yaml.ScalarNode) else node.value
            parts = [part for child in children for part in (child if isinstance(child, tuple) else (child,))]
            known = 1 + sum(map(self.weigh, parts))
            self._weights[id(node)] = known
        if known > MOST_VALUES:
            raise self.wrong(node, f"aliases that write out to more than {MOST_VALUES} values")
        return known

    def build(self, node: Any) -> Any:
        if node is None:
            return None
        if node.tag not in KNOWN_TAGS:
            raise self.wrong(node, f"the tag {node.tag!r} is not understood")
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child) for child in node.value]
        if isinstance(node, yaml.MappingNode):
            return self._table(node)
        if node.style:  # quoted, or a block
            return node.value
        return None if node.value in NOTHING else TRUTH.get(node.value, node.value)

    def _table(self, node: Any) -> Table:
        found, inherited = Table(), Table()
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                self._merge(inherited, value)
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise self.wrong(key, "a key that is no word")
            if key.value in found:
                raise self.wrong(key, f"{key.value!r} is there twice")
            found[key.value] = self.build(value)
            found.lines[key.value] = key.start_mark.line + 1
        for name in inherited:
            if name not in found:
                found[name], found.lines[name] = inherited[name], inherited.lines[name]
        return found

    def _merge(self, into: Table, value: Any) -> None:
        for node in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if not isinstance(node, yaml.MappingNode):
                raise self.wrong(node, "`<<` of what is no table")
            table = self._table(node)
            for name in table:
                if name not in into:
                    into[name], into.lines[name] = table[name], table.lines[name]
