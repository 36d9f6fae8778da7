# riffle_add_model(TARGET <target> SPEC <file>
#                  WEIGHTS <file> | RANDOM_WEIGHTS <seed>
#                  [NAME <name>] [SET <parameter=value>...] [TARGET_CPU <processor>]
#                  [SHARED] [OPTIONS <option>...] [DEPENDS <file>...])
#
# Makes <target>, a static (or shared) library with the compiled network; linking it gives the include directory of
# its header, NAME.h. It is compiled again when a file that was read (the spec and what it imports, weights,
# calibration, tuning) or the compiler changes; with CMake before 3.21, when the spec, the weights, DEPENDS or the
# compiler change.
#
#   TARGET          the library target to make
#   SPEC            the network, .rfl, .json or .rir
#   WEIGHTS         its weights, safetensors or what torch.save wrote
#   RANDOM_WEIGHTS  a seed to make weights up from, where there are none yet
#   NAME            prefix of the symbols and name of the header (default: the target as a C identifier)
#   SET             parameters of the spec: SET width=0.5 classes=10
#   TARGET_CPU      the processor, as `riffle compile --cpu` (default: any that the platform has); x86-64-multi and
#                   aarch64-multi have code for several. The platform is the one that the build's compiler makes code for; where
#                   riffle has none of that name, TARGET_CPU must be one whose code fits. cuda-... is a GPU.
#   SHARED          <target> is the shared library lib<name>.so (Linux and Android); the static one lies beside it
#   OPTIONS         further options of `riffle compile`
#   DEPENDS         further files to watch, such as those that another rule makes
#
# In a build for Android, find_package needs NO_CMAKE_FIND_ROOT_PATH, since riffle is a program of the host.
#
#   find_package(riffle REQUIRED)                # or add_subdirectory(riffle EXCLUDE_FROM_ALL), FetchContent
#   riffle_add_model(TARGET digits SPEC digits.rfl WEIGHTS digits.safetensors TARGET_CPU x86-64-v3)
#   target_link_libraries(app PRIVATE digits)    # app.c: #include "digits.h"
cmake_policy(PUSH)
if(POLICY CMP0116) # paths in depfiles
    cmake_policy(SET CMP0116 NEW)
