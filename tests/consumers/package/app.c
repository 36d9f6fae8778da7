/* Runs both networks, alone and with the thread pool, and prints a checksum of the outputs. */
#include "seven.h"
#include "tiny.h"
#include <riffle_runtime.h>
#include <stdio.h>
#include <string.h>

static float image[TINY_INPUT_IMAGE_ELEMENTS];
static float features[TINY_OUTPUT_FEATURES_ELEMENTS], logits[2][TINY_OUTPUT_LOGITS_ELEMENTS];
static float seven_logits[SEVEN_OUTPUT_LOGITS_ELEMENTS];
static _Alignas(TINY_WORKSPACE_ALIGNMENT) unsigned char workspace[TINY_WORKSPACE_BYTES];
static _Alignas(SEVEN_WORKSPACE_ALIGNMENT) unsigned char seven_workspace[SEVEN_WORKSPACE_BYTES];

int main(void) {
    for (int i = 0; i < TINY_INPUT_IMAGE_ELEMENTS; i++)
        image[i] = (float)(i % 17) / 8 - 1;
    riffle_pool *pool = riffle_pool_create(2);
    if (pool == NULL)
        return 1;
    struct tiny_inputs inputs = {image};
    struct tiny_outputs outputs = {features, logits[0]}, parallel_outputs = {features, logits[1]};
    int status = tiny_run(&inputs, &outputs, workspace);
    if (status != TINY_OK) {
        fprintf(stderr, "%s\n", tiny_status_text(status));
        return 1;
    }
    if (tiny_run_parallel(&inputs, &parallel_outputs, workspace, riffle_pool_parallel_for, pool) !=
            TINY_OK ||
        memcmp(logits[0], logits[1], sizeof logits[0]) != 0)
        return 2;
    struct seven_inputs seven_inputs = {image};
    struct seven_outputs seven_outputs = {features, seven_logits};
    if (seven_run(&seven_inputs, &seven_outputs, seven_workspace) != SEVEN_OK)
        return 3;
    riffle_pool_destroy(pool);
    if (tiny_run(NULL, &outputs, workspace) != TINY_ERROR_NULL_POINTER ||
        tiny_run(&inputs, &outputs, workspace + 4) != TINY_ERROR_MISALIGNED_WORKSPACE)
        return 4;
    struct tiny_inputs no_image = {NULL};
    if (tiny_run(&no_image, &outputs, workspace) != TINY_ERROR_NULL_POINTER)
        return 5;
    for (int i = 0; i < TINY_OUTPUT_LOGITS_ELEMENTS; i++)
        printf("%.9g\n", logits[0][i]);
    for (int i = 0; i < SEVEN_OUTPUT_LOGITS_ELEMENTS; i++)
        printf("%.9g\n", seven_logits[i]);
    return 0;
}
