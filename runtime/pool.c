/* A pool of POSIX threads that shares out the items of one loop at a time.
 *
 * Loops of a small network take tens of microseconds, about what waking a sleeping thread costs. So
 * workers look for the next loop for a short while before they sleep, and the caller looks for
 * their end before it does. Everything shared between the threads is either atomic or guarded by
 * the mutex. */
#include "runtime/riffle_runtime.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    MOST_THREADS = 1024,
    LOOKS_BEFORE_SLEEP = 2000, /* about 20 to 50 microseconds */
    SHARES_PER_THREAD = 4      /* smaller shares even out threads of different speed */
};

struct riffle_pool {
    pthread_mutex_t mutex;
    pthread_cond_t started, finished;
    pthread_t *workers;
    int worker_count;
    atomic_bool stopping;
    atomic_size_t loop_number;  /* raised when the fields below describe a new loop */
    atomic_int workers_in_loop; /* those that have not yet left the current loop */
    riffle_task *task;
    void *context;
    size_t count, share;
    atomic_size_t next_item;
};

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
}

static void do_shares(riffle_pool *pool) {
    size_t count = pool->count, share = pool->share;
    for (;;) {
        size_t begin = atomic_fetch_add_explicit(&pool->next_item, share, memory_order_relaxed);
        if (begin >= count)
            return;
        pool->task(pool->context, begin, count - begin < share ? count : begin + share);
    }
}

/* Returns when a loop after number `seen` has started, or the pool stops. */
static void await_loop(riffle_pool *pool, size_t seen) {
    for (int look = 0; look < LOOKS_BEFORE_SLEEP; look++) {
        if (atomic_load(&pool->loop_number) != seen || atomic_load(&pool->stopping))
            return;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load(&pool->loop_number) == seen && !atomic_load(&pool->stopping))
        pthread_cond_wait(&pool->started, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

static void *work(void *argument) {
    riffle_pool *pool = argument;
    for (size_t seen = 0;; seen++) {
        await_loop(pool, seen);
        if (atomic_load(&pool->stopping))
            return NULL;
        do_shares(pool);
        if (atomic_fetch_sub(&pool->workers_in_loop, 1) == 1) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->finished);
            pthread_mutex_unlock(&pool->mutex);
        }
    }
}

static void stop_workers(riffle_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->stopping, true);
    pthread_cond_broadcast(&pool->started);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->worker_count; i++)
        pthread_join(pool->workers[i], NULL);
}

riffle_pool *riffle_pool_create(int threads) {
    if (threads < 1 || threads > MOST_THREADS)
        return NULL;
    riffle_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->workers = calloc((size_t)threads, sizeof *pool->workers);
    if (pool->workers == NULL) {
        free(pool);
        return NULL;
    }
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->started, NULL);
    pthread_cond_init(&pool->finished, NULL);
    for (; pool->worker_count < threads - 1; pool->worker_count++) {
        if (pthread_create(&pool->workers[pool->worker_count], NULL, work, pool) != 0) {
            riffle_pool_destroy(pool);
            return NULL;
        }
    }
    return pool;
}

void riffle_pool_destroy(riffle_pool *pool) {
    if (pool == NULL)
        return;
    stop_workers(pool);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->started);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool);
}

static void await_workers(riffle_pool *pool) {
    for (int look = 0; look < LOOKS_BEFORE_SLEEP; look++) {
        if (atomic_load(&pool->workers_in_loop) == 0)
            return;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load(&pool->workers_in_loop) != 0)
        pthread_cond_wait(&pool->finished, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

void riffle_pool_parallel_for(void *pool_pointer, riffle_task *task, void *context, size_t count) {
    riffle_pool *pool = pool_pointer;
    if (count == 0)
        return;
    if (count == 1 || pool->worker_count == 0) {
        task(context, 0, count);
        return;
    }
    size_t shares = (size_t)(pool->worker_count + 1) * SHARES_PER_THREAD;
    pool->task = task;
    pool->context = context;
    pool->count = count;
    pool->share = count / shares > 1 ? count / shares : 1;
    atomic_store(&pool->next_item, 0);
    atomic_store(&pool->workers_in_loop, pool->worker_count);
    pthread_mutex_lock(&pool->mutex); /* no worker may sleep between its look and this change */
    atomic_fetch_add(&pool->loop_number, 1);
    pthread_cond_broadcast(&pool->started);
    pthread_mutex_unlock(&pool->mutex);
    do_shares(pool);
    await_workers(pool);
}
