/* The functions of a library besides its network: support.def, made of runtime/support. */
#ifndef RIFFLE_BACKENDS_PROGRAM_SUPPORT_H
#define RIFFLE_BACKENDS_PROGRAM_SUPPORT_H

#include "backends/program/summary.h"
#include "ir/arena.h"
#include "ir/graph.h"
#include "ir/text.h"

typedef enum SupportKind {
#define SUPPORT(identifier, ...) SUPPORT_##identifier,
#include "backends/program/support.def"
    SUPPORT_KINDS
} SupportKind;

/* What the code knows of one input. */
typedef struct SupportConstants {
    const int32_t *numbers;
    int number_count;
    const float *values;
    int value_count;
} SupportConstants;

/* A function of the library: NAME_word(parameters). */
typedef struct SupportFunction {
    const char *word;           /* "prepare_image" */
    const char *implementation; /* "prepare": riffle_support_prepare */
    const char *result, *parameters, *arguments;
    const char *number; /* C's type of an element of the input */
    int constants;      /* which of the constants it is given */
    const char *member; /* the input, as the header calls it */
} SupportFunction;

typedef struct SupportFunctions {
    SupportFunction *items;
    int count;
    SupportConstants *constants;
    int constants_count;
} SupportFunctions;

/* Whether this riffle has support code for the program's backend: that of LLVM needs a clang when
 * riffle is built. */
bool support_is_built_in(const Program *program);

/* Whether the input has pixels that frames can be prepared for. */
bool support_prepares(const GraphInput *input);

/* Those of the program's library; none where `graph` is NULL, where there is no support
 * code, and in a library of several variants. */
SupportFunctions support_functions(const Graph *graph, const Program *program, Arena *arena);

/* Constants of an input of pixels; frames have sides of at most `largest`. */
SupportConstants support_constants(const GraphInput *input, int32_t largest, Arena *arena);

/* Sources with the network's name for riffle_ and RIFFLE_: the types that the header declares, and
 * the code, without lines that include. */
void support_write_types(const char *name, const char *upper, Text *out);
void support_write_source(const char *name, const char *upper, Text *out);
/* Any text, likewise. */
void support_write_named(const char *text, const char *name, const char *upper, Text *out);
/* result NAME_word(parameters */
void support_write_prototype(
    const SupportFunction *function, const char *name, const char *upper, Text *out);

#endif
