/* A run that is shared out gives, bit for bit, the answers of one thread: with pools of several
 * sizes, on more threads than there are processors, and with loops that call the task in their own
 * way. Built with ThreadSanitizer. */
#include "riffle_runtime.h"
#include "shared.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 40, ALL_AT_ONCE = 12 };

typedef struct Model {
    float *image, *features, *logits;
    void *workspace;
} Model;

typedef struct Stint {
    riffle_task *task;
    void *context;
    size_t begin, end;
} Stint;

static void backwards(void *pool, riffle_task *task, void *context, size_t count) {
    (void)pool;
    while (count-- > 0)
        task(context, count, count + 1);
}

static void as_one(void *pool, riffle_task *task, void *context, size_t count) {
    (void)pool;
    task(context, 0, count);
}

static void *do_stint(void *argument) {
    const Stint *stint = argument;
    for (size_t i = stint->begin; i < stint->end; i++)
        stint->task(stint->context, i, i + 1);
    return NULL;
}

/* A thread for each share of the items, all new. */
static void all_at_once(void *pool, riffle_task *task, void *context, size_t count) {
    (void)pool;
    pthread_t threads[ALL_AT_ONCE];
    Stint stints[ALL_AT_ONCE];
    for (size_t i = 0; i < ALL_AT_ONCE; i++) {
        stints[i] = (Stint){task, context, count * i / ALL_AT_ONCE, count * (i + 1) / ALL_AT_ONCE};
        if (pthread_create(&threads[i], NULL, do_stint, &stints[i]) != 0)
            abort();
    }
    for (size_t i = 0; i < ALL_AT_ONCE; i++)
        pthread_join(threads[i], NULL);
}

static void *allocate(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (memory == NULL)
        abort();
    return memory;
}

/* Clears what the last run left, so that nothing of it can pass for an answer. */
static int run(const Model *model, riffle_parallel_for *parallel_for, void *pool) {
    struct shared_inputs inputs = {model->image};
    struct shared_outputs outputs = {model->features, model->logits};
    memset(model->features, 0xff, sizeof(float) * SHARED_OUTPUT_FEATURES_ELEMENTS);
    memset(model->logits, 0xff, sizeof(float) * SHARED_OUTPUT_LOGITS_ELEMENTS);
    memset(model->workspace, 0xff, SHARED_WORKSPACE_BYTES);
    return parallel_for == NULL
               ? shared_run(&inputs, &outputs, model->workspace)
               : shared_run_parallel(&inputs, &outputs, model->workspace, parallel_for, pool);
}

static int differs(const Model *model, const Model *expected, riffle_parallel_for *parallel_for,
    void *pool, const char *how) {
    for (int round = 0; round < ROUNDS; round++) {
        if (run(model, parallel_for, pool) == 0 &&
            memcmp(model->logits, expected->logits,
                sizeof(float) * SHARED_OUTPUT_LOGITS_ELEMENTS) == 0 &&
            memcmp(model->features, expected->features,
                sizeof(float) * SHARED_OUTPUT_FEATURES_ELEMENTS) == 0)
            continue;
        printf("%s: round %d differs\n", how, round);
        return 1;
    }
    return 0;
}

static Model make_model(void) {
    Model model = {allocate(sizeof(float) * SHARED_INPUT_IMAGE_ELEMENTS),
        allocate(sizeof(float) * SHARED_OUTPUT_FEATURES_ELEMENTS),
        allocate(sizeof(float) * SHARED_OUTPUT_LOGITS_ELEMENTS), allocate(SHARED_WORKSPACE_BYTES)};
    for (int i = 0; i < SHARED_INPUT_IMAGE_ELEMENTS; i++)
        model.image[i] = (float)(i * 7 % 29) / 14 - 1;
    return model;
}

static void free_model(Model *model) {
    free(model->image);
    free(model->features);
    free(model->logits);
    free(model->workspace);
}

int main(void) {
    static const int threads[] = {1, 2, 3, 5, 8};
    Model model = make_model(), expected = make_model();
    int failures = run(&expected, NULL, NULL) != 0;
    failures += differs(&model, &expected, backwards, NULL, "backwards");
    failures += differs(&model, &expected, as_one, NULL, "as one");
    failures += differs(&model, &expected, all_at_once, NULL, "all at once");
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        riffle_pool *pool = riffle_pool_create(threads[i]);
        failures +=
            pool == NULL || differs(&model, &expected, riffle_pool_parallel_for, pool, "a pool");
        riffle_pool_destroy(pool);
    }
    free_model(&model);
    free_model(&expected);
    printf("%d failures\n", failures);
    return failures != 0;
}
