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

/* What there is a function for. */
typedef enum SupportOf {
    SUPPORT_OF_FRAMES,  /* each input of pixels */
    SUPPORT_OF_BOXES,   /* an answer with boxes */
    SUPPORT_OF_CLASSES, /* the first output, where it has a number for each class and there is no
                           answer */
    SUPPORT_OF_LABELS,  /* names of classes */
    SUPPORT_OF_WEIGHTS, /* a file of weights */
    SUPPORT_OF_COUNT
} SupportOf;

/* What the code knows of one of these. */
typedef struct SupportConstants {
    const int32_t *numbers;
    int number_count;
    const float *values;
    int value_count;
    const char *text; /* instead of values; or NULL */
    int text_length;
} SupportConstants;

/* A function of the library: NAME_word(parameters). */
typedef struct SupportFunction {
    SupportKind kind;
    const char *network;        /* NAME */
    const char *word;           /* "prepare_image" */
    const char *implementation; /* "prepare": riffle_support_prepare */
    const char *result, *parameters, *arguments;
    const char *number; /* C's type of an element of the input */
    int constants;      /* which of the constants it is given */
    const char *member; /* the input, output or answer, as the header calls it */
} SupportFunction;

typedef struct SupportFunctions {
    SupportFunction *items;
    int count;
    SupportConstants *constants;
    int constants_count;
    bool has[SUPPORT_OF_COUNT];
} SupportFunctions;

enum { LARGEST_FRAME = 16384 /* side of a frame that libraries prepare */ };

/* Constants without values (support_frames.c). */
SupportConstants support_numbers(const int32_t *numbers, int count);

/* Whether this riffle has support code for the program's backend: that of LLVM needs a clang when
 * riffle is built. */
bool support_is_built_in(const Program *program);

/* Whether the input has pixels that frames can be prepared for. */
bool support_prepares(const GraphInput *input);

/* Those of a network, or of one variant; none where `graph` is NULL, and where there is no support
 * code. */
SupportFunctions support_functions(const Graph *graph, const Program *program, Arena *arena);

/* Those of the program's library, of all variants where it has several. */
SupportFunctions support_library_functions(
    const Graph *graph, const Program *program, Arena *arena);

/* Constants of an input of pixels; frames have sides of at most `largest`. */
SupportConstants support_constants(const GraphInput *input, int32_t largest, Arena *arena);

/* Constants of the graph's answer (support_answer.c). */
SupportConstants support_answer_constants(const Graph *graph, Arena *arena);
/* Landmarks of each of its boxes. */
int support_answer_landmarks(const Graph *graph);

/* Constants of an output with one number per class. */
SupportConstants support_class_constants(const GraphOutput *output, Arena *arena);
/* Constants of the graph's labels. */
SupportConstants support_label_constants(const Graph *graph, Arena *arena);

/* Constants of the library's file of weights. */
SupportConstants support_weights_constants(const Program *program, Arena *arena);

/* Sources with the network's name for riffle_ and RIFFLE_: the types that the header declares, and
 * the code, without lines about files. */
void support_write_types(const SupportFunctions *functions, const Graph *graph, const char *name,
    const char *upper, Text *out);
void support_write_source(
    const SupportFunctions *functions, const char *name, const char *upper, Text *out);
/* Any text, likewise. */
void support_write_named(const char *text, const char *name, const char *upper, Text *out);
/* result NAME_word(parameters */
void support_write_prototype(
    const SupportFunction *function, const char *name, const char *upper, Text *out);

#endif