endif()
function(riffle_add_model)
    set(single TARGET NAME SPEC WEIGHTS RANDOM_WEIGHTS TARGET_CPU)
    cmake_parse_arguments(PARSE_ARGV 0 MODEL "SHARED" "${single}" "SET;OPTIONS;DEPENDS")
    if(MODEL_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "riffle_add_model: unknown arguments: ${MODEL_UNPARSED_ARGUMENTS}")
    endif()
    foreach(needed TARGET SPEC)
        if(NOT MODEL_${needed})
            message(FATAL_ERROR "riffle_add_model: ${needed} is missing")
        endif()
    endforeach()
    if(MODEL_OPTIONS MATCHES "(^|;)--(target|cpu)(=|;|$)")
        message(FATAL_ERROR "riffle_add_model: --${CMAKE_MATCH_2} in OPTIONS: TARGET_CPU says the processor")
    endif()
    if(DEFINED MODEL_WEIGHTS AND DEFINED MODEL_RANDOM_WEIGHTS)
        message(FATAL_ERROR "riffle_add_model: WEIGHTS and RANDOM_WEIGHTS exclude each other")
    endif()
    if(NOT MODEL_NAME)
        string(MAKE_C_IDENTIFIER "${MODEL_TARGET}" MODEL_NAME)
    endif()

    riffle_program(program)
    get_filename_component(spec "${MODEL_SPEC}" ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
    set(depends ${spec} ${program})
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
    riffle_target_arguments(target_arguments "${MODEL_TARGET_CPU}")
    list(APPEND arguments ${target_arguments})
    foreach(setting IN LISTS MODEL_SET)
        list(APPEND arguments --set ${setting})
    endforeach()

    set(folder ${CMAKE_CURRENT_BINARY_DIR}/riffle/${MODEL_TARGET})
    set(library ${folder}/lib${MODEL_NAME}.a)
    set(depfile)
    if(NOT CMAKE_VERSION VERSION_LESS 3.21)
        list(APPEND arguments --depfile ${folder}/${MODEL_NAME}.d)
        set(depfile DEPFILE ${folder}/${MODEL_NAME}.d)
    endif()
    set(kind STATIC)
    set(files ${library})
    if(MODEL_SHARED)
        set(kind SHARED)
        set(library ${folder}/lib${MODEL_NAME}.so)
        list(APPEND files ${library})
        list(APPEND arguments --shared)
    endif()
    file(MAKE_DIRECTORY ${folder}) # an include directory must be there when targets are generated
    add_custom_command(
        OUTPUT ${files} ${folder}/${MODEL_NAME}.h ${folder}/${MODEL_NAME}.json
        COMMAND ${program} compile ${spec} ${arguments} ${MODEL_OPTIONS} -o ${folder}
        DEPENDS ${depends}
        ${depfile}
        COMMENT "Compiling network ${MODEL_NAME}"
        VERBATIM)
    add_custom_target(${MODEL_TARGET}_compiled DEPENDS ${library})

    add_library(${MODEL_TARGET} ${kind} IMPORTED GLOBAL)
    set_target_properties(${MODEL_TARGET} PROPERTIES IMPORTED_LOCATION ${library}
        IMPORTED_SONAME lib${MODEL_NAME}.so INTERFACE_INCLUDE_DIRECTORIES ${folder})
    add_dependencies(${MODEL_TARGET} ${MODEL_TARGET}_compiled)
endfunction()
cmake_policy(POP)

# Puts the program that compiles networks into <variable>: what RIFFLE_EXECUTABLE says, or the target of a riffle
# that is built along, which runs here unless the build is for another machine.
function(riffle_program variable)
    set(program ${RIFFLE_EXECUTABLE})
    if(NOT program AND TARGET riffle::riffle AND NOT CMAKE_CROSSCOMPILING)
        set(program riffle)
    elseif(NOT program)
        message(FATAL_ERROR "riffle_add_model: riffle is a program of the machine that builds, and this build is for "
            "another one: build riffle apart, and set RIFFLE_EXECUTABLE to its path or use find_package(riffle)")
    endif()
    set(${variable} ${program} PARENT_SCOPE)
endfunction()

# Puts the options of `riffle compile` for what the build makes code for, and the processor <cpu> of it ("" for
# any), into <variable>.
function(riffle_target_arguments variable cpu)
    if(CMAKE_SYSTEM_NAME STREQUAL "Android")
        riffle_android_target(platform)
    elseif(cpu MATCHES "^cuda-")
        set(${variable} --target ${cpu} PARENT_SCOPE)
        return()
    else()
        riffle_compiler_platform(platform)
        file(STRINGS ${riffle_platform_source} platforms REGEX "^#error")
        list(TRANSFORM platforms REPLACE "^#error riffle-platform=(.*);" "\\1")
        if(cpu IN_LIST platforms AND platform STREQUAL "none")
            set(platform ${cpu}) # what the caller vouches for
        elseif(platform STREQUAL "none")
            message(FATAL_ERROR "riffle_add_model: `riffle targets` has no platform that is what the compiler makes "
                "code for (${CMAKE_SYSTEM_NAME}, ${CMAKE_SYSTEM_PROCESSOR}); if code for one of them fits, give its "
                "name as TARGET_CPU")
        elseif(cpu IN_LIST platforms AND NOT cpu STREQUAL platform)
            message(FATAL_ERROR "riffle_add_model: TARGET_CPU is ${cpu}, but the compiler makes code for ${platform}")
        endif()
    endif()
    if(cpu STREQUAL "" OR cpu STREQUAL platform)
        set(${variable} --target ${platform} PARENT_SCOPE)
    else()
        set(${variable} --target ${platform} --cpu ${cpu} PARENT_SCOPE)
    endif()
endfunction()

set(riffle_platform_source ${CMAKE_CURRENT_LIST_DIR}/riffleCompilerPlatform.c.in CACHE INTERNAL "")

# Puts the name of the platform that the project's compiler makes code for into <variable>, or "none". The
# compiler is asked once for each set of flags.
function(riffle_compiler_platform variable)
    get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
    if("C" IN_LIST languages)
        set(language C)
        set(ending c)
    elseif("CXX" IN_LIST languages)
        set(language CXX)
        set(ending cpp)
    else()
        message(FATAL_ERROR "riffle_add_model: the project needs the language C or CXX, whose compiler says what to "
            "make code for")
    endif()
    string(SHA1 key "${CMAKE_${language}_COMPILER} ${CMAKE_${language}_COMPILER_TARGET} ${CMAKE_${language}_FLAGS} \
${CMAKE_OSX_ARCHITECTURES}")
    if(NOT DEFINED RIFFLE_PLATFORM_${key})
        set(folder ${CMAKE_BINARY_DIR}/CMakeFiles/riffle-platform)
        configure_file(${riffle_platform_source} ${folder}/platform.${ending} COPYONLY)
        set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
        try_compile(compiled ${folder}/build SOURCES ${folder}/platform.${ending} OUTPUT_VARIABLE said)
        unset(compiled CACHE)
        string(REGEX MATCHALL "riffle-platform=[a-z0-9_-]+" found "${said}")
        list(REMOVE_DUPLICATES found)
        list(LENGTH found count)
        if(NOT count EQUAL 1)
            message(FATAL_ERROR "riffle_add_model: the compiler does not say for one platform what it makes code "
                "for:\n${said}")
        endif()
        string(REPLACE "riffle-platform=" "" platform "${found}")
        set(RIFFLE_PLATFORM_${key} ${platform} CACHE INTERNAL "what riffle_add_model makes code for")
    endif()
    set(${variable} ${RIFFLE_PLATFORM_${key}} PARENT_SCOPE)
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
    riffle_program(program)
    execute_process(COMMAND ${program} android-package --print-targets --abi "${abi}" --api "${level}"
        RESULT_VARIABLE status OUTPUT_VARIABLE target ERROR_VARIABLE fault OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "riffle_add_model for Android, ABI '${abi}', API level '${level}':\n${fault}")
    endif()
    set(${variable} "${target}" PARENT_SCOPE)
endfunction()
