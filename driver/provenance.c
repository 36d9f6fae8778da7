#include "driver/provenance.h"

#include "driver/version.h"
#include "ir/progress.h"
#include "ir/sha256.h"

#include <string.h>

static InputFile source_file(const char *path, Arena *arena) {
    char digits[SHA256_DIGITS + 1];
    const char *slash = strrchr(path, '/');
    InputFile file = {.name = slash == NULL ? path : slash + 1};
    if (sha256_of_file(path, digits))
        file.sha256 = arena_copy_string(arena, digits);
    return file;
}

Provenance model_provenance(const ModelOptions *options) {
    Arena *arena = options->session->arena;
    size_t count;
    const char *const *paths = diagnostics_inputs(options->session->diagnostics, &count);
    InputFile *files = ARENA_ARRAY(arena, InputFile, count);
    int work = progress_begin("hashing files", (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        progress_set((int64_t)i + 1);
        files[i] = source_file(paths[i], arena);
    }
    progress_end(work);
    return (Provenance){.version = RIFFLE_VERSION,
        .pipeline = model_pipeline(options),
        .files = files,
        .file_count = count};
}
