/* What operations.c (the table, attributes, building a node) and layers.c (sizes and weights of
 * single ops) share. */
#ifndef RIFFLE_FRONTEND_OPERATIONS_H
#define RIFFLE_FRONTEND_OPERATIONS_H

#include "frontend/evaluate.h"

enum { MOST_POSITIONAL = 3, MOST_KNOWN = 24, MANY_TENSORS = 256 };

typedef struct Operation Operation;
typedef bool PrepareOperation(
    Evaluator *evaluator, Call *call, const Operation *operation, Node *node);

struct Operation {
    const char *name;
    OpKind op;
    int operands;                            /* MANY_TENSORS: any number */
    const char *positional[MOST_POSITIONAL]; /* arguments behind the operands */
    const char *extra[4];                    /* named arguments that are no attributes */
    PrepareOperation *prepare;               /* sizes, weights; NULL when attributes say all */
};

PrepareOperation prepare_conv, prepare_depthwise, prepare_batch_norm, prepare_bias,
    prepare_constant, prepare_linear, prepare_pool, prepare_split; /* layers.c */
PrepareOperation prepare_permute, prepare_reshape, prepare_upsample, prepare_depth_to_space,
    prepare_space_to_depth; /* rearrange.c */

PrepareOperation prepare_conv_transpose;                                    /* layers.c */
PrepareOperation prepare_pad_reflect, prepare_pad_edge, prepare_pad_around; /* borders.c */

/* The argument of an op by its name, or by its position behind the operands; NULL when absent. */
CallArgument *operation_argument(Call *call, const Operation *operation, const char *name);
/* What may stand behind the operands of that function without a name; returns how many. */
int operation_positional(const char *name, const char *names[MOST_POSITIONAL]);
/* One number stands for rows and columns. False after an error. */
bool read_pair(Evaluator *evaluator, Call *call, const CallArgument *argument, const char *name,
    int64_t pair[2]);
/* Numbers for the top, left, bottom and right: one, two or four. False after an error. */
bool read_sides(Evaluator *evaluator, Call *call, const CallArgument *argument, const char *name,
    int64_t sides[4]);

#endif
