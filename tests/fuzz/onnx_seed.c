#include "tests/fuzz/onnx_seed.h"

#include <stdint.h>
#include <string.h>

/* ---- protobuf's wire format ---- */

static void append_varint(Text *text, uint64_t number) {
    for (; number > 127; number >>= 7)
        text_append_bytes(text, &(char){(char)(number | 128)}, 1);
    text_append_bytes(text, &(char){(char)number}, 1);
}

static void append_number(Text *text, unsigned field, uint64_t number) {
    append_varint(text, field << 3);
    append_varint(text, number);
}

static void append_bytes(Text *text, unsigned field, const void *bytes, size_t length) {
    append_varint(text, field << 3 | 2);
    append_varint(text, length);
    text_append_bytes(text, bytes, length);
}

static void append_string(Text *text, unsigned field, const char *string) {
    append_bytes(text, field, string, strlen(string));
}

/* Appends `inner` as a message, and empties it. */
static void append_message(Text *text, unsigned field, Text *inner) {
    append_bytes(text, field, inner->length > 0 ? inner->data : "", inner->length);
    text_free(inner);
}

/* ---- ONNX ---- */

enum { INTEGER = 2, INTEGERS = 7 };

typedef struct NodeRow {
    const char *op, *inputs, *output; /* inputs are separated by blanks */
    const char *attribute;            /* NULL: none */
    int count;                        /* of its numbers; 0: one that is no list */
    int64_t numbers[5];
} NodeRow;

/* A unit of ShuffleNet V2 in the exporters' words, with the arithmetic of shapes. */
static const NodeRow nodes[] = {
    {"Conv", "x w v", "a", "pads", 4, {1, 1, 1, 1}},
    {"BatchNormalization", "a v v v v", "b", NULL, 0, {0}},
    {"Relu", "b", "c", NULL, 0, {0}},
    {"Shape", "c", "shape", NULL, 0, {0}},
    {"Gather", "shape one", "channels", "axis", 0, {0}},
    {"Div", "channels two", "half", NULL, 0, {0}},
    {"Concat", "one two half four four", "five", "axis", 0, {0}},
    {"Reshape", "c five", "d", NULL, 0, {0}},
    {"Transpose", "d", "e", "perm", 5, {0, 2, 1, 3, 4}},
    {"Reshape", "e shape", "f", NULL, 0, {0}},
    {"Slice", "f zero two one", "g", NULL, 0, {0}},
    {"Slice", "f two four one", "h", NULL, 0, {0}},
    {"Sigmoid", "h", "i", NULL, 0, {0}},
    {"Concat", "g i", "j", "axis", 0, {1}},
    {"MaxPool", "j", "k", "kernel_shape", 2, {2, 2}},
    {"Add", "k k", "l", NULL, 0, {0}},
    {"GlobalAveragePool", "l", "m", NULL, 0, {0}},
    {"Flatten", "m", "n", "axis", 0, {1}},
    {"Gemm", "n u", "y", "transB", 0, {1}},
};

static void append_node(Text *graph, const NodeRow *row) {
    Text node = {0}, attribute = {0}, list = {0};
    for (const char *at = row->inputs; *at != '\0';) {
        size_t length = strcspn(at, " ");
        append_bytes(&node, 1, at, length);
        at += length + (at[length] == ' ');
    }
    append_string(&node, 2, row->output);
    append_string(&node, 3, row->output);
    append_string(&node, 4, row->op);
    if (row->attribute != NULL) {
        append_string(&attribute, 1, row->attribute);
        for (int i = 0; i < row->count; i++)
            append_varint(&list, (uint64_t)row->numbers[i]);
        if (row->count > 0)
            append_message(&attribute, 8, &list);
        else
            append_number(&attribute, 3, (uint64_t)row->numbers[0]);
        append_number(&attribute, 20, row->count > 0 ? INTEGERS : INTEGER);
        append_message(&node, 5, &attribute);
    }
    append_message(graph, 1, &node);
}

/* `rank` dimensions of floats, all 0.5. */
static void append_weight(Text *graph, const char *name, int rank, const int64_t *dims) {
    Text tensor = {0}, data = {0};
    int64_t count = 1;
    for (int i = 0; i < rank; i++) {
        append_number(&tensor, 1, (uint64_t)dims[i]);
        count *= dims[i];
    }
    append_number(&tensor, 2, 1);
    append_string(&tensor, 8, name);
    for (int64_t i = 0; i < count; i++)
        text_append_bytes(&data, &(float){0.5f}, sizeof(float));
    append_message(&tensor, 9, &data);
    append_message(graph, 5, &tensor);
}

static void append_list(Text *graph, const char *name, int64_t number) {
    Text tensor = {0};
    append_number(&tensor, 1, 1);
    append_number(&tensor, 2, 7);
    append_number(&tensor, 7, (uint64_t)number);
    append_string(&tensor, 8, name);
    append_message(graph, 5, &tensor);
}

static void append_port(Text *graph, unsigned field, const char *name, int rank) {
    static const int64_t dims[] = {1, 3, 4, 4};
    Text port = {0}, type = {0}, tensor = {0}, shape = {0}, dimension = {0};
    for (int i = 0; i < rank; i++) {
        append_number(&dimension, 1, (uint64_t)dims[i]);
        append_message(&shape, 1, &dimension);
    }
    append_number(&tensor, 1, 1);
    append_message(&tensor, 2, &shape);
    append_message(&type, 1, &tensor);
    append_string(&port, 1, name);
    append_message(&port, 2, &type);
    append_message(graph, field, &port);
}

void onnx_seed(Text *seed) {
    Text graph = {0}, opset = {0};
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        append_node(&graph, &nodes[i]);
    append_weight(&graph, "w", 4, (int64_t[]){4, 3, 3, 3});
    append_weight(&graph, "v", 1, (int64_t[]){4});
    append_weight(&graph, "u", 2, (int64_t[]){3, 4});
    append_list(&graph, "zero", 0);
    append_list(&graph, "one", 1);
    append_list(&graph, "two", 2);
    append_list(&graph, "four", 4);
    append_port(&graph, 11, "x", 4);
    append_port(&graph, 12, "y", 0);
    append_number(seed, 1, 8);
    append_message(seed, 7, &graph);
    append_number(&opset, 2, 17);
    append_message(seed, 8, &opset);
}
