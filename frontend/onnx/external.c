/* Tensors whose bytes lie in another file. The model names it, so the name must not lead out of the
 * model's folder. */
#include "frontend/onnx/importer.h"
#include "ir/file_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct ExternalPlace {
    const char *location;
    uint64_t offset, length;
    bool has_length;
} ExternalPlace;

static bool read_number(const char *text, uint64_t *number) {
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static bool read_place(
    Importer *importer, const Onnx__TensorProto *tensor, const char *what, ExternalPlace *place) {
    *place = (ExternalPlace){0};
    for (size_t i = 0; i < tensor->n_external_data; i++) {
        const Onnx__StringStringEntryProto *entry = tensor->external_data[i];
        bool good = true;
        if (strcmp(entry->key, "location") == 0)
            place->location = entry->value;
        else if (strcmp(entry->key, "offset") == 0)
            good = read_number(entry->value, &place->offset);
        else if (strcmp(entry->key, "length") == 0)
            place->has_length = good = read_number(entry->value, &place->length);
        if (!good)
            return model_fault(importer, NULL, "%s: '%s' is no %s of external data", what,
                entry->value, entry->key);
    }
    return (place->location != NULL && *place->location != '\0') ||
           model_fault(importer, NULL, "%s has external data without a location", what);
}

/* Relative, without "..", so that links are all that could lead away: those are not followed. */
static bool stays_inside(const char *location) {
    if (*location == '/' || strchr(location, '\\') != NULL)
        return false;
    for (const char *at = location; *at != '\0';) {
        size_t length = strcspn(at, "/");
        if (length == 2 && strncmp(at, "..", 2) == 0)
            return false;
        at += length + (at[length] == '/');
    }
    return true;
}

/* Opens the file part by part below the model's folder, following no link. */
static int open_inside(Importer *importer, const char *location) {
    const char *slash = strrchr(importer->path, '/');
    const char *folder = slash == NULL ? "."
                                       : arena_format(importer->arena, "%.*s/",
                                             (int)(slash - importer->path), importer->path);
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *rest = arena_copy_string(importer->arena, location);
    for (char *part; at >= 0 && (part = strsep(&rest, "/")) != NULL;) {
        if (*part == '\0')
            continue;
        int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
        int next = openat(at, part, rest == NULL ? flags : flags | O_DIRECTORY);
        int error = errno;
        close(at);
        errno = error;
        at = next;
    }
    return at;
}

/* Why a file may be too short. */
static const char *truncated_hint(int file) {
    char bytes[200];
    ssize_t got = pread(file, bytes, sizeof bytes, 0);
    return got > 0 && file_kind(bytes, (size_t)got) == FILE_KIND_LFS
               ? "it is a pointer of Git LFS in place of the file itself: `git lfs pull` fetches it"
               : "the file may be truncated";
}

/* Reads `wanted` bytes at the offset. */
static bool read_bytes(Importer *importer, int file, const ExternalPlace *place, uint64_t wanted,
    const char *what, const unsigned char **bytes) {
    struct stat status;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode))
        return model_fault(importer, NULL, "%s: '%s' is no regular file", what, place->location);
    uint64_t size = (uint64_t)status.st_size;
    if (place->offset > size || wanted > size - place->offset)
        return model_fault(importer, truncated_hint(file),
            "%s needs %" PRIu64 " bytes at byte %" PRIu64 " of '%s', which has %" PRIu64, what,
            wanted, place->offset, place->location, size);
    unsigned char *buffer = arena_allocate(importer->arena, (size_t)wanted + 1);
    for (uint64_t done = 0; done < wanted;) {
        ssize_t got =
            pread(file, buffer + done, (size_t)(wanted - done), (off_t)(place->offset + done));
        if (got <= 0)
            return model_fault(importer, NULL, "%s: cannot read '%s': %s", what, place->location,
                got < 0 ? strerror(errno) : "it ends early");
        done += (uint64_t)got;
    }
    *bytes = buffer;
    return true;
}

bool external_bytes(Importer *importer, const Onnx__TensorProto *tensor, const char *what,
    uint64_t wanted, const unsigned char **bytes) {
    ExternalPlace place;
    if (!read_place(importer, tensor, what, &place))
        return false;
    if (!stays_inside(place.location))
        return model_fault(importer, "external data must lie in the model's folder",
            "%s has its data at '%s', outside of the model's folder", what, place.location);
    if (place.has_length && place.length != wanted)
        return model_fault(importer, NULL,
            "%s needs %" PRIu64 " bytes, but its external data has %" PRIu64, what, wanted,
            place.length);
    int file = open_inside(importer, place.location);
    if (file < 0)
        return model_fault(importer,
            errno == ELOOP ? "links are not followed" : "it belongs beside the model",
            "%s: cannot open its data '%s': %s", what, place.location, strerror(errno));
    bool good = read_bytes(importer, file, &place, wanted, what, bytes);
    close(file);
    return good;
}
