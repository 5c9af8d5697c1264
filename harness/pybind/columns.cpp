// SPDX-License-Identifier: MIT
#include "kevbench/results/columns.hpp"

#include <fmt/format.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "bindings.hpp"

namespace kevbench::python {
namespace {

using results::column;
using results::column_kind;
using results::column_table;

/// Shares the table, so that one column kept alive keeps its memory in place.
struct held_column {
    std::shared_ptr<column_table> table;
    std::string name;
    column* data;
};

struct held_table {
    std::shared_ptr<column_table> table;
};

const char* name_of(column_kind kind) {
    switch (kind) {
        case column_kind::empty:
            return "empty";
        case column_kind::integer:
            return "integer";
        case column_kind::real:
            return "real";
        case column_kind::boolean:
            return "boolean";
        case column_kind::text:
            return "text";
        case column_kind::list:
            return "list";
        case column_kind::mixed:
            return "mixed";
    }
    return "";
}

template <class T>
py::array view_of(const std::vector<T>& values, py::handle owner) {
    return python::view_of(values.data(), values.size(), owner);
}

py::array values_of(const py::object& self) {
    const auto& held = self.cast<const held_column&>();
    switch (held.data->kind()) {
        case column_kind::integer:
        case column_kind::boolean:
            return view_of(held.data->integers(), self);
        case column_kind::real:
            return view_of(held.data->reals(), self);
        case column_kind::text:
            return view_of(held.data->codes(), self);
        case column_kind::list:
            return view_of(held.data->list_values(), self);
        case column_kind::empty:
        case column_kind::mixed:
            break;
    }
    throw py::value_error(fmt::format("field '{}' is {}: read it with results.reader", held.name,
                                      name_of(held.data->kind())));
}

py::array ends_of(const py::object& self) {
    const auto& held = self.cast<const held_column&>();
    if (held.data->kind() != column_kind::list)
        throw py::value_error(fmt::format("field '{}' holds no lists", held.name));
    return view_of(held.data->list_ends(), self);
}

py::object present_of(const py::object& self) {
    const auto& held = self.cast<const held_column&>();
    if (held.data->present().empty()) return py::none();
    // One byte of 0 or 1 each, which is what numpy's bool is.
    return view_of(held.data->present(), self).attr("view")("bool");
}

held_table read(std::filesystem::path path, const std::string& kind,
                const std::vector<std::string>& fields) {
    const py::gil_scoped_release released;
    if (std::filesystem::is_directory(path)) path /= "results.jsonl";
    return {std::make_shared<column_table>(results::read_columns(path, kind, fields))};
}

held_column at(const held_table& self, const std::string& name) {
    const auto found = self.table->columns.find(name);
    if (found == self.table->columns.end())
        throw py::key_error(fmt::format("no field '{}': names() lists those that occur", name));
    return {self.table, name, &found->second};
}

std::vector<std::string> names(const held_table& self) {
    std::vector<std::string> all;
    for (const auto& [name, ignored] : self.table->columns) all.push_back(name);
    return all;
}

void bind_column(py::module_& module) {
    py::class_<held_column>(
        module, "Column",
        "One field over all records of a kind. Its arrays are views. Read-only, hence thread-safe.")
        .def_readonly("name", &held_column::name, R"("wall_ns", "syscalls.read".)")
        .def_property_readonly(
            "kind", [](const held_column& self) { return name_of(self.data->kind()); },
            "integer, real, boolean, text, list, empty (null in every record) or mixed.")
        .def_property_readonly(
            "values", &values_of,
            "View of one element a record: int64 for integers and booleans (0, 1), float64 for\n"
            "reals, int32 for texts (indices into `texts`); for lists, int64 of all lists one\n"
            "after another. Records without the field hold 0, NaN, -1 or an empty list. Raises\n"
            "ValueError for kinds empty and mixed.")
        .def_property_readonly(
            "ends", &ends_of,
            "View of where each record's list ends in `values`; it begins where\n"
            "the one before ends. Raises ValueError for other kinds than list.")
        .def_property_readonly(
            "texts", [](const held_column& self) { return self.data->texts(); },
            "The distinct texts, in order of first occurrence; empty for other kinds than text.")
        .def_property_readonly("present", &present_of,
                               "View of one bool a record: has it a value? None when all have.")
        .def("__repr__", [](const held_column& self) {
            return fmt::format("<Column {} of {} {}>", self.name, self.table->rows,
                               name_of(self.data->kind()));
        });
}

}  // namespace

void bind_columns(py::module_& module) {
    bind_column(module);
    py::class_<held_table>(module, "Columns",
                           "All records of one kind of a result file, by field. Read-only, hence "
                           "thread-safe.")
        .def_property_readonly(
            "rows", [](const held_table& self) { return self.table->rows; },
            "Number of records of the kind: the length of every column.")
        .def_property_readonly(
            "file_records", [](const held_table& self) { return self.table->file.records; },
            "Number of records of all kinds in the file.")
        .def_property_readonly(
            "torn_bytes", [](const held_table& self) { return self.table->file.torn_bytes; },
            "Bytes of a last record that was cut off, and left out; 0 for a whole file.")
        .def_property_readonly(
            "lines",
            [](const py::object& self) {
                return view_of(self.cast<const held_table&>().table->lines, self);
            },
            "View of one int64 a record: its line of the file, from 1.")
        .def("names", &names, "Fields that occur, sorted; nested ones as \"outer.inner\".")
        .def("__len__", [](const held_table& self) { return self.table->columns.size(); })
        .def("__iter__", [](const held_table& self) { return py::iter(py::cast(names(self))); })
        .def(
            "__contains__",
            [](const held_table& self, const std::string& name) {
                return self.table->columns.contains(name);
            },
            py::arg("name"))
        .def("__getitem__", &at, py::arg("name"),
             "The column of a field. Raises KeyError for one that does not occur.");
    module.def("read_columns", &read, py::arg("path"), py::arg("kind") = "slice",
               py::arg("fields") = std::vector<std::string>{},
               "Reads the records of one kind from a result file or the run directory that holds "
               "it.\n\nAbout 1 us and 250 bytes a slice, or eight bytes for each of `fields` where "
               "some are\n"
               "named; runs without the interpreter lock. Raises DataError\nfor a file that is "
               "missing, damaged, compressed or of a newer version "
               "(results.reader\nreads compressed ones).");
}

}  // namespace kevbench::python
