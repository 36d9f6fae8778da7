/* How often NAME_run_parallel calls parallel_for: once, or again where the task ended before all
 * was done, at most once for each step (STEPS); with a status where the items are not done.
 *
 * A timer takes a thread's processor away for longer than the others wait for it, so that tasks do
 * end early. Prints the most calls of a run. */
#define _DEFAULT_SOURCE
#include "loops.h"
#include "riffle_runtime.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

enum { RUNS = 300, THREADS = 16, HOLD_NANOSECONDS = 500000, TIMER_MICROSECONDS = 900 };

static float image[LOOPS_INPUT_IMAGE_ELEMENTS];
static float features[LOOPS_OUTPUT_FEATURES_ELEMENTS], logits[LOOPS_OUTPUT_LOGITS_ELEMENTS];
static float expected[LOOPS_OUTPUT_LOGITS_ELEMENTS];
static _Alignas(LOOPS_WORKSPACE_ALIGNMENT) unsigned char workspace[LOOPS_WORKSPACE_BYTES];
static riffle_pool *pool;
static int calls;

static void counted(void *pool_pointer, loops_task *task, void *context, size_t count) {
    calls++;
    riffle_pool_parallel_for(pool_pointer, task, context, count);
}

static void never(void *pool_pointer, loops_task *task, void *context, size_t count) {
    (void)pool_pointer, (void)task, (void)context, (void)count;
    calls++;
}

static void hold(int signal_number) {
    (void)signal_number;
    nanosleep(&(struct timespec){.tv_nsec = HOLD_NANOSECONDS}, NULL);
}

static void set_timer(int microseconds) {
    struct itimerval timer = {{0, microseconds}, {0, microseconds}};
    struct sigaction action = {.sa_handler = hold, .sa_flags = SA_RESTART};
    if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &timer, NULL) != 0)
        abort();
}

static int run(loops_parallel_for *parallel_for) {
    struct loops_inputs inputs = {image};
    struct loops_outputs outputs = {features, logits};
    memset(logits, 0xff, sizeof logits);
    calls = 0;
    return parallel_for == NULL
               ? loops_run(&inputs, &outputs, workspace)
               : loops_run_parallel(&inputs, &outputs, workspace, parallel_for, pool);
}

static int fails(const char *what) {
    printf("%s (%d calls, %d steps)\n", what, calls, STEPS);
    return 1;
}

static int fails_when_nothing_is_called(void) {
    if (run(never) != LOOPS_ERROR_PARALLEL_FOR)
        return fails("a parallel_for that does nothing is not noticed");
    if (calls < 1 || calls > STEPS)
        return fails("a parallel_for that does nothing is called too often");
    printf("%s\n", loops_status_text(LOOPS_ERROR_PARALLEL_FOR));
    return 0;
}

int main(void) {
    int most = 0;
    for (int i = 0; i < LOOPS_INPUT_IMAGE_ELEMENTS; i++)
        image[i] = (float)(i * 7 % 29) / 14 - 1;
    pool = riffle_pool_create(THREADS);
    if (pool == NULL || run(NULL) != LOOPS_OK)
        return fails("no run");
    memcpy(expected, logits, sizeof logits);
    if (fails_when_nothing_is_called())
        return 1;
    set_timer(TIMER_MICROSECONDS);
    for (int i = 0; i < RUNS; i++) {
        if (run(counted) != LOOPS_OK)
            return fails("a run fails");
        if (calls < 1 || calls > STEPS)
            return fails("parallel_for is called too often");
        if (memcmp(logits, expected, sizeof logits) != 0)
            return fails("an answer differs");
        most = calls > most ? calls : most;
    }
    set_timer(0);
    riffle_pool_destroy(pool);
    printf("at most %d calls\n", most);
    return 0;
}
