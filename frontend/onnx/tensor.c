/* Constants from the file's tensors. What a tensor says of itself is compared with the bytes that
 * are there before it is believed. */
#include "frontend/onnx/importer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct TypeRow {
    OnnxType type;
    const char *name;
    unsigned bytes; /* of one element in raw data */
    bool integer, has_sign;
} TypeRow;

/* The types that are read. */
static const TypeRow type_rows[] = {
    {ONNX_FLOAT, "float", 4, false, true},
    {ONNX_UINT8, "uint8", 1, true, false},
    {ONNX_INT8, "int8", 1, true, true},
    {ONNX_UINT16, "uint16", 2, true, false},
    {ONNX_INT16, "int16", 2, true, true},
    {ONNX_INT32, "int32", 4, true, true},
    {ONNX_INT64, "int64", 8, true, true},
    {ONNX_BOOL, "bool", 1, true, false},
    {ONNX_FLOAT16, "float16", 2, false, true},
    {ONNX_DOUBLE, "double", 8, false, true},
    {ONNX_UINT32, "uint32", 4, true, false},
    {ONNX_UINT64, "uint64", 8, true, false},
    {ONNX_BFLOAT16, "bfloat16", 2, false, true},
};

/* The others of the standard, by their numbers. */
static const char *const unread_types[] = {[8] = "string",
    [14] = "complex64",
    [15] = "complex128",
    [17] = "float8e4m3fn",
    [18] = "float8e4m3fnuz",
    [19] = "float8e5m2",
    [20] = "float8e5m2fnuz",
    [21] = "uint4",
    [22] = "int4",
    [23] = "float4e2m1",
    [24] = "float8e8m0",
    [25] = "uint2",
    [26] = "int2"};

static const TypeRow *find_type(int type) {
    for (size_t i = 0; i < sizeof type_rows / sizeof *type_rows; i++)
        if ((int)type_rows[i].type == type)
            return &type_rows[i];
    return NULL;
}

const char *onnx_type_name(Importer *importer, int type) {
    const TypeRow *row = find_type(type);
    if (row != NULL)
        return row->name;
    size_t count = sizeof unread_types / sizeof *unread_types;
    if (type >= 0 && (size_t)type < count && unread_types[type] != NULL)
        return unread_types[type];
    return arena_format(importer->arena, "a type of number %d", type);
}

static bool read_dims(
    Importer *importer, const Onnx__TensorProto *tensor, const char *what, Shape *shape) {
    if (tensor->n_dims > ONNX_MAX_RANK)
        return model_fault(importer, NULL, "%s has %zu dimensions; at most %d are read", what,
            tensor->n_dims, (int)ONNX_MAX_RANK);
    shape->rank = (int)tensor->n_dims;
    for (int i = 0; i < shape->rank; i++) {
        shape->dims[i] = tensor->dims[i];
        if (shape->dims[i] < 0)
            return model_fault(
                importer, NULL, "%s has a dimension of %" PRId64, what, shape->dims[i]);
    }
    return shape_elements(shape) >= 0 ||
           model_fault(importer, NULL, "%s of the shape %s is too large", what,
               shape_spelling(importer->arena, shape));
}

/* ---- bytes ---- */

/* The elements as they would lie in raw data, wherever the file has them; the pointer may be
 * aligned to nothing. */
typedef struct Elements {
    const unsigned char *bytes;
    unsigned size; /* of one */
} Elements;

static bool counted(Importer *importer, const char *what, const TypeRow *row, const Shape *shape,
    size_t have, Elements elements, Elements *result) {
    *result = elements;
    int64_t want = shape_elements(shape);
    return have == (size_t)want ||
           model_fault(importer, "the file may be truncated",
               "%s of type %s and shape %s needs %" PRId64 " numbers, but has %zu", what, row->name,
               shape_spelling(importer->arena, shape), want, have);
}

static bool find_elements(Importer *importer, const Onnx__TensorProto *tensor, const char *what,
    const TypeRow *row, const Shape *shape, Elements *elements) {
    uint64_t wanted = (uint64_t)shape_elements(shape) * row->bytes;
    *elements = (Elements){tensor->raw_data.data, row->bytes};
    if (tensor->data_location == 1)
        return external_bytes(importer, tensor, what, wanted, &elements->bytes);
    if (tensor->data_location != 0)
        return model_fault(
            importer, NULL, "%s lies at the unknown location %d", what, tensor->data_location);
    if (tensor->raw_data.len > 0)
        return tensor->raw_data.len == wanted ||
               model_fault(importer, "the file may be truncated",
                   "%s of type %s and shape %s needs %" PRIu64 " bytes, but has %zu", what,
                   row->name, shape_spelling(importer->arena, shape), wanted, tensor->raw_data.len);
    switch (row->type) {
    case ONNX_FLOAT:
        return counted(importer, what, row, shape, tensor->n_float_data,
            (Elements){(const unsigned char *)tensor->float_data, 4}, elements);
    case ONNX_INT64:
        return counted(importer, what, row, shape, tensor->n_int64_data,
            (Elements){(const unsigned char *)tensor->int64_data, 8}, elements);
    case ONNX_DOUBLE:
        return counted(importer, what, row, shape, tensor->n_double_data,
            (Elements){(const unsigned char *)tensor->double_data, 8}, elements);
    case ONNX_UINT32:
    case ONNX_UINT64:
        return counted(importer, what, row, shape, tensor->n_uint64_data,
            (Elements){(const unsigned char *)tensor->uint64_data, 8}, elements);
    case ONNX_UINT8:
    case ONNX_INT8:
    case ONNX_UINT16:
    case ONNX_INT16:
    case ONNX_INT32:
    case ONNX_BOOL:
    case ONNX_FLOAT16:
    case ONNX_BFLOAT16:
        break;
    }
    return counted(importer, what, row, shape, tensor->n_int32_data,
        (Elements){(const unsigned char *)tensor->int32_data, 4}, elements);
}

