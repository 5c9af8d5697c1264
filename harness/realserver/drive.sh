# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# Measures web servers inside a guest that counts instructions; the plan of a boot sources this and
# calls `measure` once a cell. A plan defines `load`, which offers one batch of requests.
folder=/tmp/site
mkdir -p "$folder" /var/tmp
cd "$folder" || exit 1

# Sets `total` to the nanoseconds of processor time, which are instructions here, of the server and
# of its workers. None of them runs while this is asked: there is one processor.
server_ns() {
    total=0
    read -r workers <"/proc/$server/task/$server/children"
    for pid in $server $workers; do
        read -r ns _ <"/proc/$pid/schedstat" && total=$((total + ns))
    done
}

same_body() {
    wget -q -O /tmp/answer http://127.0.0.1:8080/page && cmp -s /tmp/answer "$folder/page"
}

# usage: fact NAME FILE
fact() {
    [ -r "$2" ] && read -r value <"$2" && echo "fact $1 $value"
}

# usage: measure NAME BODY_BYTES BATCHES STOP_SIGNAL LIBRARY SERVER [ARGUMENT…]
# LIBRARY is preloaded; empty for none.
measure() {
    echo "cell $1"
    body=$2 batches=$3 stop=$4 library=$5
    shift 5
    yes kevent | head -c "$body" >"$folder/page"
    if [ -n "$library" ]; then
        LD_PRELOAD=$library KEVENT_PRELOAD_COUNT=1 "$@" >/tmp/log 2>&1 &
    else
        "$@" >/tmp/log 2>&1 &
    fi
    server=$!
    tries=0
    until same_body; do
        tries=$((tries + 1))
        if [ "$tries" -ge 30 ] || ! kill -0 "$server" 2>/dev/null; then
            echo "trouble the server does not answer with the page"
            break
        fi
        sleep 0.2
    done
    # The first batch warms up: the server's memory, the kernel's caches.
    batch=0
    while [ "$tries" -lt 30 ] && [ "$batch" -le "$batches" ] && kill -0 "$server" 2>/dev/null; do
        server_ns
        before=$total
        load >/tmp/out 2>/tmp/err
        status=$?
        # What the server does after its last reply belongs to the batch.
        sleep 0.05
        server_ns
        echo "batch $batch $((total - before)) $status"
        sed 's/^/out /' /tmp/out
        sed 's/^/err /' /tmp/err
        batch=$((batch + 1))
    done
    same_body || echo "trouble the page that came after the load is not the page"
    kill "-$stop" "$server" 2>/dev/null
    wait "$server"
    echo "left $?"
    sed 's/^/log /' /tmp/log
}
