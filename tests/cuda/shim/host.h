/* The part of CUDA's runtime that generated sources call, with its values of errors. */
#ifndef RIFFLE_SHIM_HOST_H
#define RIFFLE_SHIM_HOST_H

#include "types.h"

#include <cstddef>
#include <functional>
#include <tuple>
#include <utility>

#ifndef CUDART_VERSION
#define CUDART_VERSION 13000
#endif

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInitializationError = 3,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorInvalidDevicePointer = 17,
    cudaErrorInsufficientDriver = 35,
    cudaErrorInvalidDeviceFunction = 98,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101,
    cudaErrorInvalidResourceHandle = 400,
    cudaErrorLaunchOutOfResources = 701,
    cudaErrorCooperativeLaunchTooLarge = 720,
    cudaErrorNotSupported = 801,
    cudaErrorStreamCaptureUnsupported = 900,
    cudaErrorStreamCaptureUnmatched = 905,
    cudaErrorStreamCaptureIsolation = 906,
    cudaErrorUnknown = 999
};

enum cudaMemcpyKind {
    cudaMemcpyHostToHost,
    cudaMemcpyHostToDevice,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice,
    cudaMemcpyDefault
};

enum cudaDeviceAttr {
    cudaDevAttrMaxThreadsPerBlock = 1,
    cudaDevAttrMaxSharedMemoryPerBlock = 8,
    cudaDevAttrMultiProcessorCount = 16,
    cudaDevAttrComputeCapabilityMajor = 75,
    cudaDevAttrComputeCapabilityMinor = 76,
    cudaDevAttrCooperativeLaunch = 95,
    cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
};

enum cudaFuncAttribute {
    cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
    cudaFuncAttributePreferredSharedMemoryCarveout = 9
};

enum cudaStreamCaptureMode {
    cudaStreamCaptureModeGlobal,
    cudaStreamCaptureModeThreadLocal,
    cudaStreamCaptureModeRelaxed
};

enum cudaStreamCaptureStatus {
    cudaStreamCaptureStatusNone,
    cudaStreamCaptureStatusActive,
    cudaStreamCaptureStatusInvalidated
};

enum { cudaStreamDefault = 0, cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2 };

typedef struct shim_stream *cudaStream_t;
typedef struct shim_event *cudaEvent_t;
typedef struct shim_graph *cudaGraph_t;
typedef struct shim_graph_exec *cudaGraphExec_t;

const char *cudaGetErrorString(cudaError_t error);
const char *cudaGetErrorName(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaGetDevice(int *device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device);
cudaError_t cudaDeviceSynchronize();

cudaError_t shim_malloc(void **address, std::size_t bytes);
cudaError_t cudaFree(void *address);
cudaError_t cudaMemcpy(void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind,
    cudaStream_t stream = nullptr);
cudaError_t cudaMemset(void *to, int value, std::size_t bytes);
cudaError_t cudaMemsetAsync(void *to, int value, std::size_t bytes, cudaStream_t stream = nullptr);

template <typename T> cudaError_t cudaMalloc(T **address, std::size_t bytes) {
    return shim_malloc(reinterpret_cast<void **>(address), bytes);
}

cudaError_t cudaStreamCreate(cudaStream_t *stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaGraphInstantiateWithFlags(
    cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags = 0);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t begin, cudaEvent_t end);
cudaError_t cudaEventDestroy(cudaEvent_t event);

/* ---- launches ---- */

/* The body runs once for each thread. */
cudaError_t shim_launch(const void *kernel, dim3 grid, dim3 block, std::size_t dynamic_bytes,
    cudaStream_t stream, bool cooperative, std::function<void()> body);
cudaError_t shim_function_attribute(const void *kernel, cudaFuncAttribute attribute, int value);
cudaError_t shim_occupancy(int *blocks, const void *kernel, int threads, std::size_t dynamic_bytes);

/* The function binds a kernel to its arguments. */
void shim_register(const void *kernel, std::function<std::function<void()>(void **)> bind);

template <typename T>
cudaError_t cudaFuncSetAttribute(T *kernel, cudaFuncAttribute attribute, int value) {
    return shim_function_attribute(reinterpret_cast<const void *>(kernel), attribute, value);
}

template <typename T>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(
    int *blocks, T *kernel, int threads, std::size_t dynamic_bytes) {
    return shim_occupancy(blocks, reinterpret_cast<const void *>(kernel), threads, dynamic_bytes);
}

namespace shim {

/* The arguments are copied when the kernel is launched, as CUDA does. */
template <typename... A, std::size_t... I>
std::function<void()> bind_kernel(
    void (*kernel)(A...), void **arguments, std::index_sequence<I...>) {
    std::tuple<A...> copies(*static_cast<A *>(arguments[I])...);
    return [kernel, copies] { std::apply(kernel, copies); };
}

template <typename... A>
auto launcher(void (*kernel)(A...), dim3 grid, dim3 block, std::size_t dynamic_bytes = 0,
    cudaStream_t stream = nullptr) {
    return [=](A... arguments) {
        std::tuple<A...> copies(arguments...);
        shim_launch(reinterpret_cast<const void *>(kernel), grid, block, dynamic_bytes, stream,
            false, [kernel, copies] { std::apply(kernel, copies); });
    };
}

/* What is known of a kernel's types, for launches by its address alone. */
struct Registration {
    template <typename... A> explicit Registration(void (*kernel)(A...)) {
        shim_register(reinterpret_cast<const void *>(kernel), [kernel](void **arguments) {
            return bind_kernel(kernel, arguments, std::index_sequence_for<A...>());
        });
    }
};

} // namespace shim

cudaError_t cudaLaunchKernel(const void *kernel, dim3 grid, dim3 block, void **arguments,
    std::size_t dynamic_bytes = 0, cudaStream_t stream = nullptr);
cudaError_t cudaLaunchCooperativeKernel(const void *kernel, dim3 grid, dim3 block, void **arguments,
    std::size_t dynamic_bytes = 0, cudaStream_t stream = nullptr);

template <typename... A, typename... Rest>
cudaError_t cudaLaunchKernel(void (*kernel)(A...), Rest... rest) {
    return cudaLaunchKernel(reinterpret_cast<const void *>(kernel), rest...);
}

template <typename... A, typename... Rest>
cudaError_t cudaLaunchCooperativeKernel(void (*kernel)(A...), Rest... rest) {
    return cudaLaunchCooperativeKernel(reinterpret_cast<const void *>(kernel), rest...);
}

#endif
