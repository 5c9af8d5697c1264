#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the library into an empty folder and uses it as a stranger would.
#
# usage: install_test.sh LIB_DIRECTORY WORK_DIRECTORY
set -eu
lib=$1 work=$2
rm -rf "$work"
mkdir -p "$work"
root=$work/root
make -s -C "$lib" install OUT="$work/build" DESTDIR="$root" PREFIX=/usr

fail() {
    echo "FAIL: $*"
    exit 1
}

# A program of 2006: the header, the five calls, the time by value.
cat >"$work/program.c" <<'PROGRAM'
#include <kevent.h>
int main(void)
{
    struct timespec now = { 0, 0 };
    struct ukevent event;
    int fd = kevent_init(0, 0, 0);
    return kevent_get_events(fd, 1, 1, now, &event, 0) >= 0 && kevent_commit(fd, 0, 0) &&
           kevent_wait(fd, 1, 0, now, 0) && kevent_ctl(fd, KEVENT_CTL_READY, 0, 0);
}
PROGRAM
cp "$work/program.c" "$work/program.cpp"
flags=$(PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$root/usr/lib/pkgconfig \
    PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 pkg-config --cflags --libs kevent)
# shellcheck disable=SC2086 # several words
gcc -std=c99 -D_GNU_SOURCE -Wall -Wextra -Werror -o "$work/program" "$work/program.c" $flags ||
    fail "a C program does not build"
# shellcheck disable=SC2086
g++ -Wall -Wextra -Werror -o "$work/programpp" "$work/program.cpp" $flags ||
    fail "a C++ program does not build"
# shellcheck disable=SC2086
gcc -o "$work/static" "$work/program.c" -I"$root/usr/include" "$root/usr/lib/libkevent.a" ||
    fail "a program does not link statically"
LD_LIBRARY_PATH=$root/usr/lib "$work/program" || fail "the program does not start"

# Every name declared is exported, with its version, and nothing else is.
exported=$(nm -D --defined-only "$root/usr/lib/libkevent.so" | sed -n 's/.* T \(.*\)@@KEVENT_1.0$/\1/p' | sort)
declared=$(sed -n 's/^int \(kevent_[a-z_]*\)(.*/\1/p; s/^void \(kevent_[a-z_]*\)(.*/\1/p' \
    "$root/usr/include/kevent.h" | sort)
[ "$exported" = "$declared" ] || fail "exported and declared differ: $exported / $declared"
others=$(nm -D --defined-only "$root/usr/lib/libkevent.so" | grep -v KEVENT_1.0 || true)
[ -z "$others" ] || fail "exported without a version: $others"

# Every call has its page.
for call in $declared; do
    [ -e "$root/usr/share/man/man2/$call.2" ] || [ -e "$root/usr/share/man/man3/$call.3" ] ||
        fail "no manual page of $call"
done
for page in "$root"/usr/share/man/man*/*; do
    case $(head -c 4 "$page") in
    .so\ ) [ -e "$root/usr/share/man/$(cut -d' ' -f2 "$page")" ] || fail "$page points nowhere" ;;
    esac
done
echo "ok"
