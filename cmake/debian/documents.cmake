# Run by cpack when the files are in place: what Debian's policy asks of a package's documents.
set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}/share)
set(documents ${share}/doc/riffle)
file(REMOVE ${documents}/LICENSE ${documents}/NOTICE) # the file copyright says both
configure_file(${CMAKE_CURRENT_LIST_DIR}/copyright ${documents}/copyright COPYONLY)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC) # of $SOURCE_DATE_EPOCH, where that is set
file(WRITE ${documents}/changelog "${CPACK_PACKAGE_NAME} (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * See NEWS.md beside this file.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
file(RENAME ${documents}/CHANGELOG.md ${documents}/NEWS.md)
file(GLOB pages ${share}/man/man1/*.1)
execute_process(COMMAND gzip -9nf ${documents}/changelog ${documents}/NEWS.md ${pages} COMMAND_ERROR_IS_FATAL ANY)
