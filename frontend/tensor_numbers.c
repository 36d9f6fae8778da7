/* The numbers of a file's tensors as float32. Exact for f16 and bf16, each of which is a float32.
 */
#include "frontend/tensor_file.h"

#include <string.h>

static float float_from_bits(uint32_t bits) {
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static float float_from_bf16(uint16_t half) {
    return float_from_bits((uint32_t)half << 16);
}

float float_from_f16(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = (half >> 10) & 0x1f, fraction = half & 0x3ff;
    if (exponent == 0x1f) /* infinity, NaN */
        return float_from_bits(sign | 0x7f800000 | fraction << 13);
    if (exponent == 0) { /* zero, subnormal: fraction * 2^-24 */
        float magnitude = (float)fraction * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    return float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

static size_t number_bytes(FileTensorType type) {
    return type == FILE_F64 ? sizeof(double) : type == FILE_F32 ? sizeof(float) : sizeof(uint16_t);
}

/* *rounded counts numbers that are another as float32. */
static float number_at(FileTensorType type, const unsigned char *bytes, uint64_t *rounded) {
    float number;
    uint16_t half;
    double wide;
    switch (type) {
    case FILE_F64:
        memcpy(&wide, bytes, sizeof wide);
        number = (float)wide;
        *rounded += wide == wide && (double)number != wide;
        return number;
    case FILE_F32:
        memcpy(&number, bytes, sizeof number);
        return number;
    default:
        memcpy(&half, bytes, sizeof half);
        return type == FILE_F16 ? float_from_f16(half) : float_from_bf16(half);
    }
}

uint64_t tensor_numbers(const TensorFile *file, const FileTensor *tensor, float *floats) {
    const unsigned char *bytes = file->data + tensor->begin;
    size_t size = number_bytes(tensor->type), at = 0, count = 1;
    int64_t index[FILE_TENSOR_MAX_RANK] = {0};
    uint64_t rounded = 0;
    for (int i = 0; i < tensor->rank; i++)
        count *= (size_t)tensor->dims[i];
    for (size_t i = 0; i < count; i++) {
        floats[i] = number_at(tensor->type, bytes + size * at, &rounded);
        if (tensor->strides == NULL) {
            at++;
            continue;
        }
        /* Where the next is: the last dimension runs fastest. */
        for (int k = tensor->rank - 1; k >= 0; k--) {
            at += (size_t)tensor->strides[k];
            if (++index[k] < tensor->dims[k])
                break;
            at -= (size_t)(tensor->strides[k] * tensor->dims[k]);
            index[k] = 0;
        }
    }
    return rounded;
}
