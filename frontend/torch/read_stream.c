/* The format before PyTorch 1.6: pickles of a magic number, the format's version, the machine that
 * wrote it, what was saved, and a list of its storages; then for each of these how many numbers it
 * has, in eight bytes, and the numbers. */
#include "frontend/torch/torch.h"

#include <inttypes.h>
#include <string.h>

enum { FORMAT_VERSION = 1001, COUNT_BYTES = 8 };

typedef struct Stream {
    TensorFile *file;
    PickleFile *pickles;
    uint64_t at;
} Stream;

static bool fail(const Stream *stream, const char *what) {
    diagnostics_error(stream->pickles->diagnostics, NULL, "%s: %s", stream->file->path, what);
    return false;
}

static bool next_pickle(Stream *stream, PickleValue *value) {
    PickleText text = {.bytes = stream->file->data + stream->at,
        .length = (size_t)(stream->file->data_bytes - stream->at),
        .offset = (size_t)stream->at,
        .member = ""};
    size_t length;
    if (!pickle_read(stream->pickles, &text, value, &length))
        return false;
    stream->at += length;
    return true;
}

/* Magic number and version. */
static bool read_head(Stream *stream) {
    static const char magic[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    size_t length = sizeof magic - 1;
    if (stream->file->data_bytes < length || memcmp(stream->file->data, magic, length) != 0)
        return fail(stream, "the magic number of PyTorch's files is damaged");
    stream->at = length;
    PickleValue version;
    if (!next_pickle(stream, &version))
        return false;
    return (version.kind == PICKLE_INT && version.as.integer == FORMAT_VERSION) ||
           fail(stream, "the version of the file's format is not 1001");
}

/* The machine's byte order is in a dict. */
static bool read_system(Stream *stream) {
    static const char key[] = "little_endian";
    PickleValue system;
    if (!next_pickle(stream, &system))
        return false;
    for (size_t i = 0; system.kind == PICKLE_DICT && i < system.as.items->count; i += 2) {
        const PickleValue *pair = &system.as.items->values[i];
        if (pair[0].kind == PICKLE_STR && pair[0].as.string->length == sizeof key - 1 &&
            memcmp(pair[0].as.string->bytes, key, sizeof key - 1) == 0)
            return (pair[1].kind == PICKLE_BOOL && pair[1].as.integer == 1) ||
                   fail(stream, "the numbers are not little-endian");
    }
    return fail(stream, "the file does not say whether its numbers are little-endian");
}

/* The storage of that key, which has not been found so far. NULL after reporting. */
static TorchStorage *listed_storage(const Stream *stream, const PickleValue *key) {
    if (key->kind != PICKLE_STR) {
        fail(stream, "the list of storages holds what is no str");
        return NULL;
    }
    const PickleString *string = key->as.string;
    const char *name = arena_copy_bytes(stream->file->arena, string->bytes,
        string->length < LONGEST_STORAGE_KEY ? string->length : LONGEST_STORAGE_KEY);
    TorchStorage *storage = string->length > LONGEST_STORAGE_KEY
                                ? NULL
                                : name_map_find(stream->pickles->storages, name);
    if (storage == NULL)
        diagnostics_error(stream->pickles->diagnostics, NULL,
            "%s: the file lists a storage '%s', of which no tensor is", stream->file->path, name);
    else if (storage->sound)
        diagnostics_error(stream->pickles->diagnostics, NULL,
            "%s: the file lists storage '%s' twice", stream->file->path, name);
    return storage == NULL || storage->sound ? NULL : storage;
}

/* Its count and numbers are next. */
static bool read_storage(Stream *stream, TorchStorage *storage) {
    Diagnostics *diagnostics = stream->pickles->diagnostics;
    const TensorFile *file = stream->file;
    uint64_t count = 0, bytes, left = file->data_bytes - stream->at;
    if (left >= COUNT_BYTES) {
        for (unsigned i = COUNT_BYTES; i-- > 0;)
            count = count << 8 | file->data[stream->at + i];
        if (count != storage->count) {
            diagnostics_error(diagnostics, NULL,
                "%s: storage '%s' should be %" PRIu64 " numbers of %s, but has %" PRIu64,
                file->path, storage->key, storage->count, storage->type->name, count);
            return false;
        }
        stream->at += COUNT_BYTES;
        left -= COUNT_BYTES;
    }
    if (__builtin_mul_overflow(storage->count, storage->type->bytes, &bytes) || bytes > left) {
        diagnostics_error(diagnostics, "the file may be truncated",
            "%s: storage '%s' of %" PRIu64
            " numbers of %s is larger than the rest of the file, %" PRIu64 " bytes",
            file->path, storage->key, storage->count, storage->type->name, left);
        return false;
    }
    storage->begin = stream->at;
    storage->sound = true;
    stream->at += bytes;
    return true;
}

static bool read_storages(Stream *stream) {
    PickleValue keys;
    if (!next_pickle(stream, &keys))
        return false;
    if (keys.kind != PICKLE_LIST)
        return fail(stream, "the file has no list of its storages");
    for (size_t i = 0; i < keys.as.items->count; i++) {
        TorchStorage *storage = listed_storage(stream, &keys.as.items->values[i]);
        if (storage == NULL || !read_storage(stream, storage))
            return false;
    }
    for (const TorchStorage *one = stream->pickles->first_storage; one; one = one->next)
        if (!one->sound) {
            diagnostics_error(stream->pickles->diagnostics, NULL,
                "%s: storage '%s' is not in the file's list of storages", stream->file->path,
                one->key);
            return false;
        }
    uint64_t left = stream->file->data_bytes - stream->at;
    if (left > 0)
        diagnostics_error(stream->pickles->diagnostics, NULL,
            "%s: %" PRIu64 " bytes are behind the last storage", stream->file->path, left);
    return left == 0;
}

bool torch_read_stream(TensorFile *file, PickleFile *pickles, PickleValue *saved) {
    Stream stream = {.file = file, .pickles = pickles};
    return read_head(&stream) && read_system(&stream) && next_pickle(&stream, saved) &&
           read_storages(&stream);
}
