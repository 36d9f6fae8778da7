# riffle_argp: what reads command lines. A part of glibc; elsewhere (musl, macOS) a library of its own, which packages call
# argp-standalone.
include(CheckSymbolExists)
add_library(riffle_argp INTERFACE)
set(CMAKE_REQUIRED_DEFINITIONS -D_GNU_SOURCE)
check_symbol_exists(argp_parse argp.h RIFFLE_LIBC_HAS_ARGP)
unset(CMAKE_REQUIRED_DEFINITIONS)
if(NOT RIFFLE_LIBC_HAS_ARGP)
    find_path(ARGP_INCLUDE_DIR argp.h)
    find_library(ARGP_LIBRARY argp)
    mark_as_advanced(ARGP_INCLUDE_DIR ARGP_LIBRARY)
    if(NOT ARGP_INCLUDE_DIR OR NOT ARGP_LIBRARY)
        message(FATAL_ERROR "This C library has no argp, and no library argp was found. Install argp-standalone (Alpine: "
            "argp-standalone; Homebrew: argp-standalone), or name its folder by -DCMAKE_PREFIX_PATH=...")
    endif()
    target_include_directories(riffle_argp SYSTEM INTERFACE ${ARGP_INCLUDE_DIR})
    target_link_libraries(riffle_argp INTERFACE ${ARGP_LIBRARY})
endif()
