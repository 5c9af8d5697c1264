// SPDX-License-Identifier: MIT
#include "bindings.hpp"
#include "kevbench/results/error.hpp"
#include "kevbench/workload/error.hpp"

namespace {

namespace py = pybind11;
using namespace kevbench;

template <class Exception>
void name_exception(py::module_& module, const char* name, PyObject* base, const char* text) {
    py::register_exception<Exception>(module, name, base).attr("__doc__") = text;
}

}  // namespace

PYBIND11_MODULE(_kevbench, module) {
    module.doc() =
        "What is measured in C++, for Python: histograms, stored results as columns, the list of\n"
        "mechanisms and workloads, and single cells.\n\n"
        "Times are nanoseconds unless said otherwise. Arrays are numpy's. Those called views show\n"
        "the memory of the object they come from, keep it alive, and cannot be written.";
    module.attr("__version__") = KVB_VERSION;

    name_exception<workload::usage_error>(
        module, "UsageError", PyExc_ValueError,
        "An unknown name, a value out of range, or a limit that is too low. One line, says what "
        "to do.");
    name_exception<workload::not_available>(
        module, "NotAvailable", PyExc_RuntimeError,
        "The cell cannot run on this machine; the text is the reason.");
    name_exception<workload::fault>(
        module, "Fault", PyExc_RuntimeError,
        "The run is void: wrong or unequal work, or a system call that failed.");
    name_exception<results::data_error>(
        module, "DataError", PyExc_ValueError,
        "Stored data that cannot be used. One line, names file and line, says what to do.");

    python::bind_histogram(module);
    python::bind_columns(module);
    python::bind_measuring(module);
}
