/* The file of weights: the numbers of one layer after the other, without names. Where a layer's
 * begin is known only if it is known how many all layers before have. */
#include "frontend/ncnn/importer.h"
#include "frontend/syntax.h"
#include "frontend/tensor_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What four bytes in front of numbers say. */
enum {
    TAG_FLOATS = 0,
    TAG_HALVES = 0x01306B47,
    TAG_BYTES = 0x000D4B38,
    TAG_FLOATS_TOO = 0x0002C056,
};

typedef struct WeightWalk {
    Importer *importer;
    const unsigned char *bytes;
    uint64_t length, at;
    const char *lost_name, *lost_type; /* the first layer whose weights are not known, or NULL */
} WeightWalk;

/* ---- the table's words ---- */

static double number_of(const NcnnLayer *layer, int key) {
    const NcnnParameter *parameter = ncnn_parameter(layer, key);
    return parameter == NULL || parameter->count != 1 ? 0 : parameter->numbers[0];
}

/* The numbers of a MemoryData; a size that is left out counts as 1. */
static double product_of_sizes(const NcnnLayer *layer) {
    static const int keys[] = {0, 1, 2, 11};
    double product = 1;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        double size = number_of(layer, keys[i]);
        product *= size == 0 ? 1 : size;
    }
    return product;
}

/* Reads a word of `weights` in layers.def; false at the end. A count of 0: there is none. */
static bool next_word(const NcnnLayer *layer, const char **at, bool *tagged, double *count) {
    while (**at == ' ')
        ++*at;
    if (**at == '\0')
        return false;
    *tagged = *(*at)++ == 't';
    char *end;
    if (**at == '*') {
        *count = product_of_sizes(layer);
        end = (char *)*at + 1;
    } else {
        *count = number_of(layer, (int)strtol(*at, &end, 10));
        if (*count == (double)NCNN_ABSENT) /* a Scale by another blob */
            *count = 0;
    }
    if (*end == '?' || *end == '!') {
        bool given = *end == '?';
        int key = (int)strtol(end + 1, &end, 10);
        if (number_of(layer, key) == 0 && (given || ncnn_parameter(layer, key) != NULL))
            *count = 0;
    }
    *at = end;
    return true;
}

/* ---- the walk ---- */

static void set_fault(NcnnLayer *layer, const char *hint, const char *message) {
    layer->weight_fault = message;
    layer->weight_hint = hint;
}