/* ---- numbers ---- */

static float half_number(uint16_t half) {
    int exponent = half >> 10 & 31;
    float fraction = (float)(half & 1023) / 1024.0f;
    float number = exponent == 0    ? ldexpf(fraction, -14)
                   : exponent == 31 ? ((half & 1023) != 0 ? NAN : INFINITY)
                                    : ldexpf(1 + fraction, exponent - 15);
    return (half & 0x8000) != 0 ? -number : number;
}

static float bfloat_number(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static uint64_t little_endian(const unsigned char *bytes, unsigned size) {
    uint64_t number = 0;
    for (unsigned i = size; i > 0; i--)
        number = number << 8 | bytes[i - 1];
    return number;
}

static float float_at(const TypeRow *row, const unsigned char *at) {
    uint64_t bits = little_endian(at, row->bytes);
    uint32_t low = (uint32_t)bits;
    float number = 0;
    double wide;
    if (row->type == ONNX_FLOAT)
        memcpy(&number, &low, sizeof number);
    else if (row->type == ONNX_FLOAT16)
        number = half_number((uint16_t)bits);
    else if (row->type == ONNX_BFLOAT16)
        number = bfloat_number((uint16_t)bits);
    else {
        memcpy(&wide, &bits, sizeof wide);
        number = (float)wide;
    }
    return number;
}

static bool all_finite(Importer *importer, const char *what, const float *floats, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(floats[i]))
            return model_fault(importer, NULL, "%s holds %s (at its element %" PRId64 ")", what,
                isnan(floats[i]) ? "NaN" : "an infinity", i);
    return true;
}

static Symbol *float_constant(Importer *importer, const char *what, const TypeRow *row,
    const Shape *shape, Elements elements) {
    int64_t count = shape_elements(shape);
    const float *floats = (const float *)(const void *)elements.bytes;
    if (row->type != ONNX_FLOAT || (uintptr_t)elements.bytes % sizeof(float) != 0) {
        float *copy = ARENA_ARRAY(importer->arena, float, count + 1);
        for (int64_t i = 0; i < count; i++)
            copy[i] = float_at(row, elements.bytes + (size_t)i * elements.size);
        floats = copy;
    }
    bool one = count == 1; /* bounds of Clip may be infinite */
    if (!one && !all_finite(importer, what, floats, count))
        return NULL;
    return symbol_floats(importer, shape, floats);
}

static Symbol *integer_constant(
    Importer *importer, const TypeRow *row, const Shape *shape, Elements elements) {
    int64_t count = shape_elements(shape);
    int64_t *integers = ARENA_ARRAY(importer->arena, int64_t, count + 1);
    for (int64_t i = 0; i < count; i++) {
        uint64_t bits = little_endian(elements.bytes + (size_t)i * elements.size, row->bytes);
        unsigned unused = 64 - 8 * row->bytes; /* the number's own sign is carried into them */
        integers[i] = row->has_sign ? (int64_t)(bits << unused) >> unused : (int64_t)bits;
    }
    Symbol *symbol = symbol_integers(importer, shape, integers);
    symbol->type = (int)row->type;
    return symbol;
}

bool take_precision(Importer *importer, int type, const char *what, int64_t *widened) {
    if (type == ONNX_DOUBLE && !importer->options->convert_precision)
        return model_fault(importer, "riffle computes in float32; --convert-precision converts it",
            "%s has the type double", what);
    importer->converted += type == ONNX_DOUBLE;
    *widened += type == ONNX_FLOAT16 || type == ONNX_BFLOAT16;
    return true;
}

Symbol *constant_from_tensor(
    Importer *importer, const Onnx__TensorProto *tensor, const char *what) {
    const TypeRow *row = find_type(tensor->data_type);
    Shape shape = {0};
    Elements elements;
    if (row == NULL) {
        model_fault(importer, NULL, "%s has the type %s, which is not read", what,
            onnx_type_name(importer, tensor->data_type));
        return NULL;
    }
    if (!read_dims(importer, tensor, what, &shape) ||
        !find_elements(importer, tensor, what, row, &shape, &elements))
        return NULL;
    if (row->integer)
        return integer_constant(importer, row, &shape, elements);
    if (shape_elements(&shape) > 0 &&
        !take_precision(importer, (int)row->type, what, &importer->widened.constants))
        return NULL;
    return float_constant(importer, what, row, &shape, elements);
}
