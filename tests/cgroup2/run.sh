#!/bin/sh
# Holds the harness against control groups of version 2, whatever this machine has: in a machine within it, with a kernel
# and a Docker engine of its own. Nothing of this machine's own groups is touched, and nothing is left running.
#
#   KERNEL=uml|qemu         uml: a kernel that is a process of this machine, quick; qemu: Debian's own, in software, slow
#   SUITE=bookworm          whose Docker it is; no other was tried
#
# Arguments go to pytest in place of the tests that are chosen here.
set -eu

kernel=${KERNEL:-uml} suite=${SUITE:-bookworm} minutes=${MINUTES:-60}
folder=.cache/cgroup2/$suite

refuse() { echo "cgroup2: $*" >&2; exit 5; }
need() { command -v "$1" >/dev/null || refuse "$1 is missing: apt-get install --no-install-recommends $2"; }
[ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] || refuse "making the machine needs root on Debian"
need debootstrap debootstrap
need docker docker.io

mkdir -p .cache/cgroup2
scratch=$(mktemp -d "$PWD/.cache/cgroup2/run.XXXXXX")
machine=
end() {
    [ -z "$machine" ] || { kill "$machine" 2>/dev/null; wait "$machine"; } || true
    rm -rf "$scratch"
}
trap end EXIT
trap 'exit 143' TERM HUP
trap 'exit 130' INT
limit=tests/end_to_end/test_limit.py
[ $# -gt 0 ] || set -- tests/cgroup2 tests/stage/test_memory_files.py tests/stage/test_memory_stream.py \
    tests/probes/test_own_cpu.py tests/faults/test_killed_for_memory.py tests/cli/test_commands.py \
    "$limit::test_the_kernel_kills_where_it_was_foretold_and_the_record_compares_both" \
    "$limit::test_the_users_in_work_at_the_kill_are_judged" --durations=8
printf '"%s" ' "$@" >"$scratch/words"
words="rw quiet loglevel=3 panic=-1 init=/boot.sh"
case $kernel in
uml)
    need linux.uml user-mode-linux
    # shellcheck disable=SC2086
    set -- linux.uml mem=3072M "ubd0=$scratch/layer,$folder/disk" "ubd1r=$scratch/checkout" "ubd2r=$scratch/images" \
        con=null con0=null,fd:1 root=/dev/ubda $words
    ;;
qemu)
    need qemu-system-x86_64 qemu-system-x86
    drive() { echo "file=$1,if=virtio,format=raw,snapshot=on"; }
    set -- qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 3072 -display none -monitor none -serial stdio -no-reboot \
        -nic none -kernel "$folder/kernel" -initrd "$folder/initrd" -append "console=ttyS0 root=/dev/vda $words" \
        -drive "$(drive "$folder/disk")" -drive "$(drive "$scratch/checkout")" -drive "$(drive "$scratch/images")"
    ;;
*) refuse "KERNEL is uml or qemu" ;;
esac

echo "cgroup2: the machine, of $suite (two minutes, once)" >&2
sh tests/cgroup2/machine.sh "$suite" "$folder"
echo "cgroup2: the images" >&2
.venv/bin/python -m tests.cgroup2.images "$scratch/images"
tar -cf "$scratch/checkout" --exclude=./.git --exclude=./.venv --exclude=./.cache --exclude=./reports \
    --exclude=__pycache__ --exclude=./.mypy_cache --exclude=./.ruff_cache --exclude=./.hypothesis . -C "$scratch" words
echo "cgroup2: the tests, within $minutes minutes" >&2
# A kernel that is a process keeps its memory in a file.
memory=$scratch
[ "$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 4194304 ] 2>/dev/null && memory=/dev/shm
# Whatever ends this shell ends the machine: a signal by the trap, a kill by the kernel's word to its children.
TMPDIR=$memory setpriv --pdeathsig TERM timeout -k 9 "${minutes}m" setpriv --pdeathsig KILL "$@" \
    </dev/null >"$scratch/told" 2>&1 &
machine=$!
tail -f -n +1 --pid="$machine" "$scratch/told" &
wait "$machine" || true
wait
code=$(sed -n 's/^cgroup2: ended with \([0-9]*\).*/\1/p' "$scratch/told")
[ -n "$code" ] || refuse "the machine did not get to the end of the tests within $minutes minutes"
exit "$code"
