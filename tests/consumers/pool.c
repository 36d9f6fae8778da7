/* The thread pool does every item of every loop exactly once. Built with ThreadSanitizer. */
#define _POSIX_C_SOURCE 200809L

#include "riffle_runtime.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ITEMS = 1000, LOOPS = 300, MOST_THREADS = 5, LOOPS_BETWEEN_PAUSES = 60 };

static void count_items(void *context, size_t begin, size_t end) {
    int *counts = context;
    for (size_t i = begin; i < end; i++)
        counts[i]++;
}

/* Long enough for idle workers to fall asleep. */
static void pause_between_loops(void) {
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* A process made by fork has the pool without its threads. */
static bool child_can_use_and_destroy(riffle_pool *pool) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        static int counts[ITEMS];
        riffle_pool_parallel_for(pool, count_items, counts, ITEMS);
        int wrong = 0;
        for (size_t i = 0; i < ITEMS; i++)
            wrong += counts[i] != 1;
        riffle_pool_destroy(pool);
        _exit(wrong != 0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(void) {
    static int counts[ITEMS];
    if (riffle_pool_create(0) != NULL)
        return 1;
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        riffle_pool *pool = riffle_pool_create(threads);
        if (pool == NULL)
            return 2;
        for (int loop = 0; loop < LOOPS; loop++) {
            size_t count = (size_t)(loop * 7 % (ITEMS + 1));
            memset(counts, 0, sizeof counts);
            if (loop % LOOPS_BETWEEN_PAUSES == 0)
                pause_between_loops();
            riffle_pool_parallel_for(pool, count_items, counts, count);
            for (size_t i = 0; i < ITEMS; i++) {
                if (counts[i] != (i < count)) {
                    printf("%d threads, %zu items: item %zu was done %d times\n", threads, count, i,
                        counts[i]);
                    return 3;
                }
            }
        }
        if (!child_can_use_and_destroy(pool)) {
            printf("%d threads: the child of fork failed\n", threads);
            return 4;
        }
        riffle_pool_destroy(pool);
    }
    return 0;
}
