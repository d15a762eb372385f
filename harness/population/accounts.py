"""Account numbers by country: what follows the check digits of an IBAN.

``#`` is a digit, ``?`` a capital letter. The table fills in where Faker has no bank of the locale's own
country; a user from a country without IBANs (the United States, Japan) holds an account where Faker puts
it, in Great Britain.
"""

from __future__ import annotations

from functools import lru_cache
from string import ascii_uppercase
from types import MappingProxyType
from typing import Any

from faker.providers.bank import Provider as PlainBank

from harness.population import source
from harness.population.grammar import Format, Grammar, pattern

ACCOUNTS = MappingProxyType(
    {
        "AL": "#" * 24, "AT": "#" * 16, "BE": "#" * 12, "BG": "????" + "#" * 14, "CH": "#" * 17,
        "CY": "#" * 24, "CZ": "#" * 20, "DE": "#" * 18, "DK": "#" * 14, "EE": "#" * 16, "ES": "#" * 20,
        "FI": "#" * 14, "FR": "#" * 23, "GB": "????" + "#" * 14, "GE": "??" + "#" * 16, "GR": "#" * 23,
        "HR": "#" * 17, "HU": "#" * 24, "IE": "????" + "#" * 14, "IL": "#" * 19, "IS": "#" * 22,
        "IT": "?" + "#" * 22, "LI": "#" * 17, "LT": "#" * 16, "LU": "#" * 16, "LV": "????" + "#" * 13,
        "MT": "????" + "#" * 23, "NL": "????" + "#" * 10, "NO": "#" * 11, "PL": "#" * 24, "PT": "#" * 21,
        "RO": "????" + "#" * 16, "SA": "#" * 20, "SE": "#" * 20, "SI": "#" * 15, "SK": "#" * 20,
        "TR": "#" * 22,
    }
)  # fmt: skip


def country_of(locale: str) -> str:
    """The country in a locale's name: GB in en_GB; the first of ar_AA-like ones stays as it is."""
    return locale.partition("_")[2].upper()[:2] or locale.upper()[:2]


@lru_cache(maxsize=256)
def account(locale: str, providers: source.Providers = ()) -> tuple[str, Grammar]:
    """The country of the locale's accounts, and what they look like."""
    country = country_of(locale)
    bank = source.generator(locale, providers).get_formatter("iban").__self__
    if bank.country_code != country and country in ACCOUNTS:
        return country, _patterned(ACCOUNTS[country])
    if _is_plain(bank):
        return bank.country_code, _patterned(bank.bban_format)
    ibans = source.sample(locale, "iban", providers)
    return ibans[0][:2], source.pooled([iban[4:] for iban in ibans])


def _is_plain(bank: Any) -> bool:
    return type(bank).bban is PlainBank.bban and type(bank).iban is PlainBank.iban


def _patterned(text: str) -> Grammar:
    return (Format(pattern(text, letters=ascii_uppercase), 1.0),)
