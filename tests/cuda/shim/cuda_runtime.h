/* A stand-in for CUDA's header of the same name: kernels are compiled by the C++ compiler of the
 * host and run on it, thread by thread (threads.h). It knows what generated sources use, and no
 * more.
 *
 * shim.py prepares a source: `kernel<<<grid, block, bytes, stream>>>(arguments)` becomes
 * `shim::launcher(kernel, grid, block, bytes, stream)(arguments)`, and `extern __shared__ T name[]`
 * a pointer, and each kernel is registered. */
#ifndef RIFFLE_SHIM_CUDA_RUNTIME_H
#define RIFFLE_SHIM_CUDA_RUNTIME_H

#include "types.h"

#include <cstddef>
#include <math.h>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ /* empty: libstdc++ uses the word inside of attributes */
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(...)
#define __builtin_assume(condition) shim_assume(condition)
#define __shared__ static __attribute__((section("riffle_shared")))

#include "device.h"
#include "host.h"

#endif
