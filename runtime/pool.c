/* A pool of POSIX threads that shares out the items of one loop at a time.
 *
 * Loops of a small network take tens of microseconds, about what waking a sleeping thread costs. So
 * workers look for the next loop for a short while before they sleep, and the caller looks for
 * their end before it does. The caller waits for those workers only that have entered the loop: one
 * that comes late, because it slept or because its core was given to somebody else, finds the loop
 * closed.
 *
 * Each thread begins with items of its own, the same part of each loop, so that it reads what it
 * wrote in the loop before; then it helps the others.
 *
 * One atomic number, `state`, says everything: bit by bit the number of the loop, whether it is
 * open, and how many workers are inside. The fields that describe a loop are written while nobody
 * is inside and read by those who are. The mutex guards sleeping only. */
#include "runtime/riffle_runtime.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    MOST_THREADS = 1024,
    LOOKS_BEFORE_SLEEP = 2000, /* about 50 to 100 microseconds */
    /* Small shares even out threads of different speed; but a share of a loop over rows may have to
     * compute the rows above its first one again. */
    MOST_SHARES_PER_THREAD = 4,
    LEAST_ITEMS_PER_SHARE = 16
};

static const uint64_t inside = 0xfff, open_loop = 0x1000, next_loop = 0x2000;

typedef struct Worker {
    riffle_pool *pool;
    pthread_t thread;
    size_t index; /* among the pool's threads; the caller is 0 */
} Worker;

/* The shares of one thread, on a cache line of its own. */
typedef struct OwnShares {
    _Alignas(64) atomic_size_t next;
} OwnShares;

struct riffle_pool {
    pid_t owner; /* a process made from it by fork has the memory, but none of the threads */
    pthread_mutex_t mutex;
    pthread_cond_t started, finished;
    Worker *workers;
    OwnShares *own; /* by thread */
    int worker_count;
    _Atomic uint64_t state;
    atomic_bool stopping;
    atomic_int sleeping_workers;
    atomic_bool caller_sleeps;
    riffle_task *task;
    void *context;
    size_t count, share_count, shares_of_each;
};

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
}

/* Items of equal number; the first shares take one more, where they do not divide evenly. */
static void do_share(const riffle_pool *pool, size_t share) {
    size_t size = pool->count / pool->share_count, rest = pool->count % pool->share_count;
    size_t begin = share * size + (share < rest ? share : rest);
    pool->task(pool->context, begin, begin + size + (share < rest));
}

/* The thread's own shares, then what is left of the others'. */
static void do_shares(riffle_pool *pool, size_t thread) {
    size_t owners = pool->share_count / pool->shares_of_each;
    for (size_t i = 0; i < owners; i++) {
        size_t owner = (thread + i) % owners;
        for (;;) {
            size_t share =
                atomic_fetch_add_explicit(&pool->own[owner].next, 1, memory_order_relaxed);
            if (share >= pool->shares_of_each)
                break;
            do_share(pool, owner * pool->shares_of_each + share);
        }
    }
}

/* Whether there is a loop behind number `seen` that may still be entered, or an end to everything.
 */
static bool has_news(riffle_pool *pool, uint64_t seen) {
    uint64_t state = atomic_load(&pool->state);
    return ((state & open_loop) != 0 && state / next_loop != seen) || atomic_load(&pool->stopping);
}

