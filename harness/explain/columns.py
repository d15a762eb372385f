"""Measures one field of many users at once: all texts of a column are one array of code points."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.explain.conditions import Mask, Numbers

MOST_VALUES, REPEATED = 60, 4
"""A column of at most so many different values, each there so often on average, is one of kinds: each value is a
measure of its own."""
PLAIN_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")
_UNRESERVED = np.zeros(128, dtype=np.bool_)
_UNRESERVED[[ord(c) for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~ "]] = True
_ALNUM = np.array([chr(code).isalnum() for code in range(128)])


def as_text(value: Any) -> str:
    """A value as it goes out in a query; None is nothing."""
    return "" if value is None else value if isinstance(value, str) else str(value)


class Column:
    """One field of all users. `measures` holds what is always measured; `measure` computes others when asked."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values
        self.texts = [as_text(value) for value in values]
        self.lengths = np.fromiter(map(len, self.texts), np.int64, len(self.texts))
        joined = "".join(self.texts).encode("utf-32-le", "surrogatepass")
        self.codes = np.frombuffer(joined, dtype="<u4")
        self.owners = np.repeat(np.arange(len(self.texts)), self.lengths)
        self.widths = (
            1 + (self.codes >= 0x80) + (self.codes >= 0x800).astype(np.int64) + (self.codes >= 0x10000)
        )

    @cached_property
    def measures(self) -> dict[str, Numbers]:
        """By name: flags as 0 and 1, sizes as they are, NaN where there is nothing to measure."""
        null = np.fromiter((value is None for value in self.values), np.bool_, len(self.values))
        found = {
            "null": null.astype(np.float64),
            "length": np.where(null, np.nan, self.lengths),
            "bytes": np.where(null, np.nan, self.sizes),
            "widest": self._widest(),
            "digits": self._any((self.codes >= 48) & (self.codes <= 57)),
            "lower": self._any((self.codes >= 97) & (self.codes <= 122)),
            "upper": self._any((self.codes >= 65) & (self.codes <= 90)),
            "outer": self._flag(text != text.strip() for text in self.texts),
            "blank": self._flag(bool(text) and text.isspace() for text in self.texts),
            "combining": self._combining(),
        }
        found |= self._characters() | self._figures() | self._kinds()
        return found

    def measure(self, name: str) -> Numbers:
        """One measure by name, also those that are not always taken (a certain character, a certain value)."""
        if name in self.measures:
            return self.measures[name]
        kind, _, what = name.partition(":")
        if kind == "has":
            return self._any(self.codes == ord(what))
        if kind == "is":
            return self._flag(
                value is not None and text == what
                for value, text in zip(self.values, self.texts, strict=True)
            )
        return np.full(len(self.values), np.nan)

    @cached_property
    def sizes(self) -> Numbers:
        """Bytes in UTF-8."""
        return self._sum(self.widths)

    @cached_property
    def encoded(self) -> Numbers:
        """Bytes in a URL's query."""
        plain = np.zeros(len(self.codes), dtype=np.bool_)
        ascii_ = self.codes < 128
        plain[ascii_] = _UNRESERVED[self.codes[ascii_]]
        return self._sum(np.where(plain, 1, 3 * self.widths))

    def _sum(self, weights: NDArray[Any]) -> Numbers:
        return np.bincount(self.owners, weights, minlength=len(self.values)).astype(np.float64)

    def _any(self, mask: Mask) -> Numbers:
        found = np.zeros(len(self.values))
        found[self.owners[mask]] = 1
        return found

    def _flag(self, values: Any) -> Numbers:
        return np.fromiter(values, np.float64, len(self.values))

    def _widest(self) -> Numbers:
        found = np.full(len(self.values), np.nan)
        for width in (1, 2, 3, 4):
            found[self.owners[self.widths == width]] = width
        return found

    def _combining(self) -> Numbers:
        beyond = self.codes >= 0x300
        marks = [code for code in np.unique(self.codes[beyond]).tolist() if unicodedata.combining(chr(code))]
        return self._any(np.isin(self.codes, marks) if marks else np.zeros(len(self.codes), dtype=np.bool_))

    def _characters(self) -> dict[str, Numbers]:
        """Each ASCII character that is neither letter nor digit."""
        ascii_ = np.flatnonzero(self.codes < 128)
        special = ascii_[~_ALNUM[self.codes[ascii_]]]
        codes, owners = self.codes[special], self.owners[special]
        found = {}
        for code in np.unique(codes).tolist():
            found[f"has:{chr(code)}"] = flags = np.zeros(len(self.values))
            flags[owners[codes == code]] = 1
        return found

    def _figures(self) -> dict[str, Numbers]:
        """Value, sign and decimals, where the column is one of numbers."""
        filled = [text for text in self.texts[:400] if text]
        if sum(PLAIN_NUMBER.fullmatch(text) is not None for text in filled) * 2 <= len(filled):
            return {}
        plain = [PLAIN_NUMBER.fullmatch(text) is not None for text in self.texts]
        value = [float(text) if number else np.nan for text, number in zip(self.texts, plain, strict=True)]
        decimals = [
            len(text.partition(".")[2]) if number else np.nan
            for text, number in zip(self.texts, plain, strict=True)
        ]
        return {
            "number": np.array(plain, dtype=np.float64),
            "value": np.array(value),
            "negative": self._flag(number < 0 for number in value),
            "decimals": np.array(decimals),
        }

    def _kinds(self) -> dict[str, Numbers]:
        counts = Counter(self.texts)
        if len(counts) > min(MOST_VALUES, len(self.texts) // REPEATED):
            return {}
        values = np.array(self.texts, dtype=object)
        return {f"is:{text}": (values == text).astype(np.float64) for text in counts if text}
