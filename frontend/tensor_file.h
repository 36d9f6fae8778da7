/* A file of named tensors, whatever its format. The formats are the rows of weight_formats.def;
 * each has a function that reads what tensors there are. Internal to the frontend; users of weights
 * call weights_load. */
#ifndef RIFFLE_FRONTEND_TENSOR_FILE_H
#define RIFFLE_FRONTEND_TENSOR_FILE_H

#include "ir/mapped_file.h"
#include "ir/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILE_TENSOR_MAX_RANK = 8 };

typedef enum FileTensorType {
    FILE_F32,
    FILE_F16,
    FILE_BF16,
    FILE_F64,
    FILE_OTHER /* a type that the format knows and riffle does not read */
} FileTensorType;

typedef struct FileTensor {
    const char *name;      /* safe to print */
    const char *key;       /* the name as the file spells it; bytes of any kind, no NUL */
    const char *type_name; /* as the format calls it */
    FileTensorType type;
    int rank;
    int64_t dims[FILE_TENSOR_MAX_RANK];
    uint64_t begin, end;    /* bytes, from the start of the data */
    const int64_t *strides; /* from number to number along each dimension; NULL: they are in order
                               and without holes */
    bool sound;             /* type, shape and range were understood and lie inside the file */
    bool used;              /* for the caller; false at first */
} FileTensor;

typedef struct TensorFile TensorFile;

/* One row of the table. */
typedef struct WeightFormat {
    /* Fills in data and tensors from what is mapped and checks them whole; every fault is reported,
     * and a tensor that has one is left with sound == false. False when there is nothing to go by.
     */
    bool (*read)(TensorFile *file, Diagnostics *diagnostics);
    const char *convert_hint; /* how to come to a type that is read */
    /* Of Python: what reads such a file, what writes one, how it may be called, and where they are
     * from. */
    const char *load, *save, *example, *origin;
} WeightFormat;

struct TensorFile {
    Arena *arena; /* owns this struct and all below but for the mapping */
    const char *path;
    MappedFile mapped;
    const WeightFormat *format;
    const unsigned char *data;
    uint64_t data_bytes;
    FileTensor *tensors; /* sorted by key */
    size_t tensor_count;
    size_t cut_count; /* tensors that end behind the end of the file */
};

/* Maps the file read-only and reads it by the format that its first bytes tell; a file of no known
 * kind is taken for safetensors. Every fault is reported. NULL when there is nothing to go by; a
 * file with faulty tensors is returned, those with sound == false. */
TensorFile *tensor_file_open(const char *path, Diagnostics *diagnostics);
void tensor_file_close(TensorFile *file); /* NULL is allowed */

/* Leaves of the tensors those whose names begin with the prefix, and takes it off. False after
 * reporting that there are none. */
bool tensor_file_take_prefix(TensorFile *file, const char *prefix, Diagnostics *diagnostics);

/* Makes the tensors findable after their keys were changed. False after reporting that two have the
 * same. */
bool tensor_file_sort(TensorFile *file, Diagnostics *diagnostics);

/* NULL when there is none. */
FileTensor *tensor_file_find(const TensorFile *file, const char *key);

/* Writes the numbers of a sound tensor of a type that is read, in order, as float32: exactly but
 * for float64, which becomes the nearest. Returns how many numbers that changed. */
uint64_t tensor_numbers(const TensorFile *file, const FileTensor *tensor, float *floats);

/* The number of half precision that the bits are. */
float float_from_f16(uint16_t half);

/* "[58,24,1,1]" */
const char *shape_text(Arena *arena, int rank, const int64_t *dims);
/* A string of a file, cut to what a message has room for. */
const char *file_word(Arena *arena, const char *string);

/* ---- the formats ---- */

bool safetensors_read(TensorFile *file, Diagnostics *diagnostics);
/* What torch.save of PyTorch writes (torch/). */
bool torch_read(TensorFile *file, Diagnostics *diagnostics);

#endif
