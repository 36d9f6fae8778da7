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
#   TARGET_CPU      as `riffle compile --target` (default: riffle's own default); x86-64-multi has code for several
#   OPTIONS         further options of `riffle compile`
#   DEPENDS         further files to watch: those that the spec imports
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
    if(MODEL_TARGET_CPU)
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
