#include "driver/calibration_moments.h"

/* Matrices take the square of a filter's length in memory and its cube in time. */
enum { LONGEST_FILTER = 576, WINDOWS_OF_AN_IMAGE = 128 };

WindowMoments *moments_create(const Node *layer, Arena *arena) {
    if (layer->op != OP_conv && layer->op != OP_linear)
        return NULL;
    const TensorType *weight = &node_weight(layer, "weight")->type;
    int64_t length = tensor_elements(weight) / weight->dims[0];
    if (length > LONGEST_FILTER || length < 2)
        return NULL;
    WindowMoments *moments = ARENA_NEW(arena, WindowMoments);
    *moments = (WindowMoments){.layer = layer,
        .groups = layer->op == OP_conv ? node_integer(layer, "groups") : 1,
        .length = length};
    moments->sums = ARENA_ARRAY(arena, double, moments->groups *length *length);
    moments->window = ARENA_ARRAY(arena, double, length);
    return moments;
}

/* The numbers that the group's filters meet at that pixel of the result. */
static void take_window(WindowMoments *moments, const float *image, int64_t group, int64_t pixel) {
    const Node *layer = moments->layer;
    const int64_t *filter = node_weight(layer, "weight")->type.dims;
    const int64_t *from = layer->operands[0]->type.dims + 2;
    const int64_t *stride = node_list(layer, "stride").items;
    const int64_t *padding = node_list(layer, "padding").items;
    const int64_t *dilation = node_list(layer, "dilation").items;
    int64_t width = layer->results[0]->type.dims[3], taps = filter[2] * filter[3];
    for (int64_t i = 0; i < moments->length; i++) {
        int64_t channel = group * filter[1] + i / taps, tap = i % taps;
        int64_t y = pixel / width * stride[0] - padding[0] + tap / filter[3] * dilation[0];
        int64_t x = pixel % width * stride[1] - padding[1] + tap % filter[3] * dilation[1];
        bool inside = y >= 0 && y < from[0] && x >= 0 && x < from[1];
        moments->window[i] = inside ? (double)image[(channel * from[0] + y) * from[1] + x] : 0;
    }
}

static void add_window(WindowMoments *moments, int64_t group) {
    int64_t n = moments->length;
    double *sums = moments->sums + group * n * n;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; moments->window[i] != 0 && j <= i; j++)
            sums[i * n + j] += moments->window[i] * moments->window[j];
}

static void add_image(WindowMoments *moments, const float *image) {
    const Node *layer = moments->layer;
    const TensorType *result = &layer->results[0]->type;
    int64_t pixels = result->rank == 4 ? result->dims[2] * result->dims[3] : 1;
    int64_t windows = pixels < WINDOWS_OF_AN_IMAGE ? pixels : WINDOWS_OF_AN_IMAGE;
    for (int64_t w = 0; w < windows; w++) {
        for (int64_t group = 0; group < moments->groups; group++) {
            if (layer->op == OP_conv)
                take_window(moments, image, group, w * pixels / windows);
            for (int64_t i = 0; layer->op == OP_linear && i < moments->length; i++)
                moments->window[i] = (double)image[i];
            add_window(moments, group);
        }
        moments->windows++;
    }
}

void moments_add(WindowMoments *moments, const float *operand) {
    const TensorType *type = &moments->layer->operands[0]->type;
    int64_t image = tensor_elements(type) / type->dims[0];
    for (int64_t n = 0; n < type->dims[0]; n++)
        add_image(moments, operand + n * image);
}

Weight *moments_weight(const WindowMoments *moments, Graph *graph) {
    int64_t n = moments->length, dims[] = {moments->groups, n, n};
    const char *path = moments->layer->path[0] != '\0' ? moments->layer->path : "layer";
    Weight *weight = graph_add_computed_weight(
        graph, arena_format(graph->arena, "%s.moments", path), tensor_type(3, dims), NULL);
    float *means = weight_allocate(graph, weight);
    for (int64_t g = 0; g < moments->groups; g++)
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) {
                const double *sums = moments->sums + g * n * n;
                double sum = i > j ? sums[i * n + j] : sums[j * n + i];
                means[(g * n + i) * n + j] = (float)(sum / (double)moments->windows);
            }
    weight_rest(weight);
    return weight;
}
