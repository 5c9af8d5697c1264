// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "bindings.hpp"
#include "kevbench/adapter/plugin_loader.hpp"
#include "kevbench/harness/cell_run.hpp"
#include "kevbench/harness/documents.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::python {
namespace {

std::map<std::string, std::string> texts(const py::dict& params) {
    std::map<std::string, std::string> made;
    for (const auto& [name, value] : params) {
        const bool whole = py::isinstance<py::int_>(value) && !py::isinstance<py::bool_>(value);
        if (!py::isinstance<py::str>(name) || !(whole || py::isinstance<py::str>(value)))
            throw py::type_error("params must map names to texts or whole numbers");
        made.emplace(name.cast<std::string>(), py::str(value).cast<std::string>());
    }
    return made;
}

/// Lets Ctrl-C end a run between two slices.
void obey_signals() {
    const py::gil_scoped_acquire held;
    if (::PyErr_CheckSignals() != 0) throw py::error_already_set();
}

py::object run_cell(const std::string& workload, const std::string& mechanism,
                    const std::string& variant, const py::dict& params, std::int64_t slices,
                    std::optional<std::int64_t> operations, bool timed, bool counts) {
    if (slices < 1 || slices > std::numeric_limits<std::int32_t>::max())
        throw workload::usage_error(fmt::format("slices={}: use at least 1", slices));
    if (operations && *operations < 1)
        throw workload::usage_error(fmt::format(
            "operations={}: use at least 1, or None for as many as take 12 ms", *operations));
    const harness::cell_request request{workload, {mechanism, variant}, texts(params)};
    harness::cell_run_plan plan;
    plan.operations = static_cast<std::uint64_t>(operations.value_or(0));
    plan.slices = static_cast<std::uint32_t>(slices);
    plan.timed = timed;
    plan.counts = counts;
    plan.after_slice = obey_signals;
    nlohmann::json document;
    {
        const py::gil_scoped_release released;
        document = harness::run_cell(request, plan);
    }
    return to_python(document);
}

template <nlohmann::ordered_json (*Make)()>
py::object document() {
    nlohmann::ordered_json made;
    {
        const py::gil_scoped_release released;
        made = Make();
    }
    return to_python(made);
}

void load_plugin(const std::filesystem::path& path) {
    try {
        adapter::load_plugin(path.string());
    } catch (const adapter::plugin_error& refused) {
        throw workload::usage_error(refused.what());
    }
}

}  // namespace

void bind_measuring(py::module_& module) {
    module.def("load_plugin", &load_plugin, py::arg("path"),
               "Adds the variants of an adapter library for the rest of the process. Raises\n"
               "UsageError for a library that is refused. Not while another thread is in\n"
               "list_document() or run_cell().");
    module.def("list_document", &document<harness::list_document>,
               "Every mechanism with its variants and every workload with its parameters: the\n"
               "kvb.list document of `kevbench-worker list`. Probes each variant the first time,\n"
               "which takes milliseconds, without the interpreter lock. Thread-safe.");
    module.def("about_document", &document<harness::about_document>,
               "Version, compiler, sanitizer, the clock's measured quality (ns), and which\n"
               "counters count here or why not. Takes milliseconds, without the interpreter lock.");
    module.def(
        "run_cell", &run_cell, py::arg("workload"), py::arg("mechanism"), py::arg("variant"),
        py::arg("params") = py::dict(), py::kw_only(), py::arg("slices") = 5,
        py::arg("operations") = py::none(), py::arg("timed") = false, py::arg("counts") = false,
        "Measures one cell from set-up to teardown and returns what `kevbench-worker run --json`\n"
        "prints: case_key, operation, setup_ns, teardown_ns, kernel_bytes_per_watch, affinities,\n"
        "and \"slices\", a list with the fields of slice records (times in ns). No statistics.\n\n"
        "`params` maps names to texts or whole numbers; those left out keep their defaults.\n"
        "`operations` (of each slice, at least 1) is as many as take about 12 ms unless given.\n"
        "`timed` adds \"hist\", for Histogram.from_fields(); only for workloads that list as "
        "timed.\n"
        "`counts` adds \"counts\": system calls and kernel events of a run of their own.\n\n"
        "Runs without the interpreter lock, in the calling thread, whose CPU affinity a workload\n"
        "with a `placement` changes meanwhile; Ctrl-C ends it after the slice it is in. Thread-\n"
        "safe, but CPU time and switches are the whole process's: other threads show in them.\n\n"
        "Raises UsageError (a ValueError) for a name or value that is not possible, NotAvailable\n"
        "with the reason where the cell cannot run, and Fault when the run is void.");
}

}  // namespace kevbench::python
