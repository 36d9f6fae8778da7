# What `cmake --install` puts where, and the package that find_package(riffle) finds: in an installation
# prefix as well as in the build tree (both have it under lib/cmake/riffle).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_source ${CMAKE_CURRENT_LIST_DIR})
set(package_build ${CMAKE_BINARY_DIR}/lib/cmake/riffle)
set(package_install ${CMAKE_INSTALL_LIBDIR}/cmake/riffle)

install(TARGETS riffle RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program) # alone in Python's package
set(RIFFLE_WHEEL_LINKER "" CACHE FILEPATH "An lld that goes into a wheel beside riffle; empty: none (python/make_wheel.py)")
if(RIFFLE_WHEEL_LINKER)
    file(REAL_PATH ${RIFFLE_WHEEL_LINKER} wheel_linker)
    install(PROGRAMS ${wheel_linker} DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME ld.lld COMPONENT program)
endif()
install(TARGETS riffle_runtime riffle_pass EXPORT riffleTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/runtime/riffle_runtime.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/passes/riffle/pass.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/riffle)
install(EXPORT riffleTargets NAMESPACE riffle:: DESTINATION ${package_install})
export(EXPORT riffleTargets NAMESPACE riffle:: FILE ${package_build}/riffleTargets.cmake)

# In the build tree the program lies at its top, three folders above the package.
set(riffle_program_folder ${CMAKE_INSTALL_FULL_BINDIR})
configure_package_config_file(${package_source}/riffleConfig.cmake.in
    ${PROJECT_BINARY_DIR}/installed/riffleConfig.cmake
    INSTALL_DESTINATION ${package_install} PATH_VARS riffle_program_folder)
set(riffle_program_folder ${CMAKE_BINARY_DIR})
configure_package_config_file(${package_source}/riffleConfig.cmake.in ${package_build}/riffleConfig.cmake
    INSTALL_PREFIX ${CMAKE_BINARY_DIR} INSTALL_DESTINATION lib/cmake/riffle
    PATH_VARS riffle_program_folder)
# The package is used when compiling for other processors, too: riffle is a host program.
write_basic_package_version_file(${package_build}/riffleConfigVersion.cmake
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
foreach(file riffleAddModel.cmake riffleCompilerPlatform.c.in)
    configure_file(${package_source}/${file} ${package_build}/${file} COPYONLY)
endforeach()
install(FILES ${PROJECT_BINARY_DIR}/installed/riffleConfig.cmake
    ${package_build}/riffleConfigVersion.cmake ${package_source}/riffleAddModel.cmake
    ${package_source}/riffleCompilerPlatform.c.in DESTINATION ${package_install})
