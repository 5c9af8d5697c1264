#!/bin/sh
# SPDX-License-Identifier: MIT
# Process 1 of a host guest: mounts, addresses, sshd. A shell that waits also buries the orphans.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C.UTF-8
mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sys /sys
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p /dev/pts /dev/shm /run/sshd /run/lock
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tracefs tracefs /sys/kernel/tracing
hostname -F /etc/hostname
ip link set lo up
# Addresses and routes of this host, written by the launcher.
# shellcheck source=/dev/null # written for each host
. /etc/kevbench/network.sh
# Thousands of connections need descriptors; what sshd starts inherits this.
# shellcheck disable=SC3045 # the sh of the image has it
ulimit -n 524288

/usr/sbin/sshd -D -e &
echo "kevbench-host-ready" >/dev/console
wait $!
echo "kevbench: sshd ended with status $?" >/dev/console
sync
echo o >/proc/sysrq-trigger
sleep 60
