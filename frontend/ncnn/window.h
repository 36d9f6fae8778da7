/* What layers over height and width share. */
#ifndef RIFFLE_FRONTEND_NCNN_WINDOW_H
#define RIFFLE_FRONTEND_NCNN_WINDOW_H

#include "frontend/ncnn/importer.h"

typedef struct NcnnWindow {
    int64_t kernel[2], stride[2], dilation[2]; /* in rows and columns */
    int64_t padding[4];                        /* top, left, bottom, right */
} NcnnWindow;

/* Those of a convolution, with ncnn's marks for a result as large as the strides allow. False after
 * reporting. */
bool ncnn_read_window(Importer *importer, const Value *value, NcnnWindow *window);
/* Kernel, stride and dilation of a convolution alone. */
bool ncnn_read_steps(Importer *importer, NcnnWindow *window);
/* left, top, right, bottom by these keys, into top, left, bottom, right; *mark is their mark, if
 * they are one. */
bool ncnn_read_padding(Importer *importer, const int keys[4], int64_t padding[4], int64_t *mark);
/* Sets padding so that the result is as large as the strides allow; what is odd of it goes to the
 * end, or with `lower` to the begin. */
void ncnn_pad_same(const Value *value, bool lower, NcnnWindow *window);

/* Rows and columns of the number around the value; NULL after reporting. */
Value *ncnn_pad_value(Importer *importer, Value *value, const int64_t padding[4], double number);
/* A bias, weight 1, if the parameter says so. False after reporting (layers_weighted.c). */
bool ncnn_bias(Importer *importer, int key, int64_t outputs, bool *given, const float **bias);
/* The symbol times a number (layers_elements.c). NULL after reporting. */
Symbol *ncnn_scaled(Importer *importer, Symbol *symbol, double factor);
/* Scale by a second input (layers_elements.c). */
bool ncnn_import_scale_by(Importer *importer);

#endif
