#!/bin/sh
# Runs in the machine: control groups of version 2 and a Docker engine on them, then the tests.
# It is process 1, and Docker's cgroup driver is cgroupfs.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root PYTHONDONTWRITEBYTECODE=1 CI=1 CGROUP2=1

end() {
    echo "cgroup2: ended with $1"
    sync
    echo o >/proc/sysrq-trigger
    sleep 600
}

# What else systemd would do.
alone() {
    mount -t proc proc /proc
    mountpoint -q /sys || mount -t sysfs sys /sys
    mkdir -p /dev/pts /dev/shm
    mount -t devpts devpts /dev/pts
    mount -t tmpfs tmpfs /dev/shm
    mount -t tmpfs tmpfs /run
    mount -t tmpfs tmpfs /tmp
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    # A group whose controllers are given on has no processes of its own.
    mkdir /sys/fs/cgroup/first
    echo 1 >/sys/fs/cgroup/first/cgroup.procs
    for name in $(cat /sys/fs/cgroup/cgroup.controllers); do
        echo "+$name" >/sys/fs/cgroup/cgroup.subtree_control
    done
    hostname machine
    ip link set lo up
    update-alternatives --set iptables /usr/sbin/iptables-legacy # a kernel that is a process has no other tables
    dockerd >/var/log/dockerd 2>&1 &
}

alone
for _ in $(seq 120); do
    docker version >/dev/null 2>&1 && break
    sleep 1
done
docker version >/dev/null 2>&1 || { tail -n 20 /var/log/dockerd; end 5; }
docker load -q <"$(ls /dev/vdc /dev/ubdc 2>/dev/null)" || end 5
docker info --format 'cgroup2: Docker {{.ServerVersion}}, cgroup v{{.CgroupVersion}}, driver {{.CgroupDriver}}, {{.KernelVersion}}'
cd /src || end 5
eval "set -- $(cat words)"
python3 -m pytest -q --color=no --timeout=1200 -p no:cacheprovider "$@"
end $?
