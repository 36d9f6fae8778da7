/* Reading the safetensors format: 8 bytes of little-endian header length, a JSON header that gives
 * each tensor's type, shape and byte range, then the data. Internal to the frontend; users of
 * weights call weights_load. */
#ifndef RIFFLE_FRONTEND_SAFETENSORS_H
#define RIFFLE_FRONTEND_SAFETENSORS_H

#include "ir/mapped_file.h"
#include "ir/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SAFETENSORS_MAX_RANK = 8 };

/* In the order of the table of types in safetensors.c. */
typedef enum SafetensorsType {
    SAFETENSORS_F32,
    SAFETENSORS_F16,
    SAFETENSORS_BF16,
    SAFETENSORS_OTHER /* a type that the format knows and riffle does not read */
} SafetensorsType;

typedef struct SafetensorsTensor {
    const char *name;      /* safe to print */
    const char *key;       /* the name as the file spells it; bytes of any kind, no NUL */
    const char *type_name; /* "F32" */
    SafetensorsType type;
    int rank;
    int64_t dims[SAFETENSORS_MAX_RANK];
    uint64_t begin, end; /* bytes, from the start of the data */
    bool sound;          /* type, shape and range were understood and lie inside the file */
    bool used;           /* for the caller; false at first */
} SafetensorsTensor;

typedef struct SafetensorsFile {
    Arena *arena; /* owns this struct and all below but for the mapping */
    const char *path;
    MappedFile mapped;
    const unsigned char *data;
    uint64_t data_bytes;
    SafetensorsTensor *tensors; /* sorted by key */
    size_t tensor_count;
    size_t cut_count; /* tensors that end behind the end of the file */
} SafetensorsFile;

/* Maps the file read-only and checks it whole; every fault is reported. NULL when there is no
 * header to go by; a file with faulty tensors is returned, those with sound == false. */
SafetensorsFile *safetensors_open(const char *path, Diagnostics *diagnostics);
void safetensors_close(SafetensorsFile *file); /* NULL is allowed */

/* NULL when there is none. */
SafetensorsTensor *safetensors_find(const SafetensorsFile *file, const char *key);

/* "[58,24,1,1]" */
const char *shape_text(Arena *arena, int rank, const int64_t *dims);

#endif
