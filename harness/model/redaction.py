"""Text from outside without its secrets: by value, by the name in front of them, and by their look in a URL.

`clean` is for what a system under test said or was sent, before it is written down. What the house itself writes
(titles, advice) is only searched for known values (`SECRETS.mask`): its words may well be "the session key: ...".

    password=hunter2            password=***
    "access_token": "eyJ..."    "access_token": "***"
    Cookie: sid=8f3; lang=en    Cookie: sid=***; lang=***
    postgres://app:pw@db/x      postgres://app:***@db/x
    /hook?sig=pN4xZ...          /hook?sig=***
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from math import log2
from typing import Any

from harness.model.secret_values import MASK, SECRETS, SHORTEST

__all__ = ["MASK", "SECRETS", "SECRET_NAME", "SHORTEST", "clean", "clean_bytes", "clean_column", "clean_tree"]

_BEGINS = r"(?:(?<![a-z])|(?<=\\n)|(?<=\\r)|(?<=\\t))"
"""Where a word begins; within JSON a line break is a backslash and an n."""
_NAME = (
    r"(?:token|secret|passw(?:or)?d|passwd|passphrase|credential|cookie|session"
    rf"|{_BEGINS}pwd(?![a-z])"
    rf"|(?:(?<=api)|(?<=access)|(?<=private)|(?<=signing)|(?<=encryption)|(?<=shared)|{_BEGINS})keys?(?![a-z])"
    rf"|(?:{_BEGINS}|(?<=\bo))auth(?![a-z])|authori[sz]ation|authentication)"
)
SECRET_NAME = re.compile(_NAME, re.I)
_STEM = re.compile(r"token|secret|passw|passph|credential|cookie|session|pwd|key|auth")
"""What every secret name has in it, in small letters: quick to look for, and mostly not there."""
_MAY = re.compile(r"[:=@<,]")
_AT_ONCE = 20_000
"""What is longer is cleaned line by line, so that most lines of a log cost one look."""
_NO_SECRET = (
    r"(?!(?:missing|invalid|expired|required|incorrect|not|is|was|has|no|the|an?)(?![\w-]))"
    r"(?!\\*[\"']?(?:null|none|true|false|nil|undefined|\d{1,3}|\*\*\*)(?![\w-]))"
)
_QUOTED = (
    r"\"(?:[^\"\\\r\n]|\\.){1,4096}|'(?:[^'\\\r\n]|\\.){1,4096}|(?:\\+[\"'])(?:(?!\\+[\"'])[^\r\n]){1,4096}"
)
_BARE = r"(?:(?:Bearer|Basic|Digest|Token)\s+)?[^\s\"'&,;<>(){}\[\]\\]{1,4096}"
_ASSIGNED = re.compile(
    rf"({_NAME}[\w.%\[\]-]{{0,40}}\\*[\"']?\s{{0,3}}(?:=>|[:=])\s{{0,3}}){_NO_SECRET}({_QUOTED}|{_BARE})",
    re.I,
)
_PAIR = re.compile(
    rf"([\[(]\s?(\\*[\"'])[\w.-]{{0,40}}{_NAME}[\w.-]{{0,40}}\2\s?,\s?\2)((?:(?!\2)[^\r\n]){{1,4096}})(?=\2\s?[\])])",
    re.I,
)
_HEADER = re.compile(
    rf"{_BEGINS}((?:proxy-)?authorization|(?:set-)?cookie)2?(\s{{0,3}}:\s{{0,3}})([^\r\n\"'\\]{{1,8192}})",
    re.I,
)
_INPUT = re.compile(
    rf"(name\s?=\s?\\*[\"'][\w.-]{{0,40}}{_NAME}[\w.-]{{0,40}}\\*[\"'][^<>]{{0,200}}?value\s?=\s?\\*[\"'])"
    r"([^\"'\\<>]{1,4096})",
    re.I,
)
_ELEMENT = re.compile(rf"(<[\w:.-]{{0,40}}{_NAME}[\w:.-]{{0,40}}>)([^<>]{{1,4096}})(?=</)", re.I)
_LOGIN = re.compile(r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>]{0,200}:)([^\s/@\"'<>]{1,1000})(?=@)", re.I)
_QUERY = re.compile(r"([?&]([\w.\[\]-]{1,64})=)([\w+/=.~%-]{20,4096})")
_PATH = re.compile(r"(?<=[\w.~-]/)([\w-]{24,4096})(?=[/?#\s\"'<>]|$)")
_URL = re.compile(r"\bhttps?://[^\s\"'<>]+", re.I)
_DIGEST = re.compile(r"sha|md5|digest|hash|etag|checksum|crc|(?<![a-z])id|uuid", re.I)
_KNOWN = re.compile(
    r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    re.S,
)
_INVENTED = frozenset({"example", "passing", "smallest", "diff"})
"""Fields of the record that hold invented users: nothing in them is secret, and `replay` needs them as they are."""
_ENTROPY = 3.5


def _is_secret(name: str) -> bool:
    """Whether a header, field or variable of that name holds a secret."""
    return bool(SECRET_NAME.search(name)) and name.lower() not in ("www-authenticate", "proxy-authenticate")


def clean(text: str) -> str:
    """The text without its secrets. Cleaning it again changes nothing."""
    text = SECRETS.mask(text)
    if "eyJ" in text or "AKIA" in text or "gh" in text or "-----BEGIN" in text:
        text = _KNOWN.sub(MASK, text)
    if len(text) <= _AT_ONCE:
        return _clean(text)
    return "\n".join(_clean(line) for line in text.split("\n"))


def _clean(text: str) -> str:
    if _STEM.search(text.lower()):
        text = _HEADER.sub(lambda match: match[1] + match[2] + _header(match[1], match[3]), text)
        text = _without_assigned(text)
        text = _PAIR.sub(rf"\1{MASK}", text)
        if "<" in text:
            text = _ELEMENT.sub(rf"\1{MASK}", _INPUT.sub(rf"\1{MASK}", text))
    if "://" in text:
        text = _URL.sub(lambda match: _PATH.sub(_if_opaque, match[0]), _LOGIN.sub(rf"\1{MASK}", text))
    return _QUERY.sub(_if_opaque_field, text) if "=" in text else text


def _without_assigned(text: str) -> str:
    """Masks what is assigned to a secret name. Tried only where such a name's stem is: that is ten times quicker."""
    small, parts, end = text.lower(), [], 0
    if len(small) != len(text):  # a letter that is two in small: places do not agree
        return _ASSIGNED.sub(_assigned, text)
    for stem in _STEM.finditer(small):
        match = _ASSIGNED.match(text, stem.start()) if stem.start() >= end else None
        if match:
            parts += [text[end : stem.start()], _assigned(match)]
            end = match.end()
    return "".join([*parts, text[end:]]) if parts else text


