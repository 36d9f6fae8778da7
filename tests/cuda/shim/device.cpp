#include "cuda_runtime.h"
#include "races.h"
#include "threads.h"

void shim_syncthreads(int line) {
    if (!shim::is_left_out(line))
        shim::wait_for_block(line);
}

void shim_syncwarp(int line, unsigned mask) {
    if (!shim::is_left_out(line))
        shim::wait_for_warp(mask, 0, line, true);
}

void shim_threadfence(int line) {
    if (!shim::is_left_out(line))
        shim::races_fence();
}

void shim_add_release(int line, unsigned *address, unsigned value) {
    shim_threadfence(line);
    atomicAdd(address, value);
}

unsigned shim_load_acquire(int line, const unsigned *address) {
    shim::races_load(address);
    const unsigned value = *static_cast<const volatile unsigned *>(address);
    shim_threadfence(line);
    return value;
}

void *shim_dynamic_shared() {
    return shim::current_thread()->block->dynamic;
}

bool __isGlobal(const void *address) {
    return !shim::is_shared(address) && !shim::fiber_owns(address);
}

void shim_assume(bool condition) {
    if (!condition)
        shim::fault("what the compiler was told is not so");
}

const unsigned long long *shim_exchange(int line, unsigned mask, unsigned long long value) {
    shim::wait_for_warp(mask, value, line, false);
    return shim::current_thread()->received;
}

unsigned shim_lane() {
    return shim::current_thread()->number % shim::WARP;
}

unsigned shim_ballot(int line, unsigned mask, bool condition) {
    const unsigned long long *all = shim_exchange(line, mask, condition ? 1 : 0);
    unsigned ballot = 0;
    for (unsigned lane = 0; lane < shim::WARP; lane++)
        ballot |= static_cast<unsigned>(all[lane]) << lane;
    return ballot;
}

void shim_read_only(const void *address, std::size_t bytes) {
    shim::races_read_only(address, bytes);
}

void shim_atomic(const void *address) {
    shim::races_atomic(address);
}

unsigned long long shim_nanoseconds() {
    static unsigned long long now = 0;
    return ++now;
}

void __nanosleep(unsigned) {
    shim::yield();
}
