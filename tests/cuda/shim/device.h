/* What kernels call. The synchronisation takes the line of the source that it is called from. */
#ifndef RIFFLE_SHIM_DEVICE_H
#define RIFFLE_SHIM_DEVICE_H

#include "types.h"

#include <cstring>
#include <math.h>

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
constexpr int warpSize = 32;

/* ---- synchronisation ---- */

void shim_syncthreads(int line);
void shim_syncwarp(int line, unsigned mask = 0xffffffffU);
void shim_threadfence(int line);
void *shim_dynamic_shared();
/* Whether the address is in no block's shared memory, nor on a thread's stack. */
bool __isGlobal(const void *address);
/* What a compiler may build upon; ends the program where it is not so. */
void shim_assume(bool condition);
/* The values of all lanes of the mask, by lane; valid until the thread waits again. */
const unsigned long long *shim_exchange(int line, unsigned mask, unsigned long long value);
unsigned shim_lane();

#define __syncthreads() shim_syncthreads(__LINE__)
#define __syncwarp(...) shim_syncwarp(__LINE__ __VA_OPT__(, ) __VA_ARGS__)
#define __threadfence() shim_threadfence(__LINE__)

void __nanosleep(unsigned);
/* %globaltimer: goes on by one with each call. */
unsigned long long shim_nanoseconds();

/* red.release.gpu and ld.acquire.gpu; left out, they are relaxed. */
void shim_add_release(int line, unsigned *address, unsigned value);
unsigned shim_load_acquire(int line, const unsigned *address);

/* ---- shuffles and votes ---- */

template <typename T>
T shim_shuffle(int line, unsigned mask, T value, unsigned from, unsigned width, bool inside) {
    static_assert(sizeof(T) <= sizeof(unsigned long long));
    unsigned long long bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    const unsigned long long *all = shim_exchange(line, mask, bits);
    const unsigned first = shim_lane() / width * width;
    if (inside)
        std::memcpy(&value, &all[(first + from) % 32], sizeof value);
    return value;
}

#define __shfl_sync(mask, value, lane) shim_shuffle_index(__LINE__, mask, value, lane)
#define __shfl_xor_sync(mask, value, lanes) shim_shuffle_xor(__LINE__, mask, value, lanes)
#define __shfl_down_sync(mask, value, lanes) shim_shuffle_down(__LINE__, mask, value, lanes)
#define __shfl_up_sync(mask, value, lanes) shim_shuffle_up(__LINE__, mask, value, lanes)
#define __ballot_sync(mask, condition) shim_ballot(__LINE__, mask, condition)
#define __any_sync(mask, condition) (shim_ballot(__LINE__, mask, condition) != 0)
#define __all_sync(mask, condition) (shim_ballot(__LINE__, mask, condition) == (mask))

template <typename T> T shim_shuffle_index(int line, unsigned mask, T value, int lane) {
    return shim_shuffle(line, mask, value, static_cast<unsigned>(lane) % 32, 32, true);
}

template <typename T> T shim_shuffle_xor(int line, unsigned mask, T value, int lanes) {
    return shim_shuffle(line, mask, value, shim_lane() ^ static_cast<unsigned>(lanes), 32, true);
}

template <typename T> T shim_shuffle_down(int line, unsigned mask, T value, unsigned lanes) {
    return shim_shuffle(line, mask, value, shim_lane() + lanes, 32, shim_lane() + lanes < 32);
}

template <typename T> T shim_shuffle_up(int line, unsigned mask, T value, unsigned lanes) {
    return shim_shuffle(line, mask, value, shim_lane() - lanes, 32, shim_lane() >= lanes);
}

unsigned shim_ballot(int line, unsigned mask, bool condition);

/* ---- atomics: each returns what was there before ---- */

void shim_atomic(const void *address);

#define SHIM_ATOMIC(name, type, value)                                                             \
    __attribute__((no_sanitize("thread"))) inline type name(type *address, type operand) {         \
        const type before = *address;                                                              \
        shim_atomic(address);                                                                      \
        *address = value;                                                                          \
        return before;                                                                             \
    }
#define SHIM_ATOMICS(type)                                                                         \
    SHIM_ATOMIC(atomicAdd, type, before + operand)                                                 \
    SHIM_ATOMIC(atomicExch, type, operand)
SHIM_ATOMICS(float)
SHIM_ATOMICS(int)
SHIM_ATOMICS(unsigned)
SHIM_ATOMIC(atomicMax, int, before > operand ? before : operand)
SHIM_ATOMIC(atomicMax, unsigned, before > operand ? before : operand)
SHIM_ATOMIC(atomicOr, unsigned, before | operand)
#undef SHIM_ATOMICS
#undef SHIM_ATOMIC

/* ---- arithmetic ---- */

/* Through the read-only cache: the launch must not write there. */
void shim_read_only(const void *address, std::size_t bytes);

template <typename T> T __ldg(const T *address) {
    shim_read_only(address, sizeof *address);
    return *address;
}

inline float __int_as_float(int bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

inline int __float_as_int(float value) {
    int bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline float __expf(float value) {
    return expf(value);
}

inline float __fdividef(float a, float b) {
    return a / b;
}

inline float rsqrtf(float value) {
    return 1.0F / sqrtf(value);
}

inline int min(int a, int b) {
    return b < a ? b : a;
}

inline int max(int a, int b) {
    return a < b ? b : a;
}

#endif
