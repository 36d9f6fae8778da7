/* The thread pool does every item of every loop exactly once. Built with ThreadSanitizer. */
#define _POSIX_C_SOURCE 200809L

#include "riffle_runtime.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

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
        riffle_pool_destroy(pool);
    }
    return 0;
}
