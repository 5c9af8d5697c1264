#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the module's test programs one after the other inside a guest (busybox ash).
#
# usage: run_tests.sh MARK SECONDS UNLOAD FILE LOADS AGAIN PROGRAM…
#
# MARK begins the lines that suite.py looks for, a word that no program prints by itself. A program
# that does not end within SECONDS is killed and the next one starts. UNLOAD names the module to
# take out at the end; empty for none. Then, for each word of LOADS, the module is loaded again from
# FILE with those parameters, which commas separate, for those programs whose names are words of AGAIN.
mark=$1 seconds=$2 unload=$3 file=$4 loads=$5 again=$6
shift 6

# run SUFFIX PROGRAM
run() {
    echo "$mark begin $2$1"
    timeout -s KILL "$seconds" "$2" 2>&1
    status=$?
    # A program may end in the middle of a line.
    printf '\n%s end %s\n' "$mark" "$status"
}

# unload SUFFIX
unload() {
    echo "$mark begin unload$1"
    if rmmod "$unload" 2>&1; then
        echo "1 passed, 0 failed, 0 skipped"
        printf '\n%s end 0\n' "$mark"
    else
        echo "FAIL: $unload does not unload"
        printf '\n%s end 1\n' "$mark"
    fi
}

for program in "$@"; do
    run "" "$program"
done
if [ -n "$unload" ]; then
    unload ""
    for load in $loads; do
        # shellcheck disable=SC2046
        insmod "$file" $(echo "$load" | tr , ' ')
        unset KEVENT_TEST_CLOSE_WATCH
        case $load in
        *close_watch=*) export KEVENT_TEST_CLOSE_WATCH="${load##*close_watch=}" ;;
        esac
        for program in "$@"; do
            case " $again " in
            *" ${program##*/} "*) run " with $load" "$program" ;;
            esac
        done
        unload " with $load"
    done
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
