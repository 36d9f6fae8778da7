/* What support code knows of an input of pixels, and how constants are put together. */
#include "backends/program/support.h"
#include "runtime/support/prepare_numbers.h"

enum { LARGEST_RESIZE = 1 << 16 };

bool support_prepares(const GraphInput *input) {
    const TensorType *type = &input->value->type;
    return input->has_preprocessing && type->rank == 4 &&
           (type->dims[1] == 1 || type->dims[1] == 3 ||
               input->preprocessing.order >= PIXELS_RGBA) &&
           type->dims[2] <= LARGEST_FRAME && type->dims[3] <= LARGEST_FRAME &&
           input->preprocessing.resize <= LARGEST_RESIZE;
}

SupportConstants support_numbers(const int32_t *numbers, int count) {
    static const float none[1]; /* C has no empty arrays */
    return (SupportConstants){
        .numbers = numbers, .number_count = count, .values = none, .value_count = 1};
}

SupportConstants support_constants(const GraphInput *input, int32_t largest, Arena *arena) {
    const Preprocessing *pixels = &input->preprocessing;
    const TensorType *type = &input->value->type;
    int channels = (int)type->dims[1];
    int32_t *numbers = ARENA_ARRAY(arena, int32_t, RIFFLE_PREPARE_NUMBERS);
    numbers[RIFFLE_PREPARE_CHANNELS] = channels;
    numbers[RIFFLE_PREPARE_HEIGHT] = (int32_t)type->dims[2];
    numbers[RIFFLE_PREPARE_WIDTH] = (int32_t)type->dims[3];
    numbers[RIFFLE_PREPARE_BGR] = pixel_order_is_bgr(pixels->order);
    numbers[RIFFLE_PREPARE_NHWC] = input->layout == LAYOUT_NHWC;
    numbers[RIFFLE_PREPARE_BYTES] = type->element == ELEMENT_U8;
    numbers[RIFFLE_PREPARE_RESIZE] = (int32_t)pixels->resize;
    numbers[RIFFLE_PREPARE_LETTERBOX] = pixels->letterbox != LETTERBOX_NONE;
    numbers[RIFFLE_PREPARE_CORNER] = pixels->letterbox == LETTERBOX_CORNER;
    numbers[RIFFLE_PREPARE_FILL] = (int32_t)pixels->fill;
    numbers[RIFFLE_PREPARE_LARGEST] = largest;
    if (numbers[RIFFLE_PREPARE_BYTES])
        return support_numbers(numbers, RIFFLE_PREPARE_NUMBERS);
    float *values = ARENA_ARRAY(arena, float, channels * 256);
    for (int c = 0; c < channels; c++)
        for (int pixel = 0; pixel < 256; pixel++)
            values[256 * c + pixel] =
                (float)((pixel * pixels->scale - pixels->mean[c]) / pixels->std[c]);
    return (SupportConstants){.numbers = numbers,
        .number_count = RIFFLE_PREPARE_NUMBERS,
        .values = values,
        .value_count = channels * 256};
}
