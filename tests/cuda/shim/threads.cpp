#include "threads.h"

#include "control.h"
#include "device.h"
#include "races.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>

/* All `__shared__` variables lie in this section; where there is none, the two are null. */
extern "C" unsigned char __start_riffle_shared[] __attribute__((weak));
extern "C" unsigned char __stop_riffle_shared[] __attribute__((weak));

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace shim {
namespace {

constexpr unsigned IDLE_ROUNDS = 100000; /* so often all threads look for another in vain */
constexpr unsigned char UNSET = 0xff;    /* four of them are a NaN */

struct World {
    Thread *current = nullptr;
    const Launch *launch = nullptr;
    Block *resident = nullptr; /* whose __shared__ variables are in place */
    std::uint64_t random = 1;
    int order = SHIM_FORWARD;
    int left_out_line = 0; /* 0: none */
    long left_out_count = 0;
} world;

/* The red zones between the variables may not stop it, as they would memcpy. */
__attribute__((optimize("no-tree-loop-distribute-patterns"))) void copy_raw(
    unsigned char *to, const unsigned char *from, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; i++)
        to[i] = from[i];
}

std::size_t statics_bytes() {
    return static_cast<std::size_t>(__stop_riffle_shared - __start_riffle_shared);
}

void make_resident(Block &block) {
    if (world.resident == &block || statics_bytes() == 0)
        return;
    if (world.resident != nullptr)
        copy_raw(world.resident->statics.data(), __start_riffle_shared, statics_bytes());
    copy_raw(__start_riffle_shared, block.statics.data(), statics_bytes());
    world.resident = &block;
}

struct Free {
    void operator()(unsigned char *memory) const {
        std::free(memory);
    }
};

/* Exactly as large, so that a byte too far is in a red zone. */
std::unique_ptr<unsigned char, Free> allocate_dynamic(std::size_t bytes) {
    void *memory = nullptr;
    if (posix_memalign(&memory, 128, bytes) != 0)
        std::abort();
    return std::unique_ptr<unsigned char, Free>(static_cast<unsigned char *>(memory));
}

std::uint64_t next_random() {
    world.random ^= world.random << 13;
    world.random ^= world.random >> 7;
    world.random ^= world.random << 17;
    return world.random;
}

/* The numbers 0 to count - 1 in the order that was chosen; shuffled ones anew each time. */
void choose_order(std::vector<unsigned> &numbers, unsigned count) {
    numbers.resize(count);
    std::iota(numbers.begin(), numbers.end(), 0U);
    if (world.order == SHIM_BACKWARD)
        std::reverse(numbers.begin(), numbers.end());
    else if (world.order != SHIM_FORWARD)
        for (unsigned i = count; i > 1; i--)
            std::swap(numbers[i - 1], numbers[next_random() % i]);
}

/* A thread for a shuffled order, else none. */
unsigned choose_starved(unsigned count) {
    const bool shuffled = world.order != SHIM_FORWARD && world.order != SHIM_BACKWARD;
    return shuffled ? static_cast<unsigned>(next_random() % count) : count;
}

void thread_main(void *argument) {
    Thread &thread = *static_cast<Thread *>(argument);
    world.launch->body();
    thread.state = State::ENDED;
    thread.block->alive--;
}

void run_thread(Thread &thread) {
    make_resident(*thread.block);
    world.current = &thread;
    threadIdx = thread.index;
    blockIdx = thread.block->index;
    fiber_enter(thread.fiber);
    world.current = nullptr;
}

/* ---- who may go on ---- */

void release_block(Block &block) {
    const Thread *first = nullptr;
    for (Thread &thread : block.threads) {
        if (thread.state != State::WAITS_FOR_BLOCK)
            continue;
        if (first != nullptr && first->line != thread.line)
            fault(
                "block %u: thread %u waits at the barrier of line %d, thread %u at that of line %d",
                block.number, first->number, first->line, thread.number, thread.line);
        first = first == nullptr ? &thread : first;
        thread.state = State::RUNS;
    }
    block.waiting = 0;
    races_block_barrier(block);
    block.epoch++;
}

void release_warp(Block &block, unsigned warp, unsigned mask, bool barrier) {
    Thread *lanes = &block.threads[warp * WARP];
    for (unsigned lane = 0; lane < WARP; lane++) {
        if ((mask >> lane & 1) == 0)
            continue;
        for (unsigned other = 0; other < WARP; other++)
            lanes[lane].received[other] = (mask >> other & 1) != 0 ? lanes[other].offered : 0;
        lanes[lane].state = State::RUNS;
    }
    if (barrier)
        block.warp_epochs[warp]++;
}

/* Lanes are released as soon as the last of their mask has come. */
void try_warp(Thread &thread, bool barrier) {
    Block &block = *thread.block;
    const unsigned warp = thread.number / WARP, first = warp * WARP;
    for (unsigned lane = 0; lane < WARP; lane++) {
        if ((thread.mask >> lane & 1) == 0)
            continue;
        if (first + lane >= block.threads.size())
            fault("line %d: lane %u of mask 0x%08x does not exist", thread.line, lane, thread.mask);
        const Thread &other = block.threads[first + lane];
        if (other.state == State::ENDED)
            fault("line %d: lane %u of mask 0x%08x has ended", thread.line, lane, thread.mask);
        if (other.state != State::WAITS_FOR_WARP)
            return;
        if (other.mask != thread.mask || other.line != thread.line)
            fault("line %d: lane %u of mask 0x%08x waits at line %d with mask 0x%08x", thread.line,
                lane, thread.mask, other.line, other.mask);
    }
    release_warp(block, warp, thread.mask, barrier);
}

/* ---- running blocks ---- */

void begin_block(Block &block, unsigned number, const Launch &launch) {
    const dim3 &size = launch.block;
    block.number = number;
    block.index = {number % launch.grid.x, number / launch.grid.x % launch.grid.y,
        number / launch.grid.x / launch.grid.y};
    block.epoch = block.waiting = 0;
    block.alive = static_cast<unsigned>(block.threads.size());
    block.warp_epochs.assign((block.threads.size() + WARP - 1) / WARP, 0);
    block.statics.assign(statics_bytes(), UNSET);
    if (world.resident == &block)
        copy_raw(__start_riffle_shared, block.statics.data(), statics_bytes());
    if (launch.dynamic_bytes > 0)
        std::memset(block.dynamic, UNSET, launch.dynamic_bytes);
    for (unsigned i = 0; i < block.threads.size(); i++) {
        Thread &thread = block.threads[i];
        thread.block = &block;
        thread.number = i;
        thread.index = {i % size.x, i / size.x % size.y, i / size.x / size.y};
        thread.state = State::RUNS;
        fiber_prepare(thread.fiber, thread_main, &thread);
    }
    races_block_begin(block);
}

/* Runs the thread if it may; says whether it did something other than to yield. */
bool try_thread(Thread &thread) {
    if (thread.state == State::YIELDED)
        thread.state = State::RUNS;
    if (thread.state != State::RUNS)
        return false;
    run_thread(thread);
    Block &block = *thread.block;
    /* One that ended no longer keeps the others waiting. */
    if (thread.state == State::ENDED && block.waiting > 0 && block.waiting == block.alive)
        release_block(block);
    return thread.state != State::YIELDED;
}

void report_deadlock(const std::vector<Block *> &blocks) {
    for (const Block *block : blocks)
        for (const Thread &thread : block->threads)
            if (thread.state != State::ENDED)
                fault("deadlock: thread %u of block %u waits at line %d for ever", thread.number,
                    block->number, thread.line);
}

/* Runs blocks that are alive together to their end: round after round, each thread in the order
 * that was chosen until it waits. A shuffled order lets one thread starve until the others can do
 * no more: that finds barriers between blocks which do not wait for all threads. */
void run_together(const std::vector<Block *> &blocks) {
    const unsigned count = static_cast<unsigned>(blocks[0]->threads.size());
    const unsigned all = count * static_cast<unsigned>(blocks.size());
    std::vector<unsigned> order;
    unsigned idle = 0, starved = choose_starved(all);
    for (bool alive = true; alive;) {
        bool moved = false, yielded = false;
        alive = false;
        choose_order(order, all);
        for (unsigned number : order) {
            Thread &thread = blocks[number / count]->threads[number % count];
            if (number != starved)
                moved = try_thread(thread) || moved;
            yielded = yielded || thread.state == State::YIELDED;
            alive = alive || thread.state != State::ENDED;
        }
        if (!moved && starved < all) {
            moved = try_thread(blocks[starved / count]->threads[starved % count]);
            starved = choose_starved(all);
        }
        idle = moved ? 0 : idle + 1;
        if (alive && !moved && (!yielded || idle > IDLE_ROUNDS))
            report_deadlock(blocks);
    }
}

} // namespace

