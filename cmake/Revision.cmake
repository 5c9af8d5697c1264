# SPDX-License-Identifier: MIT
# Run by the build, not by the configuration, since commits come between two builds: writes which
# sources are being built, and only when that changed, so that nothing is rebuilt for its sake.
#   cmake -DSOURCE=DIR -DOUTPUT=FILE -P Revision.cmake
cmake_minimum_required(VERSION 3.25)
set(commit "unknown")
set(dirty "unknown")
find_program(git git)
if(git)
  execute_process(COMMAND ${git} -C ${SOURCE} rev-parse HEAD
    OUTPUT_VARIABLE head OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(commit ${head})
    execute_process(COMMAND ${git} -C ${SOURCE} status --porcelain --untracked-files=no
      OUTPUT_VARIABLE changes ERROR_QUIET RESULT_VARIABLE failed)
    if(NOT failed)
      if(changes STREQUAL "")
        set(dirty "no")
      else()
        set(dirty "yes")
      endif()
    endif()
  endif()
endif()

file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT
"// SPDX-License-Identifier: MIT
#pragma once

/// Commit of the sources this was built from, and whether they differed from it: \"yes\", \"no\".
inline constexpr const char* kvb_git_commit = \"@commit@\";
inline constexpr const char* kvb_git_dirty = \"@dirty@\";
")
