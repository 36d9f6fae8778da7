/* The safetensors format: 8 bytes of little-endian header length, a JSON header that gives each
 * tensor's type, shape and byte range, then the data. Files come from strangers: nothing in the
 * header is believed before it was compared with the size of the file. */
#include "frontend/tensor_file.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8 };
static const uint64_t longest_header = 100u * 1000u * 1000u; /* the format's own limit */

typedef struct SafetensorsRow {
    const char *name;
    unsigned bytes;
    FileTensorType type;
} SafetensorsRow;

static const SafetensorsRow type_rows[] = {
    {"F32", 4, FILE_F32},
    {"F16", 2, FILE_F16},
    {"BF16", 2, FILE_BF16},
    {"F64", 8, FILE_F64},
    {"I64", 8, FILE_OTHER},
    {"U64", 8, FILE_OTHER},
    {"I32", 4, FILE_OTHER},
    {"U32", 4, FILE_OTHER},
    {"I16", 2, FILE_OTHER},
    {"U16", 2, FILE_OTHER},
    {"I8", 1, FILE_OTHER},
    {"U8", 1, FILE_OTHER},
    {"BOOL", 1, FILE_OTHER},
    {"F8_E4M3", 1, FILE_OTHER},
    {"F8_E5M2", 1, FILE_OTHER},
};
enum { TYPE_ROW_COUNT = sizeof type_rows / sizeof type_rows[0] };

static const SafetensorsRow *find_type(const char *name) {
    for (size_t i = 0; i < TYPE_ROW_COUNT; i++)
        if (strcmp(type_rows[i].name, name) == 0)
            return &type_rows[i];
    return NULL;
}

/* ---- one tensor of the header ---- */

/* Reads shape into the tensor and its number of bytes into *bytes. */
static bool read_shape(TensorFile *file, FileTensor *tensor, const json_t *shape,
    unsigned element_bytes, uint64_t *bytes, Diagnostics *diagnostics) {
    if (!json_is_array(shape)) {
        diagnostics_error(
            diagnostics, NULL, "%s: tensor '%s' has no list \"shape\"", file->path, tensor->name);
        return false;
    }
    size_t rank = json_array_size(shape);
    if (rank > FILE_TENSOR_MAX_RANK) {
        diagnostics_error(diagnostics, NULL,
            "%s: tensor '%s' has %zu dimensions; at most %d are read", file->path, tensor->name,
            rank, FILE_TENSOR_MAX_RANK);
        return false;
    }
    *bytes = element_bytes;
    tensor->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        const json_t *item = json_array_get(shape, i);
        if (!json_is_integer(item) || json_integer_value(item) < 0) {
            diagnostics_error(diagnostics, NULL,
                "%s: tensor '%s': dimension %zu of its shape is no whole number of at least 0",
                file->path, tensor->name, i + 1);
            return false;
        }
        tensor->dims[i] = json_integer_value(item);
        if (__builtin_mul_overflow(*bytes, (uint64_t)tensor->dims[i], bytes)) {
            diagnostics_error(diagnostics, NULL, "%s: tensor '%s' is larger than any file",
                file->path, tensor->name);
            return false;
        }
    }
    return true;
}

static bool read_range(TensorFile *file, FileTensor *tensor, const json_t *offsets, uint64_t bytes,
    Diagnostics *diagnostics) {
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin)) {
        diagnostics_error(diagnostics, NULL,
            "%s: tensor '%s': \"data_offsets\" must be a list [begin, end] with 0 <= begin <= end",
            file->path, tensor->name);
        return false;
    }
    tensor->begin = (uint64_t)json_integer_value(begin);
    tensor->end = (uint64_t)json_integer_value(end);
    bool sound = true;
    if (tensor->end - tensor->begin != bytes) {
        diagnostics_error(diagnostics, NULL,
            "%s: tensor '%s' of type %s and shape %s needs %" PRIu64 " bytes, but \"data_offsets\" "
            "gives it %" PRIu64,
            file->path, tensor->name, tensor->type_name,
            shape_text(file->arena, tensor->rank, tensor->dims), bytes,
            tensor->end - tensor->begin);
        sound = false;
    }
    if (tensor->end > file->data_bytes && file->cut_count++ == 0) {
        diagnostics_error(diagnostics, "the file may be truncated",
            "%s: tensor '%s' ends at byte %" PRIu64 " of the data, but the file has only %" PRIu64,
            file->path, tensor->name, tensor->end, file->data_bytes);
    }
    return sound && tensor->end <= file->data_bytes;
}

static void read_tensor(TensorFile *file, FileTensor *tensor, const char *key, const json_t *entry,
    Diagnostics *diagnostics) {
    tensor->key = arena_copy_string(file->arena, key);
    tensor->name = file_word(file->arena, key);
    tensor->type_name = "";
    if (!json_is_object(entry)) {
        diagnostics_error(diagnostics, NULL, "%s: entry '%s' of the header is no object",
            file->path, tensor->name);
        return;
    }
    const json_t *type = json_object_get(entry, "dtype");
    if (!json_is_string(type)) {
        diagnostics_error(
            diagnostics, NULL, "%s: tensor '%s' has no string \"dtype\"", file->path, tensor->name);
        return;
    }
    const SafetensorsRow *row = find_type(json_string_value(type));
    if (row == NULL) {
        diagnostics_error(diagnostics, NULL, "%s: tensor '%s' has the unknown type '%s'",
            file->path, tensor->name, file_word(file->arena, json_string_value(type)));
        return;
    }
    tensor->type = row->type;
    tensor->type_name = row->name;
    uint64_t bytes;
    tensor->sound =
        read_shape(
            file, tensor, json_object_get(entry, "shape"), row->bytes, &bytes, diagnostics) &&
        read_range(file, tensor, json_object_get(entry, "data_offsets"), bytes, diagnostics);
}

