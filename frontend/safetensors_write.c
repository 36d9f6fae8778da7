/* A graph's weights as a file that weights_load takes. */
#include "frontend/frontend.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *tensor_entry(const TensorType *type, size_t begin, size_t end) {
    json_t *shape = json_array();
    for (int i = 0; i < type->rank; i++)
        json_array_append_new(shape, json_integer(type->dims[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets",
        (json_int_t)begin, (json_int_t)end);
}

/* The header, in the order of the graph's weights, filled up with blanks to a multiple of 8 bytes
 * so that the data is aligned. */
static void append_header(const Graph *graph, Text *text) {
    json_t *header = json_object();
    size_t offset = 0;
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next) {
        size_t bytes = (size_t)tensor_elements(&weight->type) * sizeof(float);
        json_object_set_new(
            header, weight->path, tensor_entry(&weight->type, offset, offset + bytes));
        offset += bytes;
    }
    char *words = json_dumps(header, JSON_COMPACT | JSON_PRESERVE_ORDER);
    uint64_t length = (strlen(words) + 7) / 8 * 8;
    for (unsigned i = 0; i < 8; i++)
        text_append_bytes(text, &(char){(char)(length >> (8 * i) & 255)}, 1);
    text_append(text, words);
    for (size_t i = strlen(words); i < length; i++)
        text_append(text, " ");
    free(words);
    json_decref(header);
}

/* In pieces, since all bytes but those of the last one rest. */
static void append_data(const Weight *weight, RestingBytes *data) {
    enum { PIECE = 1 << 20 };
    size_t count = (size_t)tensor_elements(&weight->type);
    for (size_t at = 0; at < count; at += PIECE) {
        size_t bytes = (count - at < PIECE ? count - at : PIECE) * sizeof(float);
        memcpy(resting_append(data, bytes), weight->data + at, bytes);
        if (weight->rests)
            memory_rest(weight->data + at, bytes);
    }
}

void weights_write(const Graph *graph, Text *header, RestingBytes *data) {
    append_header(graph, header);
    for (const Weight *weight = graph->first_weight; weight != NULL; weight = weight->next)
        append_data(weight, data);
}
