"""How fast users are made, beside Faker and Mimesis: the same 12 fields, one process, CPU time.

Run it as ``python -m tests.bench.population`` (needs the extra `bench`). It prints a table and puts it into
the README beside this file. Rounds of all contestants alternate and the best of each counts, so that whatever
else the machine does weighs on all alike; the ratios are the result, the times are this machine's.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any

import orjson
from faker import VERSION, Faker
from mimesis import Address, Cryptographic, Datetime, Numeric, Person
from mimesis.locales import Locale

from harness.population import Population
from harness.population.columns import Text
from harness.population.writing import write

FIELDS = (
    "uuid", "name", "email", "phone", "street", "city", "postcode", "country", "birth_date", "iban", "amount",
    "locale",
)  # fmt: skip
README = Path(__file__).with_name("README.md")
MANY, SOME, FEW = 100_000, 10_000, 2_000
ROUNDS = 4


def faker_row(fake: Any) -> dict[str, str]:
    return {
        "uuid": fake.uuid4(),
        "name": fake.name(),
        "email": fake.email(),
        "phone": fake.phone_number(),
        "street": fake.street_address(),
        "city": fake.city(),
        "postcode": fake.postcode(),
        "country": fake.current_country_code(),
        "birth_date": fake.date_of_birth(minimum_age=18, maximum_age=90).isoformat(),
        "iban": fake.iban(),
        "amount": str(fake.pydecimal(left_digits=4, right_digits=2, positive=True)),
        "locale": "en_US",
    }


class MimesisRows:
    """Mimesis has no IBAN: the bench makes one, as a user of it would."""

    def __init__(self) -> None:
        self.person, self.address = Person(Locale.EN, seed=1), Address(Locale.EN, seed=1)
        self.date, self.number = Datetime(Locale.EN, seed=1), Numeric(seed=1)
        self.crypto, self.random = Cryptographic(seed=1), random.Random(1)

    def iban(self) -> str:
        bank = "".join(self.random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=4))
        account = f"{self.random.randrange(10**14):014d}"
        number = "".join(str(ord(letter) - 55) for letter in bank) + account + "161100"
        return f"GB{98 - int(number) % 97:02d}{bank}{account}"

    def row(self) -> dict[str, str]:
        person, address = self.person, self.address
        return {
            "uuid": self.crypto.uuid(),
            "name": person.full_name(),
            "email": person.email(),
            "phone": person.phone_number(),
            "street": address.address(),
            "city": address.city(),
            "postcode": address.postal_code(),
            "country": address.country_code(),
            "birth_date": self.date.date(start=1936, end=2007).isoformat(),
            "iban": self.iban(),
            "amount": f"{self.number.float_number(5, 2500, precision=2):.2f}",
            "locale": "en_US",
        }


@dataclass
class Contestant:
    """Something that makes `count` users; `best` is its quickest round in microseconds of CPU a user."""

    make: Callable[[int], object]
    count: int
    best: float = float("inf")

    def round(self) -> None:
        began = process_time()
        self.make(self.count)
        self.best = min(self.best, (process_time() - began) / self.count * 1e6)


def contestants() -> dict[str, Contestant]:
    fake, flat, mimesis = Faker("en_US"), Faker("en_US", use_weighting=False), MimesisRows()
    people = Population(1, Population.spec(*FIELDS, locales="en_US"))
    mixed = Population(1, Population.spec(*FIELDS, edges=0.03))

    def columns(of: Population) -> Callable[[int], object]:
        def make(count: int) -> None:
            for sheet in of.sheets(0, count):
                for column in sheet.columns.values():
                    assert isinstance(column, Text)
                    column.utf8()

        return make

    def each(form: str, of: Population = people) -> Callable[[int], object]:
        return lambda count: [None for sheet in of.sheets(0, count) if not getattr(sheet, form)()]

    def file(count: int) -> None:
        with tempfile.TemporaryFile() as out:
            write(people, count, out, "jsonl")

    return {
        "Faker": Contestant(lambda count: [faker_row(fake) for _ in range(count)], FEW),
        "Faker unweighted": Contestant(lambda count: [faker_row(flat) for _ in range(count)], FEW),
        "Mimesis": Contestant(lambda count: [mimesis.row() for _ in range(count)], SOME),
        "Faker+orjson": Contestant(lambda count: [orjson.dumps(faker_row(fake)) for _ in range(count)], FEW),
        "Mimesis+orjson": Contestant(lambda count: [orjson.dumps(mimesis.row()) for _ in range(count)], SOME),
        "columns": Contestant(columns(people), MANY),
        "columns, default locales": Contestant(columns(mixed), MANY),
        "dict rows": Contestant(each("rows"), MANY),
        "JSON bodies": Contestant(each("bodies"), MANY),
        "JSON bodies, 3 % awkward": Contestant(each("bodies", mixed), MANY),
        "JSONL file": Contestant(file, MANY),
        "user(i)": Contestant(lambda count: [people.user(index) for index in range(count)], SOME),
    }


def peak(count: int) -> float:
    """The peak memory in MB of a process that writes so many users (ru_maxrss would hold the parent's)."""
    code = (
        "from harness.population import Population\n"
        "from harness.population.writing import write\n"
        f"write(Population(1), {count}, open('/dev/null', 'wb'), 'jsonl')\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return int(told.stdout) / 1024


GOALS = (
    ("columns", "Faker", 200), ("columns", "Faker unweighted", 60), ("columns", "Mimesis", 15),
    ("dict rows", "Faker", 40), ("dict rows", "Faker unweighted", 12), ("dict rows", "Mimesis", 3),
    ("JSON bodies", "Faker+orjson", 60), ("JSON bodies", "Mimesis+orjson", 0),
    ("JSONL file", "Faker+orjson", 0),
)  # fmt: skip


def table(found: dict[str, Contestant], growth: float) -> str:
    """The measured figures as Markdown."""
    lines = ["| what | against | times | goal | |", "|---|---|---|---|---|"]
    for own, other, goal in GOALS:
        times = found[other].best / found[own].best
        verdict = ("met" if times >= goal else "**short**") if goal else ""
        lines.append(f"| {own} | {other} | {times:.1f} | {goal or ''} | {verdict} |")
    single = found["user(i)"].best
    lines.append(f"| `user(i)` | | {single:.0f} µs | 100 µs | {'met' if single <= 100 else '**short**'} |")
    fits = "met" if growth <= 32 else "**short**"
    lines += [f"| memory, 100 k to 1 M users | | +{growth:.1f} MB | 32 MB | {fits} |", ""]
    lines += ["| microseconds of CPU a user | |", "|---|---|"]
    lines += [f"| {name} | {contestant.best:.2f} |" for name, contestant in found.items()]
    versions = f"Python {sys.version.split()[0]}, Faker {VERSION}, Mimesis {version('mimesis')}"
    lines += ["", f"{versions}; best of {ROUNDS} rounds."]
    return "\n".join(lines)


def main() -> int:
    """Measures, prints, and writes the README's table; 1 where a goal is missed."""
    found = contestants()
    for contestant in found.values():
        contestant.make(100)
    for _ in range(ROUNDS):
        for contestant in found.values():
            contestant.round()
    growth = peak(1_000_000) - peak(MANY)
    text = table(found, growth)
    sys.stdout.write(text + "\n")
    marks = re.compile(r"(<!-- measured -->\n).*(<!-- end -->)", re.DOTALL)
    README.write_text(marks.sub(lambda part: f"{part[1]}{text}\n{part[2]}", README.read_text()))
    return int("**short**" in text)


if __name__ == "__main__":
    sys.exit(main())