/* ---- the whole header ---- */

static int compare_ranges(const void *a, const void *b) {
    const FileTensor *x = *(FileTensor *const *)a, *y = *(FileTensor *const *)b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return strcmp(x->key, y->key);
}

static void report_unclaimed(
    const TensorFile *file, uint64_t begin, uint64_t end, Diagnostics *diagnostics) {
    diagnostics_error(diagnostics, NULL,
        "%s: bytes %" PRIu64 " to %" PRIu64 " of the data belong to no tensor", file->path, begin,
        end);
}

/* The tensors must cover the data without overlap and without a hole. */
static void check_cover(TensorFile *file, Diagnostics *diagnostics) {
    FileTensor **order = ARENA_ARRAY(file->arena, FileTensor *, file->tensor_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < file->tensor_count; i++)
        if (file->tensors[i].sound && file->tensors[i].end > file->tensors[i].begin)
            order[count++] = &file->tensors[i];
    qsort(order, count, sizeof order[0], compare_ranges);

    /* A tensor whose range is unknown may well be what lies in a hole. */
    bool all_sound = true;
    for (size_t i = 0; i < file->tensor_count; i++)
        all_sound = all_sound && file->tensors[i].sound;

    uint64_t reach = 0;
    const FileTensor *farthest = NULL;
    for (size_t i = 0; i < count; i++) {
        if (farthest != NULL && order[i]->begin < reach)
            diagnostics_error(diagnostics, NULL, "%s: tensors '%s' and '%s' overlap", file->path,
                farthest->name, order[i]->name);
        else if (order[i]->begin > reach && all_sound)
            report_unclaimed(file, reach, order[i]->begin, diagnostics);
        if (order[i]->end > reach) {
            reach = order[i]->end;
            farthest = order[i];
        }
    }
    if (reach < file->data_bytes && all_sound)
        report_unclaimed(file, reach, file->data_bytes, diagnostics);
}

static void check_metadata(
    const TensorFile *file, const json_t *metadata, Diagnostics *diagnostics) {
    const char *key;
    json_t *value;
    bool sound = json_is_object(metadata);
    json_object_foreach((json_t *)metadata, key, value) sound = sound && json_is_string(value);
    if (!sound)
        diagnostics_error(
            diagnostics, NULL, "%s: \"__metadata__\" must be an object of strings", file->path);
}

static void read_header(TensorFile *file, json_t *header, Diagnostics *diagnostics) {
    file->tensors = ARENA_ARRAY(file->arena, FileTensor, json_object_size(header) + 1);
    const char *key;
    json_t *entry;
    json_object_foreach(header, key, entry) {
        if (strcmp(key, "__metadata__") == 0)
            check_metadata(file, entry, diagnostics);
        else
            read_tensor(file, &file->tensors[file->tensor_count++], key, entry, diagnostics);
    }
    if (file->cut_count > 1)
        diagnostics_report(diagnostics, SEVERITY_NOTE, (SourceRange){0}, NULL,
            file->cut_count == 2 ? "%zu more tensor of %s ends behind the end of the file"
                                 : "%zu more tensors of %s end behind the end of the file",
            file->cut_count - 1, file->path);
    check_cover(file, diagnostics);
}

bool safetensors_read(TensorFile *file, Diagnostics *diagnostics) {
    const unsigned char *bytes = file->mapped.bytes;
    if (file->mapped.size < LENGTH_BYTES) {
        diagnostics_error(diagnostics, "is this a safetensors file, and whole?",
            "%s: the file has %zu bytes; a safetensors file starts with 8 bytes of header length",
            file->path, file->mapped.size);
        return false;
    }
    uint64_t length = 0;
    for (int i = LENGTH_BYTES - 1; i >= 0; i--)
        length = length << 8 | bytes[i];
    if (length > file->mapped.size - LENGTH_BYTES || length > longest_header) {
        diagnostics_error(diagnostics, "is this a safetensors file, and whole?",
            "%s: the header says to be %" PRIu64 " bytes long, but %s", file->path, length,
            length > longest_header ? "100 MB is the most allowed" : "the file is shorter");
        return false;
    }
    json_error_t error;
    json_t *header = json_loadb(
        (const char *)bytes + LENGTH_BYTES, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (header == NULL) {
        diagnostics_error(diagnostics, NULL, "%s: the header is no valid JSON: %s (at its byte %d)",
            file->path, file_word(file->arena, error.text), error.position);
        return false;
    }
    bool is_object = json_is_object(header);
    if (is_object) {
        file->data = bytes + LENGTH_BYTES + length;
        file->data_bytes = file->mapped.size - LENGTH_BYTES - length;
        read_header(file, header, diagnostics);
    } else {
        diagnostics_error(diagnostics, NULL, "%s: the header is no JSON object", file->path);
    }
    json_decref(header);
    return is_object;
}
