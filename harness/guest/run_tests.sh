#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the module's test programs one after the other inside a guest (busybox ash).
#
# usage: run_tests.sh MARK SECONDS UNLOAD PROGRAM…
#
# MARK begins the lines that suite.py looks for, a word that no program prints by itself. A program
# that does not end within SECONDS is killed and the next one starts. UNLOAD names the module to
# take out at the end; empty for none.
mark=$1 seconds=$2 unload=$3
shift 3
for program in "$@"; do
    echo "$mark begin $program"
    timeout -s KILL "$seconds" "$program" 2>&1
    status=$?
    # A program may end in the middle of a line.
    printf '\n%s end %s\n' "$mark" "$status"
done
if [ -n "$unload" ]; then
    echo "$mark begin unload"
    if rmmod "$unload" 2>&1; then
        echo "1 passed, 0 failed, 0 skipped"
        printf '\n%s end 0\n' "$mark"
    else
        echo "FAIL: $unload does not unload"
        printf '\n%s end 1\n' "$mark"
    fi
fi
# A leak is reported in the kernel log, where it fails the run. Only memory older than five seconds
# counts as leaked, and what is on its way to be freed is often seen as such by the first scan.
if [ -w /sys/kernel/debug/kmemleak ]; then
    for _ in 1 2; do
        sleep 6
        echo scan >/sys/kernel/debug/kmemleak
    done
    cat /sys/kernel/debug/kmemleak
fi
