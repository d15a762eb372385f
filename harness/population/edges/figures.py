"""Awkward dates, amounts, account numbers and references."""

from __future__ import annotations

from harness.population.edges.label import fixed, labels

MALTA = "MALT" + "0110" * 5
MAURITIUS = "BOMM0101101030300" + "20000"


def _with_check(country: str, account: str) -> str:
    """The IBAN of an account."""
    number = int("".join(str(int(letter, 36)) for letter in f"{account}{country}00"))
    return f"{country}{98 - number % 97:02d}{account}"


def _wrong_check(iban: str) -> str:
    return f"{iban[:2]}{(int(iban[2:4]) + 1) % 100:02d}{iban[4:]}"


DATES = labels(
    "birth_date",
    ("leap_day", "valid", fixed("2000-02-29", "1996-02-29"),
     "No birthday in three years of four, and 2000 is a leap year after all."),
    ("before_1970", "valid", fixed("1969-12-31", "1969-12-30"),
     "A negative time stamp; -1 where it is taken for an error."),
    ("before_1901", "valid", fixed("1901-12-13", "1901-12-12"),
     "The day on which 32-bit seconds begin."),
    ("excel_day_one", "valid", fixed("1900-01-01", "1900-01-02"),
     "Day 1 of spreadsheets, and what many systems write for unknown."),
    ("no_midnight", "valid", fixed("1985-11-02", "1986-10-25"),
     "A day that began at one o'clock in São Paulo: midnight cannot be converted."),
    ("minor", "valid", fixed("2015-06-30", "2015-07-01"),
     "Children have accounts; rules for adults do not fit."),
    ("missing", "invalid", None, "No date, and no age."),
    ("future", "invalid", "2099-01-01", "A two-digit year was read as this century."),
    ("impossible", "invalid", "1999-02-30",
     "The 30th of February parses in some languages, as the 2nd of March."),
    ("day_unknown", "invalid", "1980-00-00", "Zero for unknown, as in many registers."),
    ("day_first", "invalid", "31/12/1980", "The European order; 01/02 is silently another day."),
    ("serial", "invalid", "29221", "The date as a spreadsheet keeps it."),
)  # fmt: skip

AMOUNTS = labels(
    "amount",
    ("zero", "valid", fixed("0.00", "0"),
     "Nothing to pay: is a payment of nothing sent, and does 0 count as missing?"),
    ("one_cent", "valid", fixed("0.01", "0.02"),
     "The smallest amount; shares and fees of it round to nothing."),
    ("binary_trap", "valid", fixed("1.15", "4.35"),
     "1.15 is a little less as a float, and 114 cents when it is cut."),
    ("over_float32", "valid", fixed("167772.17", "167772.19"), "Cents that a 32-bit float cannot hold."),
    ("over_int32", "valid", "21474836.48", "One cent more than a 32-bit integer holds."),
    ("over_float64", "valid", "90071992547409.93",
     "Cents beyond 2**53: a float, and JSON in JavaScript, lose one."),
    ("negative", "invalid", lambda amount: f"-{amount}", "A payment the other way round."),
    ("negative_zero", "invalid", "-0.00", "Zero with a sign: equal to 0, written otherwise."),
    ("three_decimals", "invalid", lambda amount: f"{amount}5",
     "Half a cent, rounded differently on each side."),
    ("comma", "invalid", lambda amount: amount.replace(".", ","), "The decimal comma of most of Europe."),
    ("thousands", "invalid", "1,234.56", "A separator of thousands: read as 1."),
    ("exponent", "invalid", "1E+3", "A number to every parser, an amount to nobody."),
    ("not_a_number", "invalid", "NaN", "NaN passes every comparison by failing it, and spoils every sum."),
    ("currency", "invalid", lambda amount: f"€ {amount}", "The sign of the currency was pasted along."),
    ("missing", "invalid", None, "No amount: does the user get nothing, or the batch a stop?"),
)  # fmt: skip

ACCOUNTS = labels(
    "iban",
    ("spaces", "valid", lambda iban: " ".join(iban[at : at + 4] for at in range(0, len(iban), 4)),
     "In fours with spaces, as it stands on paper; it does not fit in 34 characters then."),
    ("lower_case", "valid", str.lower, "The same account; checked digit by digit it fails."),
    ("shortest", "valid", fixed(_with_check("NO", "86011117947"), _with_check("NO", "86011117948")),
     "15 characters, in Norway."),
    ("longest", "valid", fixed(_with_check("MT", f"{MALTA}123"), _with_check("MT", f"{MALTA}124")),
     "31 characters, in Malta; columns of 22 and 27 cut it."),
    ("letters", "valid", fixed(_with_check("MU", f"{MAURITIUS}0MUR"), _with_check("MU", f"{MAURITIUS}1MUR")),
     "Letters at the end, in Mauritius."),
    ("wrong_check", "invalid", _wrong_check, "One digit is wrong; whoever checks sees it."),
    ("cut", "invalid", lambda iban: iban[:-2], "Two digits were cut off."),
    ("letter_o", "invalid", lambda iban: iban[:-1] + ("0" if iban.endswith("O") else "O"),
     "The letter O for a digit."),
    ("no_country", "invalid", lambda iban: iban[2:], "The account without its country."),
    ("missing", "invalid", None, "No account to pay to."),
    ("empty", "invalid", "", "An empty account passes a check for null."),
)  # fmt: skip

REFERENCES = labels(
    "reference",
    ("leading_zeros", "valid", fixed("00000042", "00000043"),
     "Zeros in front are lost where it becomes a number."),
    ("over_float", "valid", fixed("9007199254740993", "9007199254740995"),
     "One more than a float tells apart: JavaScript makes it ...992."),
    ("over_64_bits", "valid", fixed("18446744073709551616", "18446744073709551617"),
     "One more than 64 bits hold."),
    ("exponent_like", "valid", fixed("12E34567", "12E34568"),
     "A spreadsheet reads it as a number beyond all."),
    ("slash", "valid", lambda value: f"2026/{value}", "A slash adds a segment to a path."),
    ("comma", "valid", lambda value: f"{value},1", "A list of ids gets one more."),
    ("percent", "valid", lambda value: f"{value}%2F", "Decoded once too often it becomes a slash."),
    ("missing", "invalid", None, "No reference."),
    ("negative", "invalid", "-1", "What many systems write for none."),
    ("spaces_inside", "invalid", lambda value: f"{value[:2]} {value[2:]}",
     "Grouped for reading, and no longer found."),
    ("parameter", "hostile", lambda value: f"{value}&dry_run=1#",
     "Parameters of the user's choice, if it is put into a URL as it is."),
    ("path", "hostile", "../../../etc/passwd", "A way up, if it becomes the name of a file."),
)  # fmt: skip
