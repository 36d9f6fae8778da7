/* A riffle without the library that reads ONNX. */
#include "frontend/onnx/import.h"

bool onnx_is_built_in(void) {
    return false;
}

static Graph *refuse(Diagnostics *diagnostics) {
    diagnostics_error(diagnostics, ONNX_REMEDY, ONNX_LACKS);
    return NULL;
}

Graph *onnx_import(
    const char *path, const ImporterOptions *options, Arena *arena, Diagnostics *diagnostics) {
    (void)path, (void)options, (void)arena;
    return refuse(diagnostics);
}

Graph *onnx_import_bytes(const char *path, const void *bytes, size_t length,
    const ImporterOptions *options, Arena *arena, Diagnostics *diagnostics) {
    (void)path, (void)bytes, (void)length, (void)options, (void)arena;
    return refuse(diagnostics);
}