void launch_run(const Launch &launch) {
    static std::vector<std::unique_ptr<Block>> pool; /* stacks are kept for the next launch */
    const unsigned count = launch.grid.x * launch.grid.y * launch.grid.z;
    const unsigned threads = launch.block.x * launch.block.y * launch.block.z;
    const unsigned together = launch.cooperative ? count : 1;
    while (pool.size() < together)
        pool.push_back(std::make_unique<Block>());
    std::vector<std::unique_ptr<unsigned char, Free>> dynamics;
    for (unsigned i = 0; i < together; i++) {
        pool[i]->threads.resize(threads);
        dynamics.push_back(allocate_dynamic(launch.dynamic_bytes));
    }
    world.launch = &launch;
    gridDim = launch.grid;
    blockDim = launch.block;
    races_launch_begin(count);
    std::vector<unsigned> order;
    choose_order(order, count);
    for (unsigned i = 0; i < count; i += together) {
        std::vector<Block *> alive;
        for (unsigned k = 0; k < together; k++)
            alive.push_back(pool[k].get());
        for (unsigned k = 0; k < together; k++) {
            alive[k]->dynamic = dynamics[k].get();
            begin_block(*alive[k], together == 1 ? order[i] : k, launch);
        }
        run_together(alive);
    }
    world.launch = nullptr;
}

