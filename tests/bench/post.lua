-- Every request the same POST; what wrk saw comes out as one line of JSON.
local file = io.open(os.getenv("BENCH_BODY"), "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/json"
file:close()

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '\nBENCH {"requests": %d, "refused": %d, "broken": %d, "microseconds": %d, "p50": %.1f, "p99": %.1f}\n',
        summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
        summary.duration, latency:percentile(50), latency:percentile(99)))
end
