"""The tap: a tee between the batch and a downstream that changes no byte, keeps a journal, and plays faults.

    batch ──▶ tap ──▶ downstream         journal: one line an exchange
               ▲
               └── control: items, faults on and off, the journal so far

It runs in a process of its own (in a container of its own on the docker stage), so this package imports the standard
library only, and itself only by relative imports: it is copied into a container that has nothing but Python. What the
harness uses of it is `remote.Remote`; all else runs inside.
"""
