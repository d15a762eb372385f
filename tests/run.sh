#!/bin/sh
# Runs the tests in two rounds: first side by side, since most of them wait for containers and processes; then those
# that must have the machine for themselves: they kill rehearsals and look at what is left, and every other `rehearse run`
# would sweep that up. Arguments go to pytest in both rounds; a round in which they leave no test does not count.
# The tests of a file share rehearsals and servers, so a file stays with one worker.
set -u

python=$1
shift
rounds=0
failed=0

round() {
    "$python" -m pytest "$@"
    code=$?
    [ $code -eq 5 ] && return
    rounds=$((rounds + 1))
    [ $code -eq 0 ] || failed=$code
}

round -n "${WORKERS:-3}" --dist loadfile --no-loadscope-reorder -m "not alone" "$@"
# A first round that was interrupted is the end.
[ $failed -eq 2 ] || round -m "alone" "$@"

[ $rounds -gt 0 ] || { echo "no test was run" >&2; exit 5; }
exit $failed
