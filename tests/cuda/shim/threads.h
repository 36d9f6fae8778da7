/* The threads of a launch: fibers that run one at a time, in an order that is chosen, until they
 * wait. What a thread waits for (a barrier of its block or warp, or another block) and who is
 * released when. */
#ifndef RIFFLE_SHIM_THREADS_H
#define RIFFLE_SHIM_THREADS_H

#include "fiber.h"
#include "types.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace shim {

constexpr unsigned WARP = 32;

struct Block;

enum class State { RUNS, WAITS_FOR_BLOCK, WAITS_FOR_WARP, YIELDED, ENDED };

struct Thread {
    Fiber fiber;
    Block *block = nullptr;
    unsigned number = 0; /* in the block */
    uint3 index{};
    State state = State::ENDED;
    int line = 0;                        /* WAITS: where in the source */
    unsigned mask = 0;                   /* WAITS_FOR_WARP: the lanes that must come */
    unsigned long long offered = 0;      /* what it brings for the other lanes */
    unsigned long long received[WARP]{}; /* what the lanes of the mask brought */
    unsigned atomics = 0;                /* since it last gave way to others */
};

struct Block {
    unsigned number = 0; /* in the grid */
    uint3 index{};
    std::vector<Thread> threads;
    unsigned alive = 0, waiting = 0;
    unsigned epoch = 0;                 /* barriers that were passed */
    std::vector<unsigned> warp_epochs;  /* the same for each warp */
    std::vector<unsigned char> statics; /* its __shared__ variables while another block runs */
    unsigned char *dynamic = nullptr;   /* its `extern __shared__` */
};

struct Launch {
    dim3 grid, block;
    std::size_t dynamic_bytes = 0;
    bool cooperative = false; /* all blocks are alive together */
    std::function<void()> body;
};

/* Runs all threads to their end. */
void launch_run(const Launch &launch);

/* The thread that runs; NULL in code of the host. */
Thread *current_thread();
/* Whether the address is in the shared memory of the block that runs. */
bool is_shared(const void *address);

/* From within a thread: until all threads of the block have come, or all lanes of the mask; or
 * until the others have had a turn. The lanes' values are then in `received`. The line is that of
 * the source. */
void wait_for_block(int line);
void wait_for_warp(unsigned mask, unsigned long long offered, int line, bool barrier);
void yield();

/* Whether the test wants the synchronisation of this line left out. */
bool is_left_out(int line);

/* Prints what is wrong, with the thread that runs, and ends the program with exit status 70. */
[[noreturn]] void fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

} // namespace shim

#endif
