# The support code (runtime/support) as LLVM IR, for pointers of 64 and of 32 bits, in a header below the build folder.
# By a clang that is no newer than LLVM, which reads what older ones wrote. Without one, machine code has no support code.
set(RIFFLE_CLANG "" CACHE FILEPATH "The clang that makes LLVM IR of runtime/support; empty: the one that is found")
set(support_clang "${RIFFLE_CLANG}")
if(NOT support_clang)
    foreach(version RANGE ${LLVM_VERSION_MAJOR} 15 -1)
        find_program(RIFFLE_CLANG_${version} clang-${version} HINTS ${LLVM_TOOLS_BINARY_DIR})
        mark_as_advanced(RIFFLE_CLANG_${version})
        if(NOT support_clang AND RIFFLE_CLANG_${version})
            set(support_clang ${RIFFLE_CLANG_${version}})
        endif()
    endforeach()
endif()
if(support_clang)
    message(STATUS "Support code by ${support_clang}")
    set(support_header ${CMAKE_CURRENT_BINARY_DIR}/emit/llvm/support_code.h)
    set(support_sources)
    file(GLOB support_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/runtime/support/*.[ch])
    set(support_flags -std=c11 -ffreestanding -fPIC -O1 -Xclang -disable-llvm-passes -emit-llvm -ffp-contract=off
        -fno-ident -fno-unwind-tables -fno-asynchronous-unwind-tables -fno-stack-protector -g0
        -I${PROJECT_SOURCE_DIR} -c ${PROJECT_SOURCE_DIR}/runtime/support/library.c)
    add_custom_command(OUTPUT ${support_header}
        COMMAND ${support_clang} --target=x86_64-unknown-linux-gnu ${support_flags} -o support_64.bc
        COMMAND ${support_clang} --target=wasm32-unknown-unknown ${support_flags} -o support_32.bc
        COMMAND ${CMAKE_COMMAND} -DHEADER=${support_header} -P ${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake
            support_code_64 support_64.bc support_code_32 support_32.bc
        DEPENDS ${support_sources} ${PROJECT_SOURCE_DIR}/backends/program/status.def ${PROJECT_SOURCE_DIR}/ir/decodings.def
            ${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake
        WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR} VERBATIM)
    target_sources(riffle_backends PRIVATE ${support_header})
    target_compile_definitions(riffle_backends PRIVATE RIFFLE_HAS_SUPPORT_CODE)
else()
    message(WARNING "clang ${LLVM_VERSION_MAJOR} or older not found (Debian: clang-${LLVM_VERSION_MAJOR}): "
        "libraries of machine code will have no NAME_prepare_...")
endif()
