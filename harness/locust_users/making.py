"""The users, made where they are needed: a population from its own description."""

from __future__ import annotations

from typing import Any

from harness.errors import UsageError
from harness.population import Population


def population_of(told: dict[str, Any]) -> Population:
    """The population behind what `Population.describe()` said, bit for bit. Raises UsageError for fields that are
    functions: they live in the scenario file, which a worker does not have."""
    functions = [name for name, chosen in told["own"].items() if chosen == "function"]
    if functions:
        raise UsageError(
            f"the fields {', '.join(functions)} of the population are functions",
            expected="fields that can be sent to other processes",
            fix="use the name of a Faker method, or a built-in field",
        )
    spec = Population.spec(
        *told["fields"],
        locales=told["locales"],
        edges=told["edges"],
        labels=tuple(told["labels"]),
        ages=tuple(told["ages"]),
        amounts=tuple(told["amounts"]),
        id_digits=told["id_digits"],
        **told["own"],
    )
    return Population(told["seed"], spec)
