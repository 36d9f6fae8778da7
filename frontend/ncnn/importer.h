/* What the parts of the ncnn importer share. Internal to frontend/ncnn.
 *
 * A blob of ncnn has no batch: [c,h,w], [h,w] or [w], which stands along the channels. Symbols have
 * one, of 1, in front, so that the axis a of ncnn is a + 1 here. */
#ifndef RIFFLE_FRONTEND_NCNN_IMPORTER_H
#define RIFFLE_FRONTEND_NCNN_IMPORTER_H

#include "frontend/import/importer.h"
#include "frontend/ncnn/import.h"

enum { NCNN_MOST_WEIGHTS = 4, NCNN_SAME_UPPER = -233, NCNN_SAME_LOWER = -234, NCNN_ABSENT = -233 };
#define NCNN_ANY SIZE_MAX /* inputs of a layer that joins what it is given */

/* A parameter, "0=24" or "-23309=2,0.0,6.0". */
typedef struct NcnnParameter {
    int key;
    bool is_list;
    const char *string; /* NULL, or what stands in quotes */
    const double *numbers;
    size_t count;
} NcnnParameter;

/* How the numbers of a weight lie in the file. */
typedef enum NcnnNumbers { NCNN_FLOATS, NCNN_HALVES } NcnnNumbers;

typedef struct NcnnWeight {
    NcnnNumbers numbers;
    const unsigned char *bytes;
    int64_t count;
} NcnnWeight;

typedef struct NcnnLayer NcnnLayer;

/* A row of layers.def. */
typedef struct NcnnType {
    const char *name;
    bool (*import)(Importer *importer); /* NULL: it is known, and not imported; `reason` says why */
    const char *reason;
    size_t least, most;     /* inputs */
    const char *weights;    /* see layers.def; NULL: it is not known which there are */
    const char *parameters; /* the keys that are known, separated by blanks */
} NcnnType;

struct NcnnLayer {
    const NcnnType *type; /* NULL: unknown */
    const NcnnParameter *parameters;
    size_t parameter_count;
    NcnnWeight weights[NCNN_MOST_WEIGHTS];
    int weight_count;
    const char *weight_fault, *weight_hint; /* why they could not be read */
};

typedef struct NcnnSource {
    const NcnnBytes *text, *weights;
} NcnnSource;

typedef struct NcnnState {
    const char *weights_path;
    uint64_t left_over; /* bytes behind all weights */
} NcnnState;

static inline const NcnnLayer *ncnn_layer(const Importer *importer) {
    return importer->node->own;
}

/* ---- reading (text.c, weights.c) ---- */

/* Reads the text: sets the importer's model, whose nodes have an NcnnLayer each. False after
 * reporting. */
bool ncnn_read_text(Importer *importer);
/* Finds all weights, in the order of the layers; faults are kept by the layers. */
void ncnn_find_weights(Importer *importer);
/* Weight `index` of the current layer, which has `count` numbers. NULL after reporting. */
const float *ncnn_weight(Importer *importer, int index, int64_t count);

const NcnnType *ncnn_type_find(const char *name);
const char *ncnn_type_closest(const char *name); /* NULL when none is like it */

/* ---- parameters of the current layer (parameters.c) ---- */

const NcnnParameter *ncnn_parameter(const NcnnLayer *layer, int key);
/* Each takes the default when the parameter is absent; false after reporting one of another kind.
 */
bool ncnn_integer(Importer *importer, int key, int64_t standard, int64_t *value);
bool ncnn_flag(Importer *importer, int key, bool *flag); /* absent: false */
bool ncnn_number(Importer *importer, int key, double standard, double *value);
bool ncnn_numbers(Importer *importer, int key, const double **numbers, size_t *count);
bool ncnn_integers(Importer *importer, int key, IntegerList *list);

/* Sizes that are given as an expression (expression.c). */
bool ncnn_expression(Importer *importer, const char *text, IntegerList *list);

/* ---- inputs and results of layers (blobs.c) ---- */

/* The axis of ncnn as that of a symbol. */
bool ncnn_axis(Importer *importer, int64_t axis, const Symbol *symbol, int *result);
/* Operand 0, which has three dimensions, as [1,c,h,w]. NULL after reporting. */
Value *ncnn_image(Importer *importer);
/* The same, or a vector as [1,c,1,1]: to most layers a vector is one row, not channels. */
Value *ncnn_image_or_vector(Importer *importer, bool *is_vector);
/* Gives result 0 the value, as [1,c] where it was a vector. False when it is NULL. */
bool ncnn_set_image(Importer *importer, Value *value, bool is_vector);
bool ncnn_set(Importer *importer, Symbol *symbol);

/* ---- numbers one by one (layers_elements.c) ---- */

/* The op of one operand, with its parameters (NULL: it has none), of all elements. */
Symbol *ncnn_element(Importer *importer, Symbol *symbol, OpKind op, const double *parameters);
/* A formula of x. */
Symbol *ncnn_formula(Importer *importer, Symbol *symbol, const char *formula);
/* What layers with weights have in their parameters 9 and 10, of their result. */
Symbol *ncnn_activation(Importer *importer, Symbol *symbol);

#define NCNN_LAYER(name, function, ...) bool ncnn_import_##function(Importer *importer);
#include "frontend/ncnn/layers.def"

#endif
