#include "ir/graph.h"

#include <assert.h>

int64_t element_type_bytes(ElementType element) {
    assert(element < ELEMENT_TYPE_COUNT);
    static const int64_t bytes[] = {
        [ELEMENT_F32] = 4, [ELEMENT_U8] = 1, [ELEMENT_BF16] = 2, [ELEMENT_F16] = 2};
    return bytes[element];
}

const char *element_name(ElementType element) {
    assert(element < ELEMENT_TYPE_COUNT);
    static const char *const names[] = {
        [ELEMENT_F32] = "f32", [ELEMENT_U8] = "u8", [ELEMENT_BF16] = "bf16", [ELEMENT_F16] = "f16"};
    return names[element];
}

TensorType tensor_type(int rank, const int64_t *dims) {
    assert(rank >= 1 && rank <= MAX_RANK);
    TensorType type = {.element = ELEMENT_F32, .rank = rank};
    for (int i = 0; i < rank; i++)
        type.dims[i] = dims[i];
    return type;
}

bool tensor_type_equal(const TensorType *a, const TensorType *b) {
    if (a->element != b->element || a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++) {
        if (a->dims[i] != b->dims[i])
            return false;
    }
    return true;
}

int64_t tensor_elements(const TensorType *type) {
    const int64_t limit = (int64_t)1 << 40;
    int64_t elements = 1;
    for (int i = 0; i < type->rank; i++) {
        if (type->dims[i] < 1 || type->dims[i] > limit / elements)
            return -1;
        elements *= type->dims[i];
    }
    return elements;
}

bool rank_has_channels(int rank) {
    return rank == 2 || rank == 4;
}

int64_t tensor_channels(const TensorType *type) {
    return rank_has_channels(type->rank) ? type->dims[1] : tensor_elements(type) / type->dims[0];
}

void tensor_type_print(const TensorType *type, Text *text) {
    text_format(text, "%s[", element_name(type->element));
    for (int i = 0; i < type->rank; i++)
        text_format(text, "%s%lld", i > 0 ? "," : "", (long long)type->dims[i]);
    text_append(text, "]");
}

const char *tensor_type_spelling(const TensorType *type, Arena *arena) {
    Text text = {0};
    tensor_type_print(type, &text);
    const char *copy = arena_copy_string(arena, text.data);
    text_free(&text);
    return copy;
}

const char *letterbox_name(Letterbox letterbox) {
    return choice_words("letterbox")[letterbox];
}

const char *pixel_order_name(PixelOrder order) {
    return choice_words("pixel_order")[order];
}

bool pixel_order_is_bgr(PixelOrder order) {
    return order == PIXELS_BGR || order == PIXELS_BGRA;
}

int preprocessing_channels(const TensorType *type) {
    if (type->rank != 4)
        return 1;
    return type->dims[1] < 1 ? 1 : type->dims[1] > 4 ? 4 : (int)type->dims[1];
}
