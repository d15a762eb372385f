"""How to go on where the line that keeps memory cannot be named from outside: one recipe for each runtime."""

from __future__ import annotations

RECIPES = {
    "python": "set memory_agent=True on this service and rehearse again: the lines that keep memory are then named",
    "node": (
        "start it with NODE_OPTIONS=--heapsnapshot-signal=SIGUSR2, send SIGUSR2 after the warm-up and once more some"
        " thousand users later, and compare the two .heapsnapshot files in Chrome's DevTools (Memory, Comparison);"
        " --heapsnapshot-near-heap-limit=2 writes one shortly before the end"
    ),
    "jvm": (
        "run `jcmd PID GC.class_histogram` after the warm-up and once more some thousand users later: the class whose"
        " instances grew is kept; who keeps it: start with"
        " JAVA_TOOL_OPTIONS=-XX:StartFlightRecording:settings=profile,path-to-gc-roots=true,filename=leak.jfr,"
        "dumponexit=true and read `jfr print --events jdk.OldObjectSample leak.jfr`"
    ),
    "jemalloc": (
        "start it with MALLOC_CONF=prof:true,prof_active:true,lg_prof_sample:17,lg_prof_interval:28,"
        "prof_prefix:/tmp/heap and compare two dumps: `jeprof --text --base=FIRST PROGRAM SECOND`"
    ),
    "native": (
        "start it with LD_PRELOAD=libjemalloc.so.2 and MALLOC_CONF=prof:true,lg_prof_sample:17,lg_prof_interval:28,"
        "prof_prefix:/tmp/heap, and compare two dumps: `jeprof --text --base=FIRST PROGRAM SECOND`"
    ),
}


def recipe(runtime: str, *, named: bool) -> str:
    """The recipe for that runtime; "" where it is not known, or where lines are `named` already."""
    return "" if named else RECIPES.get(runtime, "")
