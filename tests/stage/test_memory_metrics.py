"""A service's own word about its memory: Prometheus' text."""

import pytest

from harness.stage.memory_metrics import total

PAGE = r"""# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 3.145728e+07
process_resident_memory_bytes_max 9e9
heap_bytes{area="old",path="C:\\a \"b\"\n}"} 1000 1700000000000
heap_bytes{ area="young" , path="x"} 24 # {trace_id="9"} 7
odd_bytes{worker="1"} 5
odd_bytes{worker="2"} NaN
# EOF
"""


def test_resident_memory_is_read_where_nothing_else_is_named() -> None:
    assert total(PAGE) == 30 * 2**20


def test_samples_of_several_processes_are_summed() -> None:
    assert total(PAGE, "heap_bytes") == 1024


def test_labels_choose_and_their_values_may_hold_quotes_braces_and_line_ends() -> None:
    assert total(PAGE, "heap_bytes", {"area": "young"}) == 24
    assert total(PAGE, "heap_bytes", {"path": 'C:\\a "b"\n}'}) == 1000
    assert total(PAGE, "heap_bytes", {"area": "eden"}) is None


@pytest.mark.parametrize("series", ["odd_bytes", "process_resident_memory", "heap"])
def test_what_is_no_number_of_bytes_or_another_series_is_no_reading(series: str) -> None:
    assert total(PAGE, series) is None


@pytest.mark.parametrize("value", ["+Inf", "-1", "many"])
def test_infinite_negative_or_garbled_values_are_no_reading(value: str) -> None:
    assert total(f"process_resident_memory_bytes {value}\n") is None
