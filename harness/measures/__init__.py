"""Numbers drawn from a record, for checks, comparisons and reports alike: series, the law of time, what moved."""
