"""Load through Locust, in processes of its own: this room starts them, and reads what came of each user.

    parent (here)             master (child)                    workers (children, here or on other machines)
    Fleet ── order.json ────▶ deals leases of indexes ────────▶ send one request for each index of a lease,
      ▲                        ▲       │ results.bin             and write "sending" and "done" into their slate
      └──── reads ◀────────────│───────┘                           │
                               └───────── rows of the slate ◀──────┘

Each index belongs to at most one lease at a time. It returns to the pool only if a slate says that it was not sent.
The slate is a memory-mapped file: it outlives a killed worker, and the worker that is started in its place reads it.
What was being sent then is `unknown`, as is a lease of a worker that nobody can ask any more.
"""
