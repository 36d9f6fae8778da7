/* What the parts of the ONNX importer share. Internal to frontend/onnx. */
#ifndef RIFFLE_FRONTEND_ONNX_IMPORTER_H
#define RIFFLE_FRONTEND_ONNX_IMPORTER_H

#include "frontend/import/importer.h"
#include "frontend/onnx/import.h"
#include "frontend/onnx/onnx.pb-c.h" /* generated */

enum { ONNX_FIRST_OPSET = 9, ONNX_LAST_OPSET = 28, ONNX_MAX_RANK = MODEL_MAX_RANK };
#define ONNX_ANY SIZE_MAX /* operands of an op that joins what it is given */

/* TensorProto.DataType */
typedef enum OnnxType {
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT8 = 3,
    ONNX_UINT16 = 4,
    ONNX_INT16 = 5,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_UINT32 = 12,
    ONNX_UINT64 = 13,
    ONNX_BFLOAT16 = 16
} OnnxType;

/* AttributeProto.AttributeType */
typedef enum OnnxAttributeType {
    ONNX_ATTRIBUTE_FLOAT = 1,
    ONNX_ATTRIBUTE_INT = 2,
    ONNX_ATTRIBUTE_STRING = 3,
    ONNX_ATTRIBUTE_TENSOR = 4,
    ONNX_ATTRIBUTE_GRAPH = 5,
    ONNX_ATTRIBUTE_FLOATS = 6,
    ONNX_ATTRIBUTE_INTS = 7
} OnnxAttributeType;

/* The bytes of a model, and what is known of it. */
typedef struct OnnxSource {
    const void *bytes;
    size_t length;
} OnnxSource;

typedef struct OnnxState {
    const Onnx__GraphProto *proto;
    bool told_quantized; /* that there are unknown ops of integers */
} OnnxState;

static inline OnnxState *onnx_state(const Importer *importer) {
    return importer->own;
}

static inline const Onnx__NodeProto *onnx_node(const ModelNode *node) {
    return node->own;
}

/* ---- tensors of the file (tensor.c, external.c) ---- */

/* A constant with the tensor's data, or NULL after reporting. `what` names it: "initializer 'w'".
 */
Symbol *constant_from_tensor(Importer *importer, const Onnx__TensorProto *tensor, const char *what);
/* Whether a tensor of a type of floating point is taken as float32; counts what is changed by that.
 * False after reporting. */
bool take_precision(Importer *importer, int type, const char *what, int64_t *widened);
/* "float16"; "a type of number N" where N is none of the standard. */
const char *onnx_type_name(Importer *importer, int type);
/* The bytes of a tensor that lie in another file. */
bool external_bytes(Importer *importer, const Onnx__TensorProto *tensor, const char *what,
    uint64_t wanted, const unsigned char **bytes);

/* ---- attributes (attributes.c) ---- */

const Onnx__AttributeProto *attribute_find(const Importer *importer, const char *name);
/* False after reporting that it has another. */
bool attribute_has_type(
    Importer *importer, const Onnx__AttributeProto *attribute, OnnxAttributeType type);
/* Each takes the default when the attribute is absent, and reports one of another type. */
bool attribute_integer(Importer *importer, const char *name, int64_t standard, int64_t *value);
/* 0 or 1. */
bool attribute_flag(Importer *importer, const char *name, bool standard, bool *flag);
bool attribute_number(Importer *importer, const char *name, double standard, double *value);
bool attribute_integers(
    Importer *importer, const char *name, IntegerList *list); /* absent: empty */
/* A string, "" when absent. */
bool attribute_string(Importer *importer, const char *name, const char **string);

/* ---- what nodes with weights and windows share (nodes_weighted.c) ---- */

/* A constant of floats of the given rank; false after reporting. */
bool weight_operand(Importer *importer, size_t index, const char *what, int rank, Symbol **symbol);
/* Its numbers, one for each channel; NULL where it is left out. False after reporting. */
bool bias_operand(Importer *importer, size_t index, int64_t channels, const float **data);

typedef struct OnnxWindow {
    bool is_line; /* over one dimension, which is the width: attributes have half of the entries */
    int64_t kernel[2], stride[2], dilation[2], padding[4];
} OnnxWindow;

/* Stride, dilation and padding of the current node; the kernel is known. */
bool read_window(Importer *importer, const Value *value, OnnxWindow *window);
/* Operand i as a value [n,c,h,w]; [n,c,l] counts as [n,c,1,l], and is a line then. NULL after
 * reporting. */
Value *image_operand(Importer *importer, size_t index, bool *is_line);
/* Gives result 0 the value, without the height where it is a line. False when it is NULL. */
bool set_image(Importer *importer, Value *value, bool is_line);
/* What an attribute has for the window: one number where it is a line, else two. False after
 * reporting another count, none excepted. */
bool read_window_list(
    Importer *importer, const char *name, bool is_line, int64_t pair[2], bool *given);

/* ---- nodes ---- */

typedef struct OnnxOp {
    const char *name;
    bool (*import)(Importer *importer); /* false after reporting */
    size_t operands;                    /* at most */
    const char *attributes;             /* the known ones, separated by blanks */
    bool folds; /* a constant result is computed from constant operands by fold_node */
} OnnxOp;

const OnnxOp *onnx_op_find(const char *name);
const OnnxOp *onnx_op_of(const ModelNode *node); /* NULL when it is not imported */
/* Reports that the current node's op is not imported. Returns false. */
bool unknown_op(Importer *importer);
/* Whether attributes that riffle knows one value of have that; reports others. */
bool check_fixed_attributes(Importer *importer);
const char *onnx_op_closest(const char *name); /* NULL when none is like it */
/* ---- Slice (nodes_layout.c) ---- */

typedef struct SliceLists {
    IntegerList starts, ends, axes, steps; /* as many of each; axes and steps, or none */
} SliceLists;

/* Those of the current node. False after reporting. */
bool read_slice(Importer *importer, SliceLists *lists);
/* The axis and step of entry i, the step not 0. False after reporting. */
bool read_slice_axis(
    Importer *importer, const SliceLists *lists, size_t i, int rank, int *axis, int64_t *step);
/* How many indices of an axis of that size the slice takes; clamps where it begins. */
int64_t slice_count(int64_t *begin, int64_t end, int64_t step, int64_t size);

/* When all operands are constants: computes the results. */
bool fold_node(Importer *importer);

#define ONNX_OP(name, function, ...) bool import_##function(Importer *importer);
#include "frontend/onnx/ops.def"

#endif
