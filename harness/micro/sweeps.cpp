// SPDX-License-Identifier: MIT
#include "sweeps.hpp"

namespace kevbench::micro {

std::span<const sweep> built_in_sweeps() {
    static const std::vector<sweep> all{
        {"idle_scan",
         {{"source", {"eventfd"}}, {"registered", {"1", "10", "100", "1000", "10000", "100000"}}}},
        {"idle_scan", {{"source", {"pipe", "unix", "tcp"}}, {"registered", {"1", "100", "1000"}}}},
        {"active_ratio",
         {{"source", {"eventfd"}},
          {"registered", {"1000"}},
          {"active", {"1", "10", "100", "500", "1000"}}}},
        {"active_ratio",
         {{"source", {"eventfd"}},
          {"registered", {"10000"}},
          {"active", {"10", "100", "1000", "5000", "10000"}}}},
        {"chain", {{"registered", {"100", "1000", "10000"}}}},
        {"harvest", {{"batch", {"1", "8", "64", "512"}}, {"rearm", {"no", "yes"}}}},
        {"empty_wait", {{"registered", {"1", "10", "100", "1000", "10000", "100000"}}}},
        {"ctl_churn",
         {{"registered", {"2", "100", "1000", "10000"}},
          {"operation", {"add-remove", "modify", "cycle"}}}},
        {"ctl_churn", {{"batch", {"16"}}}},
        {"footprint", {{"registered", {"1000", "10000", "100000"}}}},
        {"source_pingpong",
         {{"source", {"eventfd", "pipe", "unix", "tcp"}},
          {"payload", {"1", "64", "1024", "16384"}}}},
        {"wake_latency", {{"placement", {"same-cpu", "split-cpu"}}}},
        {"tcp_rr", {{"connections", {"1", "10", "100", "1000"}}}},
        {"tcp_rr",
         {{"connections", {"10", "100"}},
          {"mode", {"open"}},
          {"rate", {"1000", "2000", "5000", "10000", "20000", "40000"}}}},
        {"user_event", {{"active", {"1", "64"}}, {"via", {"native", "descriptor"}}}},
        {"user_event", {{"threads", {"1", "4"}}, {"active", {"16"}}}},
        {"timer_storm",
         {{"active", {"1", "100"}},
          {"timer", {"interval", "posix"}},
          {"via", {"native", "descriptor"}}}},
        {"timer_storm", {{"mode", {"periodic"}}, {"registered", {"1", "100"}}}},
        {"signal_rate",
         {{"signal", {"realtime", "ordinary"}},
          {"active", {"1", "64"}},
          {"via", {"native", "descriptor", "handler"}}}},
        {"fs_events",
         {{"change", {"names", "content"}},
          {"active", {"1", "10"}},
          {"via", {"native", "descriptor"}}}},
        {"aio_notify", {{"active", {"1", "8", "64"}}, {"via", {"native", "descriptor"}}}},
        {"mixed_sources", {{"via", {"native", "descriptor"}}}},
        {"fan_in", {{"threads", {"1", "2", "4", "8", "16"}}, {"via", {"native", "descriptor"}}}},
    };
    return all;
}

}  // namespace kevbench::micro
