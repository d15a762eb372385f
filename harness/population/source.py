"""Where the words come from: Faker by locale, each method read, or sampled where it cannot be read."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from zlib import crc32

from faker import Faker
from faker.config import AVAILABLE_LOCALES

from harness.errors import UsageError
from harness.population.grammar import Format, Grammar, NotReadable, Pool
from harness.population.reading import read

SAMPLES = 4_096
"""How many calls stand for a method that cannot be read: its rarest values are missing."""

Providers = tuple[Any, ...]


@lru_cache(maxsize=256)
def generator(locale: str, providers: Providers = ()) -> Any:
    """Faker's generator for one locale, with the author's own providers."""
    if locale not in AVAILABLE_LOCALES:
        near = difflib.get_close_matches(locale, AVAILABLE_LOCALES, n=3, cutoff=0.5)
        raise UsageError(
            f"unknown locale {locale!r}",
            expected=f"one of Faker's {len(AVAILABLE_LOCALES)} locales",
            fix=f"did you mean {', '.join(near)}?" if near else "write it like en_GB or de_DE",
        )
    fake = Faker(locale)
    for provider in providers:
        fake.add_provider(provider)
    return fake._factories[0]


def has_method(locale: str, method: str, providers: Providers = ()) -> bool:
    """Whether Faker knows the method in this locale."""
    return not method.startswith("_") and callable(getattr(generator(locale, providers), method, None))


def one_line(text: str) -> str:
    """Faker's two-line streets on one line."""
    return ", ".join(text.split("\n")) if "\n" in text else text


@lru_cache(maxsize=1_024)
def texts(locale: str, method: str, providers: Providers = ()) -> Grammar:
    """What a method says in a locale, as text on one line."""
    try:
        found = read(generator(locale, providers), method)
    except NotReadable:
        found = pooled(sample(locale, method, providers), method)
    return tuple(Format(tuple(map(_flat, item.pools)), item.weight) for item in found)


@lru_cache(maxsize=65_536)
def _flat(pool: Pool) -> Pool:
    if any(_filling(text) for text in pool.values):
        raise UsageError(
            f"a value of {pool.tag or 'a Faker method'} holds a NUL or a unit separator",
            expected="text, or these characters in a field that is a function",
        )
    if any("\n" in text for text in pool.values):
        return Pool(tuple(map(one_line, pool.values)), pool.weights, pool.tag)
    return pool


def _filling(text: str) -> bool:
    """Whether a text has one of the two characters that the columns keep for themselves."""
    return "\0" in text or "\x1f" in text


def pooled(values: list[Any], tag: str = "") -> Grammar:
    """Sampled values as one weighted pool."""
    counted = Counter(map(str, values))
    return (Format((Pool(tuple(counted), tuple(map(float, counted.values())), tag),), 1.0),)


def sample(locale: str, method: str, providers: Providers = ()) -> list[Any]:
    """What a method returns when it is called again and again; always the same list."""
    return sampled(generator(locale, providers), method, f"{locale}/{method}")


def sampled(source: Any, method: str, name: str) -> list[Any]:
    """Values of one method of one generator."""
    call: Callable[[], Any] = getattr(source, method)
    source.seed_instance(crc32(name.encode()))
    values = [call() for _ in range(SAMPLES)]
    source.seed_instance(crc32(name.encode()))
    if [call() for _ in range(20)] != values[:20]:
        raise UsageError(
            f"{method} ({name}) returns other values each time, with the same seed",
            expected="a method that draws from the generator it is given",
            cause="it uses the random module, the clock or uuid4 directly",
            fix="draw with self.random_element(...) or self.generator.random in the provider",
        )
    return values


def native(value: Any) -> Any:
    """A value as JSON has it: dates as ISO text, Decimal and anything else as str."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): native(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [native(item) for item in value]
    return str(value)


def fragment(value: Any) -> str:
    """A value as JSON text, compact, with its letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=native)


def encoded(value: Any) -> bytes:
    """A value as JSON in UTF-8; half a surrogate pair, which UTF-8 has not, stays an escape."""
    return fragment(value).encode("utf-8", "backslashreplace")


@lru_cache(maxsize=256)
def values(locale: str, method: str, providers: Providers = ()) -> Grammar | None:
    """A method's values as JSON fragments, where it returns something else than text; else None."""
    try:
        read(generator(locale, providers), method)
    except NotReadable:
        found = [native(value) for value in sample(locale, method, providers)]
        if not all(isinstance(value, str) for value in found):
            return pooled([fragment(value) for value in found])
    return None
