#include "frontend/tensor_file.h"

#include "ir/file_kind.h"
#include "ir/quote.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_PRINTED_NAME = 200 };

static const WeightFormat formats[] = {
#define WEIGHT_FORMAT(kind, read, ...) {read, __VA_ARGS__},
#include "frontend/weight_formats.def"
};

static const FileKind format_kinds[] = {
#define WEIGHT_FORMAT(kind, ...) FILE_KIND_##kind,
#include "frontend/weight_formats.def"
};
enum { FORMAT_COUNT = sizeof formats / sizeof formats[0] };

const char *shape_text(Arena *arena, int rank, const int64_t *dims) {
    Text text = {0};
    text_append(&text, "[");
    for (int i = 0; i < rank; i++)
        text_format(&text, "%s%" PRId64, i ? "," : "", dims[i]);
    text_append(&text, "]");
    const char *copy = arena_copy_string(arena, text.data);
    text_free(&text);
    return copy;
}

const char *file_word(Arena *arena, const char *string) {
    size_t length = quote_cut(string, LONGEST_PRINTED_NAME);
    return arena_format(arena, "%.*s%s", (int)length, string, string[length] ? "..." : "");
}

static int compare_keys(const void *a, const void *b) {
    return strcmp(((const FileTensor *)a)->key, ((const FileTensor *)b)->key);
}

/* NULL after reporting that the file is of none. */
static const WeightFormat *find_format(const TensorFile *file, Diagnostics *diagnostics) {
    WantedFile wanted = {"a file of weights", {FILE_KIND_UNKNOWN}};
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        wanted.kinds[i] = format_kinds[i];
    _Static_assert(sizeof wanted.kinds / sizeof wanted.kinds[0] >= FORMAT_COUNT, "");
    if (!file_is_wanted(file->path, file->mapped.bytes, file->mapped.size, &wanted, diagnostics))
        return NULL;
    FileKind kind = file_kind(file->mapped.bytes, file->mapped.size);
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (format_kinds[i] == kind)
            return &formats[i];
    return &formats[0];
}

/* Which of two is meant is not known: neither is. */
static void check_names(const TensorFile *file, Diagnostics *diagnostics) {
    for (size_t i = 1; i < file->tensor_count; i++) {
        FileTensor *one = &file->tensors[i - 1], *other = &file->tensors[i];
        if (compare_keys(one, other) != 0)
            continue;
        diagnostics_error(
            diagnostics, NULL, "%s: two tensors are called '%s'", file->path, one->name);
        one->sound = other->sound = false;
        one->used = other->used = true;
    }
}

bool tensor_file_sort(TensorFile *file, Diagnostics *diagnostics) {
    size_t errors_before = diagnostics_error_count(diagnostics);
    if (file->tensor_count > 1)
        qsort(file->tensors, file->tensor_count, sizeof file->tensors[0], compare_keys);
    check_names(file, diagnostics);
    return diagnostics_error_count(diagnostics) == errors_before;
}

TensorFile *tensor_file_open(const char *path, Diagnostics *diagnostics) {
    Arena *arena = arena_create();
    TensorFile *file = ARENA_NEW(arena, TensorFile);
    file->arena = arena;
    file->path = arena_copy_string(arena, path);
    if (!mapped_file_open(&file->mapped, file->path, diagnostics)) {
        arena_destroy(arena);
        return NULL;
    }
    file->format = find_format(file, diagnostics);
    if (file->format == NULL || !file->format->read(file, diagnostics)) {
        tensor_file_close(file);
        return NULL;
    }
    tensor_file_sort(file, diagnostics);
    return file;
}

void tensor_file_close(TensorFile *file) {
    if (file == NULL)
        return;
    mapped_file_close(&file->mapped);
    arena_destroy(file->arena);
}

bool tensor_file_take_prefix(TensorFile *file, const char *prefix, Diagnostics *diagnostics) {
    size_t length = strlen(prefix), count = 0;
    for (size_t i = 0; i < file->tensor_count; i++) {
        FileTensor *tensor = &file->tensors[i];
        if (strncmp(tensor->key, prefix, length) != 0)
            continue;
        tensor->key += length;
        tensor->name = file_word(file->arena, tensor->key);
        file->tensors[count++] = *tensor;
    }
    if (count == 0)
        diagnostics_error(diagnostics,
            file->tensor_count == 0
                ? NULL
                : arena_format(file->arena, "the first is '%s'", file->tensors[0].name),
            "%s: no tensor's name begins with '%s'", file->path, prefix);
    file->tensor_count = count;
    return count > 0;
}

FileTensor *tensor_file_find(const TensorFile *file, const char *key) {
    if (file->tensor_count == 0)
        return NULL;
    FileTensor wanted = {.key = key};
    return bsearch(
        &wanted, file->tensors, file->tensor_count, sizeof file->tensors[0], compare_keys);
}