Thread *current_thread() {
    return world.current;
}

bool is_shared(const void *address) {
    const auto *byte = static_cast<const unsigned char *>(address);
    if (byte >= __start_riffle_shared && byte < __stop_riffle_shared)
        return true;
    const unsigned char *dynamic = world.current->block->dynamic;
    return byte >= dynamic && byte < dynamic + world.launch->dynamic_bytes;
}

void wait_for_block(int line) {
    Thread &thread = *world.current;
    Block &block = *thread.block;
    thread.state = State::WAITS_FOR_BLOCK;
    thread.line = line;
    if (++block.waiting == block.alive)
        release_block(block);
    else
        fiber_leave();
}

void wait_for_warp(unsigned mask, unsigned long long offered, int line, bool barrier) {
    Thread &thread = *world.current;
    if ((mask >> thread.number % WARP & 1) == 0)
        fault("line %d: the lane is not in its own mask 0x%08x", line, mask);
    thread.state = State::WAITS_FOR_WARP;
    thread.line = line;
    thread.mask = mask;
    thread.offered = offered;
    try_warp(thread, barrier);
    if (thread.state != State::RUNS)
        fiber_leave();
}

void yield() {
    world.current->state = State::YIELDED;
    fiber_leave();
}

bool is_left_out(int line) {
    if (line != world.left_out_line)
        return false;
    world.left_out_count++;
    return true;
}

void fault(const char *format, ...) {
    std::fputs("shim: ", stderr);
    if (world.current != nullptr)
        std::fprintf(
            stderr, "thread %u of block %u: ", world.current->number, world.current->block->number);
    va_list arguments;
    va_start(arguments, format);
    std::vfprintf(stderr, format, arguments);
    va_end(arguments);
    std::fputc('\n', stderr);
    std::fflush(stderr);
    std::_Exit(70);
}

} // namespace shim

void shim_set_order(int order) {
    shim::world.order = order;
    shim::world.random = 0x9e3779b97f4a7c15U ^ static_cast<unsigned>(order);
}

void shim_leave_out(int line) {
    shim::world.left_out_line = line;
    shim::world.left_out_count = 0;
}

long shim_left_out(void) {
    return shim::world.left_out_count;
}