static uint32_t little_endian(const unsigned char *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* What the tag says; false with a fault where it is not read. */
static bool take_tag(WeightWalk *walk, NcnnLayer *layer, NcnnNumbers *numbers) {
    Arena *arena = walk->importer->arena;
    if (walk->length - walk->at < 4) {
        set_fault(layer, "the file may be truncated",
            arena_format(arena, "the file of weights ends at byte %" PRIu64 ", before its weights",
                walk->length));
        return false;
    }
    uint32_t tag = little_endian(walk->bytes + walk->at);
    walk->at += 4;
    *numbers = tag == TAG_HALVES ? NCNN_HALVES : NCNN_FLOATS;
    if (tag == TAG_FLOATS || tag == TAG_FLOATS_TOO || tag == TAG_HALVES)
        return true;
    if (tag == TAG_BYTES)
        set_fault(layer,
            "import the model that it was made of; `riffle compile --precision int8` quantises",
            "its weights are quantised to int8; riffle imports weights in floating point");
    else
        set_fault(layer, "is this the .bin file of this .param file?",
            arena_format(arena,
                "its weights begin with the tag 0x%08" PRIX32 " at byte %" PRIu64
                ", which is neither float32 nor float16: a table of 256 numbers, or not its "
                "weights",
                tag, walk->at - 4));
    return false;
}

static bool take_numbers(WeightWalk *walk, NcnnLayer *layer, bool tagged, double count) {
    NcnnWeight *weight = &layer->weights[layer->weight_count++];
    *weight = (NcnnWeight){0};
    if (count == 0)
        return true;
    if (!(count > 0 && count < 0x1p40 && floor(count) == count)) {
        set_fault(layer, NULL,
            arena_format(
                walk->importer->arena, "its parameters say that it has %g weights", count));
        return false;
    }
    if (tagged && !take_tag(walk, layer, &weight->numbers))
        return false;
    uint64_t size = (uint64_t)count * (weight->numbers == NCNN_HALVES ? 2 : 4), left;
    left = walk->length - walk->at;
    if (left < size) {
        set_fault(layer, "the file may be truncated, or belong to another model",
            arena_format(walk->importer->arena,
                "its weights need %" PRIu64 " bytes from byte %" PRIu64
                " of the file of weights, but there are %" PRIu64,
                size, walk->at, left));
        return false;
    }
    weight->bytes = walk->bytes + walk->at;
    weight->count = (int64_t)count;
    uint64_t aligned = (size + 3) / 4 * 4;
    walk->at += aligned < left ? aligned : left;
    return true;
}

/* Layers quantised to int8 have scales besides. */
static bool is_quantized(const NcnnLayer *layer) {
    return strstr(layer->type->parameters, " 8 ") != NULL && *layer->type->weights == 't' &&
           number_of(layer, 8) != 0;
}

static bool take_layer(WeightWalk *walk, NcnnLayer *layer) {
    if (layer->type == NULL || layer->type->weights == NULL)
        return false;
    if (is_quantized(layer)) {
        set_fault(layer,
            "import the model that it was made of; `riffle compile --precision int8` quantises",
            "it is quantised (parameter 8); riffle imports layers in floating point");
        return false;
    }
    const char *at = layer->type->weights;
    bool tagged;
    for (double count; next_word(layer, &at, &tagged, &count);)
        if (!take_numbers(walk, layer, tagged, count))
            return false;
    return true;
}

void ncnn_find_weights(Importer *importer) {
    const NcnnBytes *file = ((const NcnnSource *)importer->source)->weights;
    NcnnState *state = importer->own;
    WeightWalk walk = {.importer = importer, .bytes = file->bytes, .length = file->length};
    for (size_t i = 0; i < importer->model->node_count; i++) {
        const ModelNode *node = &importer->model->nodes[i];
        NcnnLayer *layer = (NcnnLayer *)node->own;
        if (walk.lost_name == NULL) {
            if (take_layer(&walk, layer))
                continue;
            walk.lost_name = node->name;
            walk.lost_type = node->op_type;
        } else if (layer->type != NULL && layer->type->weights != NULL &&
                   *layer->type->weights != '\0') {
            set_fault(layer, NULL,
                arena_format(importer->arena,
                    "its weights lie behind those of layer '%.100s' (%.100s), of which it is not "
                    "known how long they are",
                    walk.lost_name, walk.lost_type));
        }
    }
    state->left_over = walk.lost_name == NULL ? walk.length - walk.at : 0;
}

const float *ncnn_weight(Importer *importer, int index, int64_t count) {
    const NcnnWeight *weight = &ncnn_layer(importer)->weights[index];
    if (weight->count != count) {
        node_fault(importer, NULL, "it has %" PRId64 " weights where its sizes need %" PRId64,
            weight->count, count);
        return NULL;
    }
    float *floats = ARENA_ARRAY(importer->arena, float, count);
    for (int64_t i = 0; i < count; i++) {
        const unsigned char *bytes = weight->bytes + i * (weight->numbers == NCNN_HALVES ? 2 : 4);
        if (weight->numbers == NCNN_HALVES) {
            floats[i] = float_from_f16((uint16_t)(bytes[0] | bytes[1] << 8));
        } else {
            uint32_t bits = little_endian(bytes);
            memcpy(&floats[i], &bits, sizeof bits);
        }
    }
    importer->widened.constants += weight->numbers == NCNN_HALVES;
    return floats;
}
