#!/bin/busybox sh
# The first process of a guest: mounts what tests look at, runs them as a child, says how they ended.
# Shared memory and modules are not needed. The kernel hands its unknown parameters on as variables.
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin HOME=/root TRACER_FIGURES=/tmp/figures
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
ln -s /proc/self/fd /dev/fd
mkdir -p /dev/pts
mount -t devpts none /dev/pts
mount -t bpf none /sys/fs/bpf
mount -t cgroup2 none /sys/fs/cgroup
mount -t securityfs none /sys/kernel/security
mount -t debugfs none /sys/kernel/debug
mount -t tracefs none /sys/kernel/tracing
# An emulated processor does a twentieth of the work in a time slice: this gives it twenty times as
# long, so that preemption falls into as much work as on a real one. Older kernels have another name.
slice=/sys/kernel/debug/sched/base_slice_ns
[ -e $slice ] && echo 60000000 >$slice
echo "guest UP $(uname -r)"
echo "preemption: $(cat /sys/kernel/debug/sched/preempt)"
cd /root
if [ "$TRACER_LOCKDOWN" ]; then
    # These look at paths, arguments and pids in nested namespaces, which are not to be had there.
    skip="LOCKDOWN_ONLY --skip=hostile:: --skip=namespaces:: --skip=c3_ --skip=b8_ --skip=a_command_is_recorded --skip=one_line_for_each_life --skip=stdout_for_the_command"
else
    skip=--skip=lockdown::
fi
TRACER doctor --format json | sed 's/^/doctor /' >/dev/ttyS1
TESTS $skip >/dev/ttyS1 2>&1
status=$?
sed 's/^/figure /' /tmp/figures >/dev/ttyS1
echo "tests EXIT $status"
poweroff -f
