/* Nothing but multiply-adds on registers: what the machine does when nothing else is asked of it.
 * engines.py compiles it for riffle's target and times it in turns with the engines, with as many
 * multiply-adds as the network has. */
#include "runtime/riffle_runtime.h"

#if defined __AVX512F__
enum { LANES = 16 };
#elif defined __AVX__
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif

/* Enough chains to hide the latency of a multiply-add on two units; with the two factors they fit
 * 16 registers. */
enum { CHAINS = 12, ROUNDS = 256 };

typedef float Vector __attribute__((vector_size(4 * LANES)));

#define EACH_CHAIN(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define BEGIN(i) Vector sum##i = one * (float)i;
#define STEP(i) sum##i = sum##i * factor + factor; /* tends to 1: no number gets slow */
#define TOTAL(i) total += sum##i;

static volatile float half = 0.5f; /* volatile: the compiler must not know it */

static void multiply_add(void *context, size_t begin, size_t end) {
    const Vector one = {half + half}, factor = one - one + half;
    volatile float *result = context;
    EACH_CHAIN(BEGIN)
    for (size_t round = 0; round < (end - begin) * ROUNDS; round++) {
        EACH_CHAIN(STEP)
    }
    Vector total = one;
    EACH_CHAIN(TOTAL)
    *result = total[LANES - 1];
}

double limit_item_multiply_adds(void) {
    return (double)CHAINS * ROUNDS * LANES;
}

void *limit_pool(int threads) {
    return riffle_pool_create(threads);
}

/* `pool` is NULL for one thread. */
void limit_run(void *pool, size_t items) {
    volatile float result;
    if (pool)
        riffle_pool_parallel_for(pool, multiply_add, (void *)&result, items);
    else
        multiply_add((void *)&result, 0, items);
}
