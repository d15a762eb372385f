"""Awkward e-mail addresses and phone numbers."""

from __future__ import annotations

from collections.abc import Callable

from harness.population.edges.label import Change, fixed, labels


def local(change: Callable[[str], str]) -> Change:
    """A change to what stands in front of the @."""

    def made(email: str) -> str:
        left, at, domain = email.rpartition("@")
        return f"{change(left)}{at}{domain}"

    return made


def domain(name: str) -> Change:
    """Another domain, reserved as all of ours are."""
    return lambda email: f"{email.rpartition('@')[0]}@{name}"


EMAILS = labels(
    "email",
    ("plus", "valid", local(lambda left: f"{left}+news"),
     "A plus is a space in a query string that is not encoded, and refused by many forms."),
    ("upper_case", "valid", str.upper,
     "Addresses are compared without case by people, and with it by code."),
    ("apostrophe", "valid", local(lambda left: f"o'{left}"),
     "An apostrophe is allowed in front of the @, and ends hand-made SQL."),
    ("quoted", "valid", local(lambda left: f'"{left} x"'),
     "A quoted local part may hold spaces; CSV and shell do not expect it."),
    ("longest_local", "valid", local(lambda left: left.ljust(64, "x")),
     "64 characters are allowed in front of the @."),
    ("non_ascii", "valid", local(lambda left: f"jörg.{left}"),
     "Internationalised addresses (SMTPUTF8) have letters beyond ASCII."),
    ("idn", "valid", domain("münchen.example"),
     "A domain with an umlaut has to be written in punycode before it is resolved."),
    ("punycode", "valid", domain("xn--mnchen-3ya.example"),
     "The same domain as DNS has it, not equal to the other form."),
    ("subdomains", "valid", domain("mail.eu-west.corp.example.com"),
     "Four labels and a hyphen; some patterns allow two labels."),
    ("ip_literal", "valid", domain("[192.0.2.1]"),
     "An address in brackets is a domain too."),
    ("missing", "invalid", None, "No address: is the user skipped, or does the batch stop?"),
    ("empty", "invalid", "", "An empty address passes a check for null."),
    ("no_at", "invalid", lambda email: email.replace("@", ""),
     "Not an address; a mailer may raise in the middle of the batch."),
    ("two_at", "invalid", lambda email: email.replace("@", "@@"),
     "Two @ split into three parts."),
    ("double_dot", "invalid", local(lambda left: f"{left}..x"),
     "Two dots in a row are refused by the mail server, not by most forms."),
    ("comma", "invalid", lambda email: f"{email[:-4]},com",
     "A typing error that makes two recipients of one."),
    ("trailing_space", "invalid", lambda email: f"{email} ",
     "A pasted space; the address is not found again."),
    ("header", "hostile", lambda email: f"{email}\r\nBcc: everyone@example.com",
     "A line break starts a mail header of the sender's choice."),
    ("very_long", "hostile", local(lambda left: left + "x" * 2_000),
     "Far over the 254 characters of an address."),
)  # fmt: skip

PHONES = labels(
    "phone",
    ("extension", "valid", lambda phone: f"{phone} ext. 4711",
     "An extension has letters and makes the number long."),
    ("letters", "valid", fixed("1-800-555-RAIN", "1-800-555-SNOW"),
     "Vanity numbers have letters."),
    ("double_zero", "valid", fixed("0044 20 7946 0958", "0044 20 7946 0959"),
     "00 for + is lost where the number is stored as a number."),
    ("longest", "valid", fixed("+881234567890123", "+881234567890124"),
     "15 digits, the most that E.164 allows."),
    ("hard_space", "valid", lambda phone: f"{phone[:3]}\u00a0{phone[3:]}",
     "A no-break space comes along when a number is copied from a page, and is not trimmed."),
    ("full_width", "valid", fixed("０３－１２３４－５６７８", "０３－１２３４－５６７９"),
     "Japanese input gives full-width digits: isdigit() says yes, ASCII says no."),
    ("missing", "invalid", None, "No number where a text message is to be sent."),
    ("words", "invalid", "see notes", "A free-text field is used for what fits nowhere else."),
    ("exponent", "invalid", "4.42079E+11", "What a spreadsheet makes of a long number."),
    ("two_numbers", "invalid", lambda phone: f"{phone} / {phone}", "Two numbers in one field."),
)  # fmt: skip
