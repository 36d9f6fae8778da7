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
/* Sets padding so that the result is as large as the strides allow; what is odd of it goes to the
 * end, or with `lower` to the begin. */
void ncnn_pad_same(const Value *value, bool lower, NcnnWindow *window);

/* Scale by a second input (layers_elements.c). */
bool ncnn_import_scale_by(Importer *importer);

#endif
