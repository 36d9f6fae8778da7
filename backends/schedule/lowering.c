#include "backends/schedule/lowering.h"
#include "backends/schedule/shape.h"
#include "ir/graph.h"

typedef enum Stores { WHOLE, RUNS } Stores;
typedef enum Rows { AT_ONCE, ROWS } Rows;

typedef struct Lowering {
    KernelFamily processor;
    GpuFamily gpu;
    Stores stores;
    Rows rows;
    Reading reading;
} Lowering;

static const Lowering lowerings[OP_COUNT] = {
#define LOWERING(op, processor, gpu, stores, rows, reading)                                        \
    [OP_##op] = {KERNELS_##processor, GPU_##gpu, stores, rows, READING_##reading},
#include "backends/schedule/lowerings.def"
};

KernelFamily kernel_family(const Node *node) {
    return is_depthwise(node) ? KERNELS_WINDOW : lowerings[node->op].processor;
}

GpuFamily gpu_family(const Node *node) {
    bool map = node->op == OP_conv && is_depthwise(node) && node->operand_count == 1;
    return map ? GPU_MAP : lowerings[node->op].gpu;
}

bool stores_by_runs(const Node *node) {
    return lowerings[node->op].stores == RUNS;
}

bool computes_rows(const Node *node) {
    return lowerings[node->op].rows == ROWS;
}

static bool windows_overlap(const Node *node) {
    Window window = node_window(node);
    bool apart = true;
    for (int i = 0; i < 2; i++)
        apart = apart && window.kernel[i] <= window.stride[i] && window.dilation[i] == 1 &&
                window.padding[i] == 0 && window.padding[2 + i] == 0;
    return !apart;
}

Reading reading_of(const Node *node) {
    Reading reading = lowerings[node->op].reading; /* a residual is loaded once, by pieces */
    if (is_depthwise(node))
        reading = READING_WINDOWS;
    if (reading != READING_WINDOWS)
        return reading;
    bool of_bytes = node->operands[0]->type.element == ELEMENT_U8;
    return of_bytes || windows_overlap(node) ? READING_VECTORS : READING_ONCE;
}
