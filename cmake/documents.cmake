# What is installed to be read: licence, pages, manual pages (where help2man is there), what shells complete.
# A riffle for another processor says it under the emulator.
find_program(HELP2MAN help2man)
set(manual ${PROJECT_BINARY_DIR}/manual)
if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    message(STATUS "No manual pages and no completion: they are made by running riffle (CMAKE_CROSSCOMPILING_EMULATOR)")
else()
    set(program $<TARGET_FILE:riffle>)
    if(CMAKE_CROSSCOMPILING)
        list(PREPEND program ${CMAKE_CROSSCOMPILING_EMULATOR})
    endif()
    add_custom_command(OUTPUT ${manual}/bash
        COMMAND ${CMAKE_COMMAND} "-DRIFFLE=${program}" -DVERSION=${PROJECT_VERSION} -DFOLDER=${manual}
            "-DHELP2MAN=$<$<BOOL:${HELP2MAN}>:${HELP2MAN}>" -P ${CMAKE_CURRENT_LIST_DIR}/manual.cmake
        DEPENDS riffle ${CMAKE_CURRENT_LIST_DIR}/manual.cmake VERBATIM)
    add_custom_target(manual ALL DEPENDS ${manual}/bash)
    install(FILES ${manual}/bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME riffle)
    install(FILES ${manual}/_riffle DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
    install(FILES ${manual}/riffle.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
    if(HELP2MAN)
        install(DIRECTORY ${manual}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
    endif()
endif()
install(FILES README.md CHANGELOG.md LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} PATTERN .gitignore EXCLUDE PATTERN node_modules EXCLUDE
    PATTERN site.py EXCLUDE PATTERN requirements.txt EXCLUDE)

# Where to find the pool of threads, for programs that are not built by CMake.
file(RELATIVE_PATH riffle_prefix_from_pkgconfig /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/riffle_runtime.pc.in riffle_runtime.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/riffle_runtime.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
