#!/bin/busybox sh
# The first process of a guest: mounts what tests look at, runs them as a child, says how they ended.
# Shared memory, tracefs and modules are not needed.
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin HOME=/root
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mkdir -p /dev/pts
mount -t devpts none /dev/pts
mount -t bpf none /sys/fs/bpf
mount -t cgroup2 none /sys/fs/cgroup
mount -t tracefs none /sys/kernel/tracing
echo "guest UP $(uname -r)"
cd /root
TESTS >/dev/ttyS1 2>&1
echo "tests EXIT $?"
poweroff -f
