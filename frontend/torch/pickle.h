/* Python's pickles, as far as they are data: plain values and containers, and the tensors of
 * PyTorch in them. A pickle is a program for a machine with a stack; of its instructions those are
 * carried out here that make data. What would call code is refused by its name, and nothing is ever
 * called.
 *
 * Pickles come from strangers. What they ask for is bounded: their length, the objects they make,
 * the stack. Values may hold each other, and even themselves: whoever walks through them must see
 * to it. */
#ifndef RIFFLE_FRONTEND_TORCH_PICKLE_H
#define RIFFLE_FRONTEND_TORCH_PICKLE_H

#include "frontend/tensor_file.h"
#include "ir/name_map.h"

typedef enum PickleKind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT, /* of 64 bits; a longer one is OTHER */
    PICKLE_STR,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT,
    PICKLE_GLOBAL,  /* a function or class by its name */
    PICKLE_STORAGE, /* of PyTorch: the numbers of tensors */
    PICKLE_TENSOR,
    PICKLE_OTHER /* plain data that weights are not made of: a float, bytes */
} PickleKind;

/* Bytes of the pickle, without a NUL behind them. */
typedef struct PickleString {
    const char *bytes;
    size_t length;
} PickleString;

typedef struct PickleValue PickleValue;

/* The items of a tuple, list or set (a list here); of a dict, each key and behind it its value. */
typedef struct PickleItems {
    PickleValue *values;
    size_t count, capacity;
    bool open; /* for whoever walks through them: is being looked into */
} PickleItems;

/* The type of a storage's numbers; a row of storages.def. */
typedef struct TorchType {
    const char *storage; /* "torch.FloatStorage" */
    const char *name;    /* "float32" */
    unsigned bytes;
    FileTensorType type;
} TorchType;

enum { LONGEST_STORAGE_KEY = 100 }; /* they are numbers */

typedef struct TorchStorage {
    const char *key;
    const TorchType *type;
    uint64_t count; /* numbers */
    uint64_t begin; /* its first byte in the file, once that is known */
    bool sound;     /* it is, and all lie in the file */
    struct TorchStorage *next;
} TorchStorage;

typedef struct TorchTensor {
    TorchStorage *storage;
    uint64_t first; /* number of the storage */
    uint64_t reach; /* of those from there to the last, with both; 0 when it is empty */
    bool spread;    /* it has more numbers than the storage: some are shown repeatedly */
    bool dense;     /* its numbers are in order and without holes */
    int rank;
    int64_t dims[FILE_TENSOR_MAX_RANK], strides[FILE_TENSOR_MAX_RANK];
} TorchTensor;

struct PickleValue {
    PickleKind kind;
    union {
        int64_t integer; /* BOOL, INT */
        PickleString *string;
        PickleItems *items; /* TUPLE, LIST, DICT */
        const struct PickleGlobal *global;
        TorchStorage *storage;
        TorchTensor *tensor;
    } as;
};

/* What the pickles of one file share. */
typedef struct PickleFile {
    Arena *arena;
    const char *path;
    Diagnostics *diagnostics;
    NameMap *storages; /* by key */
    TorchStorage *first_storage, **storage_end;
    size_t object_count; /* made so far */
} PickleFile;

void pickle_file_begin(PickleFile *file, const char *path, Arena *arena, Diagnostics *diagnostics);

/* Where one pickle lies. */
typedef struct PickleText {
    const unsigned char *bytes;
    size_t length;
    size_t offset;      /* added to places in messages */
    const char *member; /* " of data.pkl", behind places in messages */
} PickleText;

/* Runs the pickle that the text begins with. *length, which may be NULL, is what it takes. False
 * after reporting. */
bool pickle_read(PickleFile *file, const PickleText *text, PickleValue *value, size_t *length);

/* "a dict", for messages. */
const char *pickle_kind_name(PickleKind kind);

#endif
