/* A library with code for several processors: prints the level that it finds, its errors, and the
 * logits of each level that runs here. */
#include "tiny.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float image[TINY_INPUT_IMAGE_ELEMENTS], features[TINY_OUTPUT_FEATURES_ELEMENTS];
static float logits[TINY_OUTPUT_LOGITS_ELEMENTS];

static void run_here(void *pool, tiny_task *task, void *context, size_t count) {
    (void)pool;
    for (size_t i = count; i > 0; i--)
        task(context, i - 1, i);
}

static void print_logits(const char *what) {
    printf("%s", what);
    for (int i = 0; i < TINY_OUTPUT_LOGITS_ELEMENTS; i++)
        printf(" %.9g", (double)logits[i]);
    printf("\n");
    memset(logits, 0xff, sizeof logits);
}

int main(void) {
    struct tiny_inputs inputs = {image};
    struct tiny_outputs outputs = {features, logits};
    void *workspace =
        aligned_alloc(TINY_WORKSPACE_ALIGNMENT, (TINY_WORKSPACE_BYTES + 63) / 64 * 64);
    if (workspace == NULL)
        return 1;
    for (int i = 0; i < TINY_INPUT_IMAGE_ELEMENTS; i++)
        image[i] = (float)(i % 17) / 8 - 1;
    int level = tiny_level();
    printf("level %d\n", level);
    for (int wrong = -1; wrong <= 1; wrong++)
        if (tiny_run_level(wrong, &inputs, &outputs, workspace) != TINY_ERROR_PROCESSOR)
            return 2;
    if (tiny_run_level(level, NULL, &outputs, workspace) != TINY_ERROR_NULL_POINTER)
        return 3;
    printf("%s\n", tiny_status_text(TINY_ERROR_PROCESSOR));
    if (tiny_run(&inputs, &outputs, workspace) != TINY_OK)
        return 4;
    print_logits("run");
    if (tiny_run_parallel(&inputs, &outputs, workspace, run_here, NULL) != TINY_OK)
        return 5;
    print_logits("run_parallel");
    for (int lower = TINY_LEVEL_X86_64_V2; lower <= level; lower++) {
        char name[16];
        if (tiny_run_level(lower, &inputs, &outputs, workspace) != TINY_OK)
            return 6;
        snprintf(name, sizeof name, "%d", lower);
        print_logits(name);
        if (tiny_run_parallel_level(lower, &inputs, &outputs, workspace, run_here, NULL) != TINY_OK)
            return 7;
        print_logits(name);
    }
    free(workspace);
    return 0;
}
