# riffle_add_model(TARGET <target> SPEC <file>
#                  WEIGHTS <file> | RANDOM_WEIGHTS <seed>
#                  [NAME <name>] [SET <parameter=value>...] [TARGET_CPU <processor>]
#                  [OPTIONS <option>...] [DEPENDS <file>...])
#
# Makes <target>, a static library with the compiled network; linking it gives the include directory of
# its header, NAME.h. It is compiled again when the spec, the weights or the compiler change.
#
#   TARGET          the library target to make
#   SPEC            the network, .rfl, .json or .rir
#   WEIGHTS         its weights, safetensors
#   RANDOM_WEIGHTS  a seed to make weights up from, where there are none yet
#   NAME            prefix of the symbols and name of the header (default: the target as a C identifier)
#   SET             parameters of the spec: SET width=0.5 classes=10
#   TARGET_CPU      as `riffle compile --target` (default: riffle's own default); x86-64-multi has code for several;
#                   for Android, where the ABI and the API level of the build decide, as --cpu
#   OPTIONS         further options of `riffle compile`
#   DEPENDS         further files to watch: those that the spec imports
#
# In a build for Android, find_package needs NO_CMAKE_FIND_ROOT_PATH, since riffle is a program of the host.
#
#   find_package(riffle REQUIRED)
#   riffle_add_model(TARGET digits SPEC digits.rfl WEIGHTS digits.safetensors TARGET_CPU x86-64-v3)
#   target_link_libraries(app PRIVATE digits)    # app.c: #include "digits.h"
function(riffle_add_model)
    set(single TARGET NAME SPEC WEIGHTS RANDOM_WEIGHTS TARGET_CPU)
    cmake_parse_arguments(PARSE_ARGV 0 MODEL "" "${single}" "SET;OPTIONS;DEPENDS")
    if(MODEL_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "riffle_add_model: unknown arguments: ${MODEL_UNPARSED_ARGUMENTS}")
    endif()
    foreach(needed TARGET SPEC)
        if(NOT MODEL_${needed})
            message(FATAL_ERROR "riffle_add_model: ${needed} is missing")
        endif()
    endforeach()
    if(DEFINED MODEL_WEIGHTS AND DEFINED MODEL_RANDOM_WEIGHTS)
        message(FATAL_ERROR "riffle_add_model: WEIGHTS and RANDOM_WEIGHTS exclude each other")
    endif()
    if(NOT MODEL_NAME)
        string(MAKE_C_IDENTIFIER "${MODEL_TARGET}" MODEL_NAME)
    endif()

    get_filename_component(spec "${MODEL_SPEC}" ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
    set(depends ${spec} ${RIFFLE_EXECUTABLE})
    foreach(file IN LISTS MODEL_DEPENDS)
        get_filename_component(file "${file}" ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
        list(APPEND depends ${file})
    endforeach()
    set(arguments --name ${MODEL_NAME})
    if(DEFINED MODEL_WEIGHTS)
        get_filename_component(weights "${MODEL_WEIGHTS}" ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
        list(APPEND depends ${weights})
        list(APPEND arguments --weights ${weights})
    elseif(DEFINED MODEL_RANDOM_WEIGHTS)
        list(APPEND arguments --random-weights ${MODEL_RANDOM_WEIGHTS})
    endif()
    if(CMAKE_SYSTEM_NAME STREQUAL "Android")
        riffle_android_target(target)
        list(APPEND arguments --target ${target})
        if(MODEL_TARGET_CPU)
            list(APPEND arguments --cpu ${MODEL_TARGET_CPU})
        endif()
    elseif(MODEL_TARGET_CPU)
        list(APPEND arguments --target ${MODEL_TARGET_CPU})
    endif()
    foreach(setting IN LISTS MODEL_SET)
        list(APPEND arguments --set ${setting})
    endforeach()

    set(folder ${CMAKE_CURRENT_BINARY_DIR}/riffle/${MODEL_TARGET})
    set(library ${folder}/lib${MODEL_NAME}.a)
    file(MAKE_DIRECTORY ${folder}) # an include directory must be there when targets are generated
    add_custom_command(
        OUTPUT ${library} ${folder}/${MODEL_NAME}.h ${folder}/${MODEL_NAME}.json
        COMMAND ${RIFFLE_EXECUTABLE} compile ${spec} ${arguments} ${MODEL_OPTIONS} -o ${folder}
        DEPENDS ${depends}
        COMMENT "Compiling network ${MODEL_NAME}"
        VERBATIM)
    add_custom_target(${MODEL_TARGET}_compiled DEPENDS ${library})

    add_library(${MODEL_TARGET} STATIC IMPORTED GLOBAL)
    set_target_properties(${MODEL_TARGET} PROPERTIES IMPORTED_LOCATION ${library}
        INTERFACE_INCLUDE_DIRECTORIES ${folder})
    add_dependencies(${MODEL_TARGET} ${MODEL_TARGET}_compiled)
endfunction()

# Puts riffle's name for the ABI and API level of a build for Android into <variable>. The NDK's toolchain file
# says them in its own variables (its CMAKE_SYSTEM_VERSION may be 1), CMake's own support in CMake's.
function(riffle_android_target variable)
    set(abi "${CMAKE_ANDROID_ARCH_ABI}")
    if(ANDROID_ABI)
        set(abi "${ANDROID_ABI}")
    endif()
    set(level "${CMAKE_SYSTEM_VERSION}")
    if(ANDROID_PLATFORM_LEVEL)
        set(level "${ANDROID_PLATFORM_LEVEL}")
    elseif(ANDROID_PLATFORM MATCHES "([0-9]+)$")
        set(level "${CMAKE_MATCH_1}")
    endif()
    if(abi STREQUAL "armeabi-v7a" AND DEFINED ANDROID_ARM_NEON AND NOT ANDROID_ARM_NEON)
        message(FATAL_ERROR "riffle_add_model: ANDROID_ARM_NEON is off, and there is no code for ARM without NEON")
    endif()
    execute_process(COMMAND ${RIFFLE_EXECUTABLE} android-package --print-targets --abi "${abi}" --api "${level}"
        RESULT_VARIABLE status OUTPUT_VARIABLE target ERROR_VARIABLE fault OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "riffle_add_model for Android, ABI '${abi}', API level '${level}':\n${fault}")
    endif()
    set(${variable} "${target}" PARENT_SCOPE)
endfunction()
