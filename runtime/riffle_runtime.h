/* What a compiled library may use beside itself: the type of a parallel loop, and a pool of POSIX
 * threads that offers one. A library needs neither to run on one thread. C99 and C++.
 *
 * A generated header repeats the typedef in its own name, so that it stands alone. */
#ifndef RIFFLE_RUNTIME_H
#define RIFFLE_RUNTIME_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Does the items begin..end-1 of a loop. */
typedef void riffle_task(void *context, size_t begin, size_t end);

/* Calls `task` so that every item of 0..count-1 is done exactly once, on whatever threads, and
 * returns when all are done. */
typedef void riffle_parallel_for(void *pool, riffle_task *task, void *context, size_t count);

typedef struct riffle_pool riffle_pool;

/* A pool that runs loops on `threads` threads, the caller's included. NULL when threads cannot be
 * made or `threads` is less than 1. */
riffle_pool *riffle_pool_create(int threads);
/* Ends the threads and frees the pool; NULL is allowed. No loop may be running. A process made by
 * fork has a copy of the pool without its threads: destroying it there frees the copy alone. */
void riffle_pool_destroy(riffle_pool *pool);

/* A riffle_parallel_for; `pool` is a riffle_pool. Only one loop at a time per pool. In a process
 * made by fork, the caller's thread does all items of a pool from before. */
void riffle_pool_parallel_for(void *pool, riffle_task *task, void *context, size_t count);

#ifdef __cplusplus
}
#endif
#endif
