"""Awkward values, each with a label, laid over ordinary users at a known rate."""

from harness.population.edges.catalogue import CATALOGUE, chosen
from harness.population.edges.label import Label
from harness.population.edges.overlay import Coverage, Overlay

__all__ = ["CATALOGUE", "Coverage", "Label", "Overlay", "chosen"]
