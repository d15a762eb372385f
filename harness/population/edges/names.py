"""Awkward names: what people are really called, what forms let through, and what breaks a report."""

from __future__ import annotations

from collections.abc import Callable

from harness.population.edges.label import Change, fixed, labels


def family(change: Callable[[str], str]) -> Change:
    """A change to the last word of the name."""

    def made(name: str) -> str:
        given, space, last = name.rpartition(" ")
        return f"{given}{space}{change(last)}"

    return made


NAMES = labels(
    "name",
    ("apostrophe", "valid", family(lambda last: f"O'{last}"),
     "An apostrophe ends a string in SQL, shell and HTML that were put together by hand."),
    ("typographic_apostrophe", "valid", family(lambda last: f"D’{last}"),
     "Phones type ’ for ', which is three bytes, not in Latin-1, and not equal to the other."),
    ("accent", "valid", family(lambda last: f"{last}-Núñez"),
     "Letters of two bytes fail where text is ASCII, and count twice where bytes are counted."),
    ("sharp_s", "valid", family(lambda last: f"{last}-Größ"),
     "ß becomes SS in upper case, so that a name grows and a comparison fails."),
    ("dotless_i", "valid", family(lambda last: f"{last}-Işıklı"),
     "Turkish i and ı change places under upper() and lower()."),
    ("decomposed", "valid", lambda name: f"Jose\u0301 {name}",
     "An accent as a character of its own (NFD) looks like é and is not equal to it."),
    ("han", "valid", fixed("王小明", "王小红"),
     "No space to split at, three bytes a letter, three letters in all."),
    ("outside_bmp", "valid", fixed("𠮷田 一郎", "𠮷野 一郎"),
     "𠮷 has four bytes in UTF-8 and two units in UTF-16: MySQL's utf8 and old Java refuse or cut it."),
    ("right_to_left", "valid", fixed("محمد بن سلمى", "أحمد بن سلمى"),
     "Right-to-left text turns the order of what stands next to it in logs and letters."),
    ("one_word", "valid", fixed("Sukarno", "Suharto"),
     "Many people have one name; code that splits at the space fails or invents a surname."),
    ("null_word", "valid", fixed("Christopher Null", "Jennifer Null"),
     "The surname Null is taken for a missing value."),
    ("comma", "valid", lambda name: f"{name}, Jr.",
     "A comma makes two items of one in lists, CSV and query strings."),
    ("ampersand", "valid", lambda name: f"{name} & Sons",
     "& begins the next parameter in a URL that is not encoded."),
    ("long", "valid", lambda name: f"{name} " + "Wijesekara-" * 8 + "Silva",
     "Names over 64 and 80 letters exist; columns and forms cut them."),
    ("missing", "invalid", None, "No value at all where one is needed."),
    ("empty", "invalid", "", "An empty string passes a check for null."),
    ("blank", "invalid", "   ", "Three spaces pass a check for the empty string."),
    ("outer_spaces", "invalid", lambda name: f" {name} ",
     "Spaces around a value make it unequal to itself after the next trim."),
    ("mojibake", "invalid", family(lambda last: f"{last}-MÃ¼ller"),
     "UTF-8 that was read as Latin-1 once, and stored."),
    ("entity", "invalid", family(lambda last: f"O&#39;{last}"),
     "A name that was escaped for HTML before it was stored."),
    ("replacement", "invalid", family(lambda last: f"{last}-Nu\ufffdez"),
     "The replacement character: what was there is lost."),
    ("markup", "hostile", lambda name: f'<img src=x onerror="alert(1)">{name}',
     "Markup runs in any page or report that shows the name without escaping it."),
    ("closing_tags", "hostile", lambda name: f"{name}</script></td></table>]]>",
     "Closing tags end the script, table or CDATA around them."),
    ("sql", "hostile", lambda name: f"{name}'; DROP TABLE users; --",
     "A quote and a statement, for SQL that was put together by hand."),
    ("template", "hostile", lambda name: f"{name} {{{{7*7}}}} ${{7*7}} %s %n",
     "Placeholders run in templates and format strings that are made from data."),
    ("formula", "hostile", lambda name: f'=HYPERLINK("https://example.com","{name}")',
     "A cell that begins with = is run by spreadsheets."),
    ("bidi", "hostile", lambda name: f"{name}\u202egnp.exe\u2066",
     "A direction override shows other text than there is, and runs on into the line."),
    ("zero_width", "hostile", lambda name: f"{name[:1]}\u200b\u200d\ufeff{name[1:]}",
     "Invisible characters make equal-looking names unequal."),
    ("terminal", "hostile", lambda name: f"{name}\x1b[2J\x1b[31m\x07",
     "Escape sequences clear the terminal of whoever reads the log."),
    ("log_line", "hostile", lambda name: f"{name}\r\n2026-01-01 00:00:00 ERROR all users failed",
     "A line break in a value forges a line of the log, or a header."),
    ("nul", "hostile", lambda name: f"{name}\x00admin",
     "A NUL ends the string in C, and PostgreSQL refuses it."),
    ("stacked_marks", "hostile", lambda name: name + "\u0300\u0316\u0334" * 60,
     "180 combining marks cover the lines above and below."),
    ("very_long", "hostile", lambda name: f"{name} " + "x" * 10_000,
     "Ten thousand characters pass where no limit was thought of: URL, column, page."),
)  # fmt: skip