def clean_bytes(data: bytes) -> bytes:
    """The same of what a service wrote, in whatever encoding."""
    masked = SECRETS.mask_bytes(data)
    return clean(masked.decode("latin-1")).encode("latin-1")


def clean_column(values: Iterable[Any]) -> list[Any]:
    """A column of a table: what is text in it, cleaned."""
    cells = list(values)
    if all(not isinstance(cell, str) for cell in cells):
        return cells
    whole = "\n".join(cell for cell in cells if isinstance(cell, str))
    if not _MAY.search(whole) and SECRETS.mask(whole) == whole:
        return cells
    return [clean(cell) if isinstance(cell, str) else cell for cell in cells]


def clean_tree(value: Any, key: str = "") -> Any:
    """Plain data (dicts, lists, text) with all its text cleaned. Keys are ours and stay, and so do invented users,
    in whom only known values are masked."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bytes):
        return clean_bytes(value)
    if isinstance(value, dict):
        return {
            name: _masked(below) if name in _INVENTED else clean_tree(below, str(name))
            for name, below in value.items()
        }
    if isinstance(value, list | tuple):
        if key == "headers":
            return [_cleaned_header(*pair) if _is_pair(pair) else clean_tree(pair) for pair in value]
        return [clean_tree(below, key) for below in value]
    return value


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return SECRETS.mask(value)
    if isinstance(value, dict):
        return {name: _masked(below) for name, below in value.items()}
    return [_masked(below) for below in value] if isinstance(value, list | tuple) else value


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(part, str) for part in value)
    )


def _cleaned_header(name: str, value: str) -> list[str]:
    return [name, _header(name, value) if _is_secret(name) else clean(value)]


def _header(name: str, value: str) -> str:
    """A secret header's value: of cookies the names and attributes stay, of an Authorization its scheme."""
    lower = name.lower()
    if lower == "set-cookie":
        first, separator, attributes = value.partition(";")
        return (f"{first.partition('=')[0]}={MASK}" if "=" in first else MASK) + separator + attributes
    if lower == "cookie":
        return re.sub(r"=[^;]*", f"={MASK}", value)
    scheme, space, _ = value.strip().partition(" ")
    return f"{scheme} {MASK}" if space and scheme.isalpha() else MASK


def _assigned(match: re.Match[str]) -> str:
    before, value = match.groups()
    if _HEADER.fullmatch(f"{before}x"):
        return match[0]  # a header: that has been done
    opening = re.match(r"\\*[\"']", value)
    quote = opening[0] if opening else ""
    return before + quote + MASK + (quote if quote and value.endswith(quote) and "\\" not in quote else "")


def _if_opaque(match: re.Match[str]) -> str:
    return MASK if _opaque(match[1]) else match[0]


def _if_opaque_field(match: re.Match[str]) -> str:
    hexadecimal = re.fullmatch(r"[0-9a-fA-F]{32,}", match[3]) and not _DIGEST.search(match[2])
    return match[1] + (MASK if hexadecimal or _opaque(match[3]) else match[3])


def _opaque(word: str) -> bool:
    """Whether it looks drawn at random: small and capital letters and digits mixed, with much entropy."""
    if not (re.search(r"[a-z]", word) and re.search(r"[A-Z]", word) and re.search(r"\d", word)):
        return False
    counts = Counter(word)
    entropy = -sum(count / len(word) * log2(count / len(word)) for count in counts.values())
    return entropy >= _ENTROPY
