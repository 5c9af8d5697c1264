# SPDX-License-Identifier: MIT
# Warnings, sanitizers and the shape of the tree's libraries and tests, decided once.

add_library(kvb_options INTERFACE)
target_compile_options(kvb_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Woverloaded-virtual -Werror)

# One of: none, address (with undefined behaviour), thread.
set(KVB_SANITIZE none CACHE STRING "Sanitizers of this build")
set_property(CACHE KVB_SANITIZE PROPERTY STRINGS none address thread)
if(KVB_SANITIZE STREQUAL "address")
  set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(KVB_SANITIZE STREQUAL "thread")
  set(sanitize -fsanitize=thread -fno-omit-frame-pointer)
  add_compile_definitions(KVB_THREAD_SANITIZER)
elseif(NOT KVB_SANITIZE STREQUAL "none")
  message(FATAL_ERROR "KVB_SANITIZE is '${KVB_SANITIZE}': use none, address or thread")
endif()
if(sanitize)
  add_compile_options(${sanitize})
  add_link_options(${sanitize})
  # Reports name lines, which is what line tables hold; full debug information takes a tenth longer.
  string(REPLACE "-g" "-gline-tables-only" CMAKE_CXX_FLAGS_DEBUG "${CMAKE_CXX_FLAGS_DEBUG}")
endif()

# The library headers that most sources take, parsed once a target. Of sanitized builds only: what is
# measured, and what clang-tidy reads, is compiled source by source.
function(kvb_precompile target)
  list(LENGTH ARGN sources)
  if(sanitize AND sources GREATER 3)
    set(headers ${CMAKE_SOURCE_DIR}/cmake/common_headers.hpp)
    target_precompile_headers(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${headers}>")
  endif()
endfunction()

# kvb_library(NAME SOURCES... [LINK ...]): a static library whose public headers are in include/.
function(kvb_library name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/include)
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_LINK} PRIVATE kvb_options)
  kvb_precompile(${name} ${arg_UNPARSED_ARGUMENTS})
endfunction()

# kvb_test(NAME SOURCES... LINK ...): a GoogleTest program, its cases registered with CTest.
function(kvb_test name)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(arg "" "TIMEOUT" "LINK" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_LINK} kvb_options GTest::gtest GTest::gmock GTest::gtest_main)
  kvb_precompile(${name} ${arg_UNPARSED_ARGUMENTS})
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT ${arg_TIMEOUT})
endfunction()
