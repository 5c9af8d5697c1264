#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a web server under the preload library inside a guest, and asks it for pages.
#
# usage: serve.sh LIBRARY WRK STOP_SIGNAL SERVER [ARGUMENT…]
library=$1 wrk=$2 stop=$3
shift 3
mkdir -p /tmp/site /var/tmp
echo hello >/tmp/site/small
head -c 300000 /dev/urandom >/tmp/site/large
cd /tmp/site || exit 1
LD_PRELOAD=$library KEVENT_PRELOAD_COUNT=1 "$@" 2>/tmp/errors &
server=$!
tries=0
until wget -q -O /tmp/answer http://127.0.0.1:8080/small; do
    tries=$((tries + 1))
    if [ "$tries" -ge 50 ]; then
        echo "the server does not answer"
        cat /tmp/errors
        exit 1
    fi
    sleep 0.2
done
cmp /tmp/answer /tmp/site/small || exit 1
wget -q -O /tmp/answer http://127.0.0.1:8080/large
cmp /tmp/answer /tmp/site/large || exit 1
"$wrk" -t1 -c20 -d2s http://127.0.0.1:8080/small
"$wrk" -t1 -c5 -d1s http://127.0.0.1:8080/large
kill -"$stop" "$server"
wait "$server"
echo "server left with $?"
cat /tmp/errors
