/* Inside the reader of kernels: the text, and what is known of the kernel so far. Functions that
 * return bool or a pointer return false or NULL after reporting; then nothing is read any more. */
#ifndef RIFFLE_IR_KERNEL_READER_H
#define RIFFLE_IR_KERNEL_READER_H

#include "ir/kernel_parse.h"

typedef struct KernelReader {
    const SourceFile *file;
    uint32_t at;
    Arena *arena;
    Diagnostics *diagnostics;
    KernelBuilder builder;
    const char **names;   /* of the parameters, as they are printed */
    bool *is_defined;     /* by variable: it is known where the reader stands */
    int variable_room;    /* so many may be numbered */
    int64_t numbers_left; /* registers and variables that the file may still have */
    int depth;            /* of the expression that is being read */
} KernelReader;

/* kernel_reader.c: words and marks; blanks and comments before them are passed over. */
bool reader_at_end(KernelReader *reader);
bool reader_accept(KernelReader *reader, const char *word);
bool reader_expect(KernelReader *reader, const char *word);
bool reader_report(const KernelReader *reader, uint32_t begin, const char *hint,
    const char *message, ...) __attribute__((format(printf, 4, 5)));
/* Reports that `what` should stand here. */
bool reader_expected(KernelReader *reader, const char *what);
/* A name of letters, digits and underscores. NULL, without a report, where there is none. */
const char *reader_word(KernelReader *reader);
bool reader_integer(KernelReader *reader, int64_t least, int64_t most, int64_t *value);
/* A float32, inf and nan among them. */
bool reader_float(KernelReader *reader, float *value);
bool reader_lane_type(KernelReader *reader, LaneType *type); /* no report; false where none is */

/* A word that is a name with a number behind it, below `most`: "row2". */
bool reader_numbered(
    KernelReader *reader, const char *what, int most, const char **name, int *number);
/* A variable that is known here; or a new one, which is known from then on. */
bool reader_variable(KernelReader *reader, int *variable);
bool reader_new_variable(KernelReader *reader, int *variable);
/* "v3", which something before has written; or "v3.8u8", which may be new. */
bool reader_source(KernelReader *reader, int *index);
bool reader_register(KernelReader *reader, int *index);
/* A parameter or local: its index as instructions have it. */
bool reader_buffer(KernelReader *reader, int *parameter);

/* kernel_parse_expression.c */
const Expression *reader_expression(KernelReader *reader);

#endif
