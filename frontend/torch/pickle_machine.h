/* The machine that runs a pickle: what its parts share. Internal to pickle*.c. */
#ifndef RIFFLE_FRONTEND_TORCH_PICKLE_MACHINE_H
#define RIFFLE_FRONTEND_TORCH_PICKLE_MACHINE_H

#include "frontend/torch/pickle.h"

/* What pickles are bounded by. That of a network has about a dozen objects for each tensor, and
 * hardly 200 bytes. */
enum { LONGEST_PICKLE = 16 << 20, MOST_OBJECTS = 1 << 21, MOST_STACKED = 1 << 20 };

typedef struct PickleMachine {
    PickleFile *file;
    const PickleText *text;
    size_t at;     /* the next byte */
    size_t opcode; /* where the instruction that runs begins */
    PickleValue *stack;
    size_t stack_count, stack_capacity;
    size_t *marks; /* how many were on the stack, for each mark on it */
    size_t mark_count, mark_capacity;
    PickleValue *memo;
    size_t memo_count, memo_capacity;
    bool *memo_taken;
    const struct PickleGlobal *stranger; /* the first name that is not in the tables, or NULL */
} PickleMachine;

/* What follows an opcode. */
typedef struct PickleOperand {
    uint64_t number;
    const char *bytes; /* of data, or the first line */
    size_t length;
    const char *second; /* line */
    size_t second_length;
} PickleOperand;

typedef struct PickleOpcode {
    const char *name; /* NULL: there is none of the byte */
    int operand;
    bool (*run)(PickleMachine *machine, const PickleOperand *operand);
} PickleOpcode;

/* A function or class that the pickle names. */
typedef struct PickleGlobal {
    const char *text; /* "torch._utils._rebuild_tensor_v2"; safe to print */
    size_t place;     /* where it is named */
    bool (*call)(PickleMachine *machine, const struct PickleGlobal *self,
        const PickleItems *arguments, PickleValue *result); /* NULL: it is not called */
    const TorchType *type;                                  /* of a storage, or NULL */
} PickleGlobal;

/* Reports a fault of the instruction that runs, or of one at `place`; false. */
bool pickle_fail(const PickleMachine *machine, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool pickle_fail_at(const PickleMachine *machine, size_t place, const char *hint,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Takes one more object into account. False after reporting that there are too many. */
bool pickle_count_object(PickleMachine *machine);
/* A new one without items. False after reporting. */
bool pickle_new_items(PickleMachine *machine, PickleKind kind, PickleValue *value);
void pickle_add(PickleMachine *machine, PickleItems *items, PickleValue value);

bool pickle_push(PickleMachine *machine, PickleValue value);
bool pickle_pop(PickleMachine *machine, PickleValue *value);

/* ---- what names stand for (pickle_call.c) ---- */

bool pickle_find_global(PickleMachine *machine, const PickleString *module,
    const PickleString *name, PickleValue *value);
/* REDUCE, and NEWOBJ of a class. */
bool pickle_call(PickleMachine *machine, const PickleValue *callable, const PickleValue *arguments,
    bool makes_object, PickleValue *result);
/* BINPERSID: what a file holds outside of its pickle, storages. */
bool pickle_persistent(PickleMachine *machine, const PickleValue *id, PickleValue *result);
/* Refuses code by name. */
bool pickle_refuse_code(const PickleMachine *machine, const PickleGlobal *global);
bool pickle_refuse_object(const PickleMachine *machine, const PickleGlobal *global);

/* The rows of opcodes.def by their byte (pickle_run.c). */
extern const PickleOpcode pickle_opcodes[256];
enum { NOTHING, BYTE1, BYTE2, INT4, WORD4, WORD8, DATA1, DATA4, DATA8, EIGHT, LINE, LINES };

#endif
