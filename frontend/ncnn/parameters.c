/* Parameters of the current layer, by key. */
#include "frontend/ncnn/importer.h"

#include <math.h>

const NcnnParameter *ncnn_parameter(const NcnnLayer *layer, int key) {
    for (size_t i = 0; i < layer->parameter_count; i++)
        if (layer->parameters[i].key == key)
            return &layer->parameters[i];
    return NULL;
}

static bool is_integer(double number) {
    return fabs(number) < 0x1p31 && floor(number) == number;
}

bool ncnn_number(Importer *importer, int key, double standard, double *value) {
    const NcnnParameter *parameter = ncnn_parameter(ncnn_layer(importer), key);
    *value = standard;
    if (parameter == NULL)
        return true;
    if (parameter->string != NULL)
        return node_fault(importer, "export it with the sizes of one picture",
            "its parameter %d is the expression '%.60s'; riffle compiles fixed sizes", key,
            parameter->string);
    if (parameter->is_list || parameter->count != 1)
        return node_fault(importer, NULL, "its parameter %d is a list, not a number", key);
    *value = parameter->numbers[0];
    return true;
}

bool ncnn_integer(Importer *importer, int key, int64_t standard, int64_t *value) {
    double number;
    if (!ncnn_number(importer, key, (double)standard, &number))
        return false;
    if (!is_integer(number))
        return node_fault(
            importer, NULL, "its parameter %d is %g, not a whole number", key, number);
    *value = (int64_t)number;
    return true;
}

bool ncnn_flag(Importer *importer, int key, bool *flag) {
    int64_t value = 0;
    if (!ncnn_integer(importer, key, 0, &value))
        return false;
    *flag = value != 0;
    return value == 0 || value == 1 ||
           node_fault(importer, NULL, "its parameter %d must be 0 or 1, but is %lld", key,
               (long long)value);
}

bool ncnn_numbers(Importer *importer, int key, const double **numbers, size_t *count) {
    const NcnnParameter *parameter = ncnn_parameter(ncnn_layer(importer), key);
    *count = parameter == NULL ? 0 : parameter->count;
    *numbers = parameter == NULL ? NULL : parameter->numbers;
    return parameter == NULL || parameter->is_list ||
           node_fault(importer, NULL, "its parameter %d is no list", key);
}

bool ncnn_integers(Importer *importer, int key, IntegerList *list) {
    const double *numbers;
    size_t count;
    *list = (IntegerList){0};
    if (!ncnn_numbers(importer, key, &numbers, &count))
        return false;
    int64_t *items = ARENA_ARRAY(importer->arena, int64_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        if (!is_integer(numbers[i]))
            return node_fault(
                importer, NULL, "its parameter %d has %g, not a whole number", key, numbers[i]);
        items[i] = (int64_t)numbers[i];
    }
    *list = (IntegerList){items, count};
    return true;
}