static void await_loop(riffle_pool *pool, uint64_t seen) {
    for (int look = 0; look < LOOKS_BEFORE_SLEEP; look++) {
        if (has_news(pool, seen))
            return;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->mutex);
    /* Counted before the last look: a caller that opens a loop after it sees the count. */
    atomic_fetch_add(&pool->sleeping_workers, 1);
    while (!has_news(pool, seen))
        pthread_cond_wait(&pool->started, &pool->mutex);
    atomic_fetch_sub(&pool->sleeping_workers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

/* Counts the thread in, unless the loop has been closed; its number is set. */
static bool enter_loop(riffle_pool *pool, uint64_t *seen) {
    uint64_t state = atomic_load(&pool->state);
    do {
        *seen = state / next_loop;
        if ((state & open_loop) == 0)
            return false;
    } while (!atomic_compare_exchange_weak(&pool->state, &state, state + 1));
    return true;
}

static void leave_loop(riffle_pool *pool) {
    uint64_t state = atomic_fetch_sub(&pool->state, 1);
    if ((state & inside) != 1 || !atomic_load(&pool->caller_sleeps))
        return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_signal(&pool->finished);
    pthread_mutex_unlock(&pool->mutex);
}

static void *work(void *argument) {
    const Worker *worker = argument;
    riffle_pool *pool = worker->pool;
    for (uint64_t seen = 0;;) {
        await_loop(pool, seen);
        if (atomic_load(&pool->stopping))
            return NULL;
        if (enter_loop(pool, &seen)) {
            do_shares(pool, worker->index);
            leave_loop(pool);
        }
    }
}

/* Whether the threads are there: not in a child of fork, where the mutex may be held for ever, too.
 */
static bool has_workers(const riffle_pool *pool) {
    return pool->worker_count > 0 && pool->owner == getpid();
}

static void stop_workers(riffle_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->stopping, true);
    pthread_cond_broadcast(&pool->started);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->worker_count; i++)
        pthread_join(pool->workers[i].thread, NULL);
}

riffle_pool *riffle_pool_create(int threads) {
    if (threads < 1 || threads > MOST_THREADS)
        return NULL;
    riffle_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->owner = getpid();
    pool->workers = calloc((size_t)threads, sizeof *pool->workers);
    pool->own = aligned_alloc(_Alignof(OwnShares), (size_t)threads * sizeof *pool->own);
    if (pool->workers == NULL || pool->own == NULL) {
        free(pool->workers);
        free(pool->own);
        free(pool);
        return NULL;
    }
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->started, NULL);
    pthread_cond_init(&pool->finished, NULL);
    for (; pool->worker_count < threads - 1; pool->worker_count++) {
        Worker *worker = &pool->workers[pool->worker_count];
        worker->pool = pool;
        worker->index = (size_t)pool->worker_count + 1;
        if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
            riffle_pool_destroy(pool);
            return NULL;
        }
    }
    return pool;
}

void riffle_pool_destroy(riffle_pool *pool) {
    if (pool == NULL)
        return;
    if (pool->owner == getpid()) {
        stop_workers(pool);
        pthread_cond_destroy(&pool->finished);
        pthread_cond_destroy(&pool->started);
        pthread_mutex_destroy(&pool->mutex);
    }
    free(pool->workers);
    free(pool->own);
    free(pool);
}

static void await_workers(riffle_pool *pool) {
    for (int look = 0; look < LOOKS_BEFORE_SLEEP; look++) {
        if ((atomic_load(&pool->state) & inside) == 0)
            return;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_sleeps, true);
    while ((atomic_load(&pool->state) & inside) != 0)
        pthread_cond_wait(&pool->finished, &pool->mutex);
    atomic_store(&pool->caller_sleeps, false);
    pthread_mutex_unlock(&pool->mutex);
}

/* As many shares for each thread as the items allow. */
static void make_shares(riffle_pool *pool, size_t count) {
    size_t threads = (size_t)pool->worker_count + 1;
    size_t owners = threads < count ? threads : count;
    size_t of_each = count / owners / LEAST_ITEMS_PER_SHARE;
    of_each = of_each < MOST_SHARES_PER_THREAD ? of_each : MOST_SHARES_PER_THREAD;
    pool->count = count;
    pool->shares_of_each = of_each > 1 ? of_each : 1;
    pool->share_count = owners * pool->shares_of_each;
    for (size_t i = 0; i < owners; i++)
        atomic_store_explicit(&pool->own[i].next, 0, memory_order_relaxed);
}

void riffle_pool_parallel_for(void *pool_pointer, riffle_task *task, void *context, size_t count) {
    riffle_pool *pool = pool_pointer;
    if (count == 0)
        return;
    if (count == 1 || !has_workers(pool)) {
        task(context, 0, count);
        return;
    }
    pool->task = task;
    pool->context = context;
    make_shares(pool, count);
    atomic_fetch_add(&pool->state, next_loop + open_loop);
    if (atomic_load(&pool->sleeping_workers) > 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->started);
        pthread_mutex_unlock(&pool->mutex);
    }
    do_shares(pool, 0);
    atomic_fetch_sub(&pool->state, open_loop);
    await_workers(pool);
}
