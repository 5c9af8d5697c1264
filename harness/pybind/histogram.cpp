// SPDX-License-Identifier: MIT
#include "kevbench/harness/histogram.hpp"

#include <fmt/format.h>
#include <pybind11/operators.h>
#include <pybind11/stl.h>

#include <limits>

#include "bindings.hpp"

namespace kevbench::python {
namespace {

using harness::histogram;

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

std::int64_t nanoseconds(const py::int_& value) {
    int overflow = 0;
    const auto number = ::PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
    if (overflow != 0)
        throw py::value_error("a value is beyond 64 bits: the layout ends at 2^63-1 ns");
    return number;
}

std::uint64_t non_negative(const py::int_& value, const char* what) {
    const auto number = nanoseconds(value);
    if (number < 0) throw py::value_error(fmt::format("{} must not be negative", what));
    return static_cast<std::uint64_t>(number);
}

/// Checked before anything is recorded, so that a refused array leaves no trace.
py::array_t<std::int64_t> integers(const py::object& given) {
    const auto array = py::array::ensure(given);
    if (!array) throw py::type_error("values must be an array of integers");
    const bool empty = array.size() == 0;  // numpy makes an empty list an array of floats
    if (array.dtype().kind() == 'u' && array.itemsize() == sizeof(std::uint64_t)) {
        const auto wide =
            py::array_t<std::uint64_t, py::array::c_style | py::array::forcecast>::ensure(array);
        for (py::ssize_t i = 0; i < wide.size(); ++i)
            if (wide.data()[i] > static_cast<std::uint64_t>(largest))
                throw py::value_error("a value is beyond 64 bits: the layout ends at 2^63-1 ns");
    } else if (!empty && array.dtype().kind() != 'i' && array.dtype().kind() != 'u') {
        throw py::type_error(fmt::format("values must be integers, not {}: round them first",
                                         std::string{py::str(array.dtype())}));
    }
    return py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>::ensure(array);
}

void record_array(histogram& into, const py::object& given) {
    const auto values = integers(given);
    for (py::ssize_t i = 0; i < values.size(); ++i) into.record(values.data()[i]);
}

py::array quantiles(const histogram& from,
                    const py::array_t<double, py::array::c_style | py::array::forcecast>& q) {
    const std::vector<py::ssize_t> shape(q.shape(), q.shape() + q.ndim());
    py::array_t<std::int64_t> answers(shape);
    const auto size = static_cast<std::size_t>(q.size());
    from.quantiles_into({q.data(), size}, {answers.mutable_data(), size});
    return answers;
}

std::size_t bucket(const py::int_& index) {
    const auto number = nanoseconds(index);
    if (number < 0 || static_cast<std::size_t>(number) >= histogram::bucket_count)
        throw py::index_error(
            fmt::format("bucket {} is not one of {}", number, histogram::bucket_count));
    return static_cast<std::size_t>(number);
}

histogram from_fields(const py::object& fields) {
    // Through text, since a record may hold any mapping; read once a run, so cost does not matter.
    const auto text = py::module_::import("json").attr("dumps")(py::dict(fields));
    return histogram::from_json(nlohmann::json::parse(text.cast<std::string>(), nullptr, false));
}

std::string describe(const histogram& held) {
    return held.count() == 0 ? "<Histogram without values>"
                             : fmt::format("<Histogram of {} values from {} to {} ns>",
                                           held.count(), *held.min(), *held.max());
}

void bind_figures(py::class_<histogram>& type) {
    type.def_property_readonly("count", &histogram::count, "Number of values.")
        .def_property_readonly("sum", &histogram::sum,
                               "Sum of the values in ns, exact; stops at 2**64-1.")
        .def_property_readonly("negatives", &histogram::negatives,
                               "How many values were negative and counted as 0.")
        .def_property_readonly("min", &histogram::min,
                               "Smallest value in ns, exact; None without values.")
        .def_property_readonly("max", &histogram::max,
                               "Largest value in ns, exact; None without values.")
        .def_property_readonly(
            "counts",
            [](const py::object& self) {
                const auto counts = self.cast<const histogram&>().counts();
                return view_of(counts.data(), counts.size(), self);
            },
            "View of the count of every bucket, uint64, in order of value: BUCKET_COUNT of them.\n"
            "Shows later recordings too. lower_bound() and width() tell what a bucket holds.")
        .def("quantile", &histogram::quantile, py::arg("q"),
             "The value in ns of the smallest rank r with r / count >= q, off by at most half a\n"
             "bucket (0.05 %); q = 0 and q = 1 are exact. None without values. Raises ValueError\n"
             "unless 0 <= q <= 1.")
        .def("quantiles", &quantiles, py::arg("q"),
             "quantile() of each element of `q`, as int64 in its shape, written straight into the\n"
             "array. Raises ValueError without values and unless all of `q` are from 0 to 1.");
}

void bind_layout(py::class_<histogram>& type) {
    type.attr("LAYOUT") = std::string{histogram::layout};
    type.attr("BUCKET_COUNT") = histogram::bucket_count;
    type.attr("MAX_RELATIVE_ERROR") = histogram::max_relative_error;
    type.def_static(
            "index_of",
            [](const py::int_& value) { return histogram::index_of(non_negative(value, "value")); },
            py::arg("value"),
            "Index of the bucket of a value from 0 to 2**63-1 ns. Raises ValueError beyond.")
        .def_static(
            "lower_bound", [](const py::int_& i) { return histogram::lower_bound(bucket(i)); },
            py::arg("index"), "Smallest value of a bucket in ns. Raises IndexError.")
        .def_static(
            "width", [](const py::int_& i) { return histogram::width(bucket(i)); },
            py::arg("index"), "How many integers a bucket holds. Raises IndexError.");
}

void bind_copies(py::class_<histogram>& type) {
    const auto copy = [](const histogram& self) { return histogram{self}; };
    const auto fields = [](const histogram& self) { return to_python(self.to_json()); };
    type.def("copy", copy, "An independent histogram with the same values.")
        .def("__copy__", copy)
        .def(
            "__deepcopy__", [](const histogram& self, const py::dict&) { return histogram{self}; },
            py::arg("memo"))
        .def("to_fields", fields,
             "The distribution as stored in `hist` records: layout, count, sum, min, max, buckets.")
        .def_static("from_fields", &from_fields, py::arg("fields"),
                    "The histogram in a `hist` record or a slice's \"hist\". Raises DataError for\n"
                    "another layout or for fields that contradict each other.")
        .def(py::pickle(fields, [](const py::object& state) { return from_fields(state); }))
        .def(py::self == py::self)  // NOLINT(misc-redundant-expression): names the operator
        .def("__repr__", &describe);
}

}  // namespace

void bind_histogram(py::module_& module) {
    py::class_<histogram> type(
        module, "Histogram",
        "Log-linear histogram of durations in ns, layout \"loglin2^10\": a bucket each below "
        "2048,\n"
        "then 1024 buckets an octave, up to 2**63-1 ns. 432 KiB. Not thread-safe beyond what the\n"
        "interpreter lock gives: its methods keep the lock.");
    type.def(py::init<>())
        .def(
            "record",
            [](histogram& self, const py::int_& value, const py::int_& times) {
                self.record_n(nanoseconds(value), non_negative(times, "times"));
            },
            py::arg("value"), py::arg("times") = 1,
            "Adds a value in ns `times` times. A negative value counts as 0 and in `negatives`.\n"
            "Raises ValueError beyond 2**63-1.")
        .def("record_array", &record_array, py::arg("values"),
             "Adds every element of an array of integers, of any shape. Raises TypeError for\n"
             "floats and ValueError beyond 2**63-1, with nothing added.")
        .def("merge", &histogram::merge, py::arg("other"),
             "Adds the values of another histogram: the same as having recorded all in one.")
        .def("clear", &histogram::clear, "Forgets all values.");
    bind_figures(type);
    bind_layout(type);
    bind_copies(type);
    type.attr("__hash__") = py::none();
}

}  // namespace kevbench::python
