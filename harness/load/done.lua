-- SPDX-License-Identifier: MIT
-- Prints wrk's own summary as one JSON line: its text output rounds and mixes units.
-- Times are microseconds, as wrk keeps them.
function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        'kevbench-wrk {"duration_us":%d,"requests":%d,"bytes":%d,'
            .. '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,'
            .. '"latency_max_us":%d}\n',
        summary.duration, summary.requests, summary.bytes,
        errors.connect, errors.read, errors.write, errors.status, errors.timeout,
        latency.max))
end
