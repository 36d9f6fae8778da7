/* Runs images one by one and in one call, and compares all numbers; what the call refuses. The file
 * of weights, where the library has none, is the argument. */
#include "tiny.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 5, GUARDS = 16 };
static const float guard = 12345;

static float images[COUNT][TINY_INPUT_IMAGE_ELEMENTS];
static float features[2][COUNT * TINY_OUTPUT_FEATURES_ELEMENTS + GUARDS];
static float logits[2][COUNT * TINY_OUTPUT_LOGITS_ELEMENTS + GUARDS];
static _Alignas(TINY_WORKSPACE_ALIGNMENT) unsigned char workspace[TINY_WORKSPACE_BYTES];

static void fill(void) {
    unsigned state = 1;
    for (int n = 0; n < COUNT; n++)
        for (int i = 0; i < TINY_INPUT_IMAGE_ELEMENTS; i++) {
            state = state * 1664525u + 1013904223u;
            images[n][i] = (float)(state >> 8) / (float)(1 << 23) - 1;
        }
    for (int way = 0; way < 2; way++) {
        for (size_t i = 0; i < sizeof features[way] / sizeof(float); i++)
            features[way][i] = guard;
        for (size_t i = 0; i < sizeof logits[way] / sizeof(float); i++)
            logits[way][i] = guard;
    }
}

static const void *read_weights(struct tiny_inputs *inputs, const char *path) {
#ifdef TINY_WEIGHTS_BYTES
    void *weights =
        aligned_alloc(TINY_WEIGHTS_ALIGNMENT, (TINY_WEIGHTS_BYTES + TINY_WEIGHTS_ALIGNMENT - 1) /
                                                  TINY_WEIGHTS_ALIGNMENT * TINY_WEIGHTS_ALIGNMENT);
    FILE *file = path == NULL ? NULL : fopen(path, "rb");
    if (weights == NULL || file == NULL ||
        fread(weights, 1, TINY_WEIGHTS_BYTES, file) != TINY_WEIGHTS_BYTES)
        exit(10);
    fclose(file);
    inputs->weights = weights;
    return weights;
#else
    (void)inputs, (void)path;
    return NULL;
#endif
}

static int refuses(const struct tiny_inputs *inputs, const struct tiny_outputs *outputs) {
    struct tiny_inputs no_image = *inputs;
    no_image.image = NULL;
    return tiny_run_batch(NULL, outputs, workspace, COUNT) == TINY_ERROR_NULL_POINTER &&
           tiny_run_batch(inputs, NULL, workspace, COUNT) == TINY_ERROR_NULL_POINTER &&
           tiny_run_batch(inputs, outputs, NULL, COUNT) == TINY_ERROR_NULL_POINTER &&
           tiny_run_batch(&no_image, outputs, workspace, COUNT) == TINY_ERROR_NULL_POINTER &&
           tiny_run_batch(inputs, outputs, workspace + 4, COUNT) ==
               TINY_ERROR_MISALIGNED_WORKSPACE &&
           tiny_run_batch(inputs, outputs, workspace, 0) == TINY_OK;
}

int main(int argc, char **argv) {
    struct tiny_inputs inputs = {.image = images[0]};
    fill();
    const void *weights = read_weights(&inputs, argc > 1 ? argv[1] : NULL);
    struct tiny_outputs outputs = {features[0], logits[0]};
    if (!refuses(&inputs, &outputs) || logits[0][0] != guard)
        return 1;
    if (tiny_run_batch(&inputs, &outputs, workspace, COUNT) != TINY_OK)
        return 2;
    for (int i = 0; i < COUNT; i++) {
        struct tiny_inputs one = inputs;
        one.image = images[i];
        struct tiny_outputs answer = {features[1] + i * TINY_OUTPUT_FEATURES_ELEMENTS,
            logits[1] + i * TINY_OUTPUT_LOGITS_ELEMENTS};
        if (tiny_run(&one, &answer, workspace) != TINY_OK)
            return 3;
    }
    if (memcmp(features[0], features[1], sizeof features[0]) != 0 ||
        memcmp(logits[0], logits[1], sizeof logits[0]) != 0)
        return 4;
    if (memcmp(logits[0], logits[0] + TINY_OUTPUT_LOGITS_ELEMENTS,
            TINY_OUTPUT_LOGITS_ELEMENTS * sizeof(float)) == 0)
        return 5;
    free((void *)(size_t)weights);
    return 0;
}
