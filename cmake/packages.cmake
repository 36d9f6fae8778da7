# What `cpack` makes: a Debian package.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME riffle)
set(CPACK_PACKAGE_CONTACT "riffle's authors <maintainers@riffle.example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "ahead-of-time compiler for small convolutional networks")
set(CPACK_PACKAGE_DESCRIPTION "riffle compiles networks of the ShuffleNet family and their neighbours,
from a language of its own or from models of ONNX, ncnn and PyTorch, to
static libraries in C that need nothing beside themselves.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
    WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "graphviz, qemu-user")
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/debian/documents.cmake)
include(CPack)
