# What add_subdirectory and FetchContent give, by the names that find_package(riffle) gives: riffle_add_model
# and the targets below riffle::.
add_executable(riffle::riffle ALIAS riffle)
add_library(riffle::riffle_runtime ALIAS riffle_runtime)
add_library(riffle::runtime ALIAS riffle_runtime)
add_library(riffle::pass ALIAS riffle_pass)
include(${CMAKE_CURRENT_LIST_DIR}/riffleAddModel.cmake)
