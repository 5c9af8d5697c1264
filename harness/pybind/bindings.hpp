// SPDX-License-Identifier: MIT
//
// The parts of the Python module _kevbench, each in its own file.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace kevbench::python {

namespace py = pybind11;

void bind_histogram(py::module_& module);
void bind_columns(py::module_& module);
void bind_measuring(py::module_& module);

/// The document as dicts, lists and numbers. `Json` is nlohmann's ordered or unordered kind.
template <class Json>
py::object to_python(const Json& value) {
    using kind = nlohmann::json::value_t;
    switch (value.type()) {
        case kind::object: {
            py::dict made;
            for (const auto& [name, inner] : value.items()) made[py::str(name)] = to_python(inner);
            return made;
        }
        case kind::array: {
            py::list made;
            for (const auto& inner : value) made.append(to_python(inner));
            return made;
        }
        case kind::string:
            return py::str(value.template get_ref<const std::string&>());
        case kind::boolean:
            return py::bool_(value.template get<bool>());
        case kind::number_integer:
            return py::int_(value.template get<std::int64_t>());
        case kind::number_unsigned:
            return py::int_(value.template get<std::uint64_t>());
        case kind::number_float:
            return py::float_(value.template get<double>());
        default:
            return py::none();
    }
}

/// A read-only array over memory that `owner` keeps alive and in place; nothing is copied.
template <class T>
py::array view_of(const T* data, std::size_t size, py::handle owner) {
    py::array_t<T> made({size}, {sizeof(T)}, data, owner);
    py::detail::array_proxy(made.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
    return made;
}

}  // namespace kevbench::python
