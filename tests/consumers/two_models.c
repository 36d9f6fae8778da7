/* Two networks in one program, each called from two threads at once, and once with a pool: every
 * answer must be, bit for bit, the one that the network gives alone. Built with ThreadSanitizer. */
#include "left.h"
#include "riffle_runtime.h"
#include "right.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 20, THREADS = 4 };

typedef struct Work {
    int network, variant; /* which input */
    float *image, *features, *logits;
    void *workspace;
    const float *expected;
    int failures;
} Work;

static size_t logit_bytes(int network) {
    return sizeof(float) *
           (network == 0 ? LEFT_OUTPUT_LOGITS_ELEMENTS : RIGHT_OUTPUT_LOGITS_ELEMENTS);
}

static void *allocate(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (memory == NULL)
        abort();
    return memory;
}

static Work make_work(int network, int variant) {
    Work work = {.network = network, .variant = variant};
    work.image = allocate(sizeof(float) * LEFT_INPUT_IMAGE_ELEMENTS);
    work.features = allocate(sizeof(float) * LEFT_OUTPUT_FEATURES_ELEMENTS);
    work.logits = allocate(logit_bytes(network));
    work.workspace = allocate(network == 0 ? LEFT_WORKSPACE_BYTES : RIGHT_WORKSPACE_BYTES);
    for (int i = 0; i < LEFT_INPUT_IMAGE_ELEMENTS; i++)
        work.image[i] = (float)((i * 7 + variant * 13) % 29) / 14 - 1;
    return work;
}

static void free_work(Work *work) {
    free(work->image);
    free(work->features);
    free(work->logits);
    free(work->workspace);
}

static int run_once(Work *work, riffle_pool *pool) {
    struct left_inputs left_inputs = {work->image};
    struct left_outputs left_outputs = {work->features, work->logits};
    struct right_inputs right_inputs = {work->image};
    struct right_outputs right_outputs = {work->features, work->logits};
    memset(work->logits, 0xff, logit_bytes(work->network));
    if (work->network == 0)
        return pool == NULL ? left_run(&left_inputs, &left_outputs, work->workspace)
                            : left_run_parallel(&left_inputs, &left_outputs, work->workspace,
                                  riffle_pool_parallel_for, pool);
    return pool == NULL ? right_run(&right_inputs, &right_outputs, work->workspace)
                        : right_run_parallel(&right_inputs, &right_outputs, work->workspace,
                              riffle_pool_parallel_for, pool);
}

static void *run_often(void *argument) {
    Work *work = argument;
    for (int i = 0; i < ROUNDS; i++) {
        if (run_once(work, NULL) != 0 ||
            memcmp(work->logits, work->expected, logit_bytes(work->network)) != 0)
            work->failures++;
    }
    return NULL;
}

int main(void) {
    Work works[THREADS];
    float *alone[THREADS];
    riffle_pool *pool = riffle_pool_create(3);
    int failures = pool == NULL;
    for (int i = 0; i < THREADS; i++) {
        works[i] = make_work(i / 2, i % 2);
        failures += run_once(&works[i], NULL) != 0;
        alone[i] = allocate(logit_bytes(i / 2));
        memcpy(alone[i], works[i].logits, logit_bytes(i / 2));
        works[i].expected = alone[i];
    }
    if (memcmp(alone[0], alone[1], logit_bytes(0)) == 0) {
        puts("different inputs gave the same answer: the comparison would prove nothing");
        return 1;
    }
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        failures += pthread_create(&threads[i], NULL, run_often, &works[i]) != 0;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        failures += works[i].failures;
        failures += run_once(&works[i], pool) != 0;
        failures += memcmp(works[i].logits, alone[i], logit_bytes(i / 2)) != 0;
        free_work(&works[i]);
        free(alone[i]);
    }
    riffle_pool_destroy(pool);
    printf("%d failures\n", failures);
    return failures != 0;
}
