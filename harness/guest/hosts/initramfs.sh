#!/kvb/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# First program of a host guest: loads what its disk needs, lays this host's own files over the
# disk's, and hands over to host-init.sh. When it fails it ends, and the kernel panics: the launcher
# sees that at once.
set -eu
/kvb/busybox mkdir -p /kvb/bin /proc /sys /dev /disk
/kvb/busybox --install -s /kvb/bin
export PATH=/kvb/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev

while read -r module; do
    insmod "$module"
done </kvb/modules.list

tries=0
while ! [ -b /dev/vda ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 600 ]; then
        echo "kevbench: the disk does not appear"
        exit 1
    fi
    usleep 100000
done
mount -t ext4 -o noatime /dev/vda /disk
cp -a /kvb/host/. /disk/
umount /proc /sys
mount -o move /dev /disk/dev
exec switch_root /disk /usr/local/sbin/kevbench-init
