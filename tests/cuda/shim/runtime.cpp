#include "control.h"
#include "cuda_runtime.h"
#include "streams.h"
#include "threads.h"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#if defined(SHIM_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
/* Not by that header's macros, which are empty here: these files are not instrumented. */
#define HIDE(address, bytes) __asan_poison_memory_region(address, bytes)
#define SHOW(address, bytes) __asan_unpoison_memory_region(address, bytes)
#else
#define HIDE(address, bytes) static_cast<void>(0)
#define SHOW(address, bytes) static_cast<void>(0)
#endif

using Clock = std::chrono::steady_clock;

struct shim_graph {
    std::vector<Work> work;
};

struct shim_graph_exec {
    std::vector<Work> work;
};

namespace {

constexpr std::size_t USUAL_SHARED_BYTES = 48 << 10; /* more must be asked for by an attribute */
constexpr unsigned MOST_THREADS = 1024, MOST_GRID_YZ = 65535;
constexpr unsigned char UNSET = 0xff; /* four of them are a NaN */

struct Runtime {
    shim_device device = shim_default_device();
    std::map<char *, std::size_t> allocations;
    std::map<const void *, std::size_t> shared_limits; /* by kernel */
    long objects = 0, calls = 0, failing_call = 0, launches = 0;
    unsigned last_blocks = 0;
    void (*within)(void) = nullptr; /* the next call */
    int capturing = 0;              /* streams */
    cudaError_t last_error = cudaSuccess;
} runtime;

cudaError_t fails(cudaError_t error) {
    runtime.last_error = error;
    return error;
}

/* At the start of every call: the errors that any call may return. */
cudaError_t enter() {
    if (runtime.device.count == 0)
        return fails(cudaErrorNoDevice);
    if (++runtime.calls == runtime.failing_call)
        return fails(cudaErrorUnknown);
    if (void (*const within)(void) = std::exchange(runtime.within, nullptr); within != nullptr)
        within();
    return cudaSuccess;
}

#define ENTER()                                                                                    \
    do {                                                                                           \
        if (const cudaError_t refused = enter(); refused != cudaSuccess)                           \
            return refused;                                                                        \
    } while (false)

/* ---- memory of the device: only kernels and copies may touch it ---- */

void show_device(bool shown) {
    for ([[maybe_unused]] const auto &[address, bytes] : runtime.allocations) {
        if (shown)
            SHOW(address, bytes);
        else
            HIDE(address, bytes);
    }
}

bool on_device(const void *address, std::size_t bytes) {
    char *begin = const_cast<char *>(static_cast<const char *>(address));
    auto next = runtime.allocations.upper_bound(begin);
    if (next == runtime.allocations.begin())
        return false;
    --next;
    return begin + bytes <= next->first + next->second;
}

/* Does the work, or keeps it for the graph. */
cudaError_t submit(cudaStream_t stream, Work work) {
    if (stream != nullptr && stream->captures) {
        stream->captured.push_back(std::move(work));
        return cudaSuccess;
    }
    if (stream == nullptr && runtime.capturing > 0) /* it would wait for the one that captures */
        return fails(cudaErrorStreamCaptureUnsupported);
    shim::stream_add(stream, [work = std::move(work)] {
        show_device(true);
        work();
        show_device(false);
    });
    return cudaSuccess;
}

template <typename T> cudaError_t create(T **object) {
    if (object == nullptr)
        return fails(cudaErrorInvalidValue);
    *object = new T();
    runtime.objects++;
    return cudaSuccess;
}

template <typename T> cudaError_t destroy(T *object) {
    if (object == nullptr)
        return fails(cudaErrorInvalidResourceHandle);
    delete object;
    runtime.objects--;
    return cudaSuccess;
}

} // namespace

/* ---- errors and devices ---- */

const char *cudaGetErrorString(cudaError_t error) {
    return error == cudaSuccess         ? "no error"
           : error == cudaErrorNoDevice ? "no CUDA-capable device is detected"
                                        : "an error of the stand-in";
}

const char *cudaGetErrorName(cudaError_t error) {
    return error == cudaSuccess ? "cudaSuccess" : "cudaError";
}

cudaError_t cudaGetLastError() {
    const cudaError_t error = runtime.last_error;
    runtime.last_error = cudaSuccess;
    return error;
}

cudaError_t cudaPeekAtLastError() {
    return runtime.last_error;
}

cudaError_t cudaDriverGetVersion(int *version) {
    *version = runtime.device.driver;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count) {
    *count = 0;
    if (runtime.device.driver < CUDART_VERSION)
        return fails(cudaErrorInsufficientDriver);
    ENTER();
    *count = runtime.device.count;
    return cudaSuccess;
}

cudaError_t cudaGetDevice(int *device) {
    ENTER();
    *device = 0;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
    ENTER();
    return device == 0 ? cudaSuccess : fails(cudaErrorInvalidDevice);
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device) {
    ENTER();
    if (device != 0)
        return fails(cudaErrorInvalidDevice);
    switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
        *value = MOST_THREADS;
        break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = USUAL_SHARED_BYTES;
        break;
    case cudaDevAttrMultiProcessorCount:
        *value = runtime.device.multiprocessors;
        break;
    case cudaDevAttrComputeCapabilityMajor:
        *value = runtime.device.major;
        break;
    case cudaDevAttrComputeCapabilityMinor:
        *value = runtime.device.minor;
        break;
    case cudaDevAttrCooperativeLaunch:
        *value = runtime.device.cooperative;
        break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = runtime.device.shared_bytes_limit;
        break;
    default:
        return fails(cudaErrorInvalidValue);
    }
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
    ENTER();
    if (runtime.capturing > 0)
        return fails(cudaErrorStreamCaptureUnsupported);
    shim::streams_finish();
    return cudaSuccess;
}

/* ---- memory ---- */

cudaError_t shim_malloc(void **address, std::size_t bytes) {
    if (address == nullptr)
        return fails(cudaErrorInvalidValue);
    *address = nullptr;
    ENTER();
    if (runtime.capturing > 0)
        return fails(cudaErrorStreamCaptureUnsupported);
    if (bytes == 0)
        return cudaSuccess;
    void *memory = nullptr;
    if (posix_memalign(&memory, 256, bytes) != 0)
        return fails(cudaErrorMemoryAllocation);
    std::memset(memory, UNSET, bytes);
    HIDE(memory, bytes);
    runtime.allocations[static_cast<char *>(memory)] = bytes;
    runtime.objects++;
    *address = memory;
    return cudaSuccess;
}

cudaError_t cudaFree(void *address) {
    if (address == nullptr)
        return cudaSuccess;
    const auto found = runtime.allocations.find(static_cast<char *>(address));
    if (found == runtime.allocations.end())
        return fails(cudaErrorInvalidValue);
    shim::streams_finish();
    SHOW(found->first, found->second);
    std::free(found->first);
    runtime.allocations.erase(found);
    runtime.objects--;
    return cudaSuccess;
}

static bool copy_fits(const void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind) {
    const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    if (kind == cudaMemcpyDefault)
        return true;
    return on_device(to, bytes) == to_device && on_device(from, bytes) == from_device;
}

cudaError_t cudaMemcpyAsync(
    void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    ENTER();
    if (bytes == 0)
        return cudaSuccess;
    if (to == nullptr || from == nullptr || !copy_fits(to, from, bytes, kind))
        return fails(cudaErrorInvalidValue);
    return submit(stream, [=] { std::memcpy(to, from, bytes); });
}

cudaError_t cudaMemcpy(void *to, const void *from, std::size_t bytes, cudaMemcpyKind kind) {
    shim::streams_finish();
    const cudaError_t error = cudaMemcpyAsync(to, from, bytes, kind, nullptr);
    shim::streams_finish();
    return error;
}

cudaError_t cudaMemsetAsync(void *to, int value, std::size_t bytes, cudaStream_t stream) {
    ENTER();
    if (!on_device(to, bytes))
        return fails(cudaErrorInvalidValue);
    return submit(stream, [=] { std::memset(to, value, bytes); });
}

cudaError_t cudaMemset(void *to, int value, std::size_t bytes) {
    shim::streams_finish();
    const cudaError_t error = cudaMemsetAsync(to, value, bytes, nullptr);
    shim::streams_finish();
    return error;
}

/* ---- streams, graphs, events ---- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
    ENTER();
    return create(stream);
}

cudaError_t cudaStreamCreate(cudaStream_t *stream) {
    return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    if (stream != nullptr && stream->captures)
        runtime.capturing--;
    return destroy(stream);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    ENTER();
    if (stream != nullptr && stream->captures)
        return fails(cudaErrorStreamCaptureUnsupported);
    shim::streams_finish();
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status) {
    ENTER();
    const bool captures = stream != nullptr && stream->captures;
    *status = captures ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    ENTER();
    if (event == nullptr)
        return fails(cudaErrorInvalidResourceHandle);
    if (stream != nullptr && stream->captures) /* an event from outside of the graph */
        return fails(cudaErrorStreamCaptureIsolation);
    shim::stream_wait(stream, event);
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    ENTER();
    if (stream == nullptr || stream->captures)
        return fails(cudaErrorStreamCaptureUnsupported);
    stream->captures = true;
    runtime.capturing++;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    if (stream == nullptr || !stream->captures)
        return fails(cudaErrorStreamCaptureUnmatched);
    stream->captures = false;
    runtime.capturing--;
    std::vector<Work> work = std::move(stream->captured);
    stream->captured.clear();
    ENTER();
    if (const cudaError_t error = create(graph); error != cudaSuccess)
        return error;
    (*graph)->work = std::move(work);
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiateWithFlags(
    cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long) {
    ENTER();
    if (graph == nullptr)
        return fails(cudaErrorInvalidValue);
    if (const cudaError_t error = create(exec); error != cudaSuccess)
        return error;
    (*exec)->work = graph->work;
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
    ENTER();
    if (exec == nullptr)
        return fails(cudaErrorInvalidValue);
    for (const Work &work : exec->work)
        if (const cudaError_t error = submit(stream, work); error != cudaSuccess)
            return error;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    return destroy(exec);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    return destroy(graph);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
    ENTER();
    return create(event);
}

cudaError_t cudaEventCreate(cudaEvent_t *event) {
    return cudaEventCreateWithFlags(event, 0);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    ENTER();
    if (event == nullptr)
        return fails(cudaErrorInvalidResourceHandle);
    if (stream != nullptr && stream->captures) /* it would be an event of the graph */
        return fails(cudaErrorStreamCaptureUnsupported);
    event->asked++;
    return submit(stream, [event] {
        event->time = Clock::now();
        event->done++;
    });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    ENTER();
    if (event == nullptr)
        return fails(cudaErrorInvalidResourceHandle);
    shim::streams_finish();
    return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t begin, cudaEvent_t end) {
    ENTER();
    if (begin == nullptr || end == nullptr || begin->done == 0 || end->done == 0)
        return fails(cudaErrorInvalidResourceHandle);
    *milliseconds = std::chrono::duration<float, std::milli>(end->time - begin->time).count();
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    shim::streams_finish();
    return destroy(event);
}

/* ---- launches ---- */

static cudaError_t launch_fault(const void *kernel, const dim3 &grid, const dim3 &block,
    std::size_t dynamic_bytes, bool cooperative) {
    const auto asked = runtime.shared_limits.find(kernel);
    const std::size_t limit =
        asked == runtime.shared_limits.end() ? USUAL_SHARED_BYTES : asked->second;
    const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
    const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z;
    if (threads == 0 || threads > MOST_THREADS || blocks == 0 || grid.x > INT32_MAX ||
        grid.y > MOST_GRID_YZ || grid.z > MOST_GRID_YZ)
        return cudaErrorInvalidConfiguration;
    if (dynamic_bytes > limit)
        return cudaErrorInvalidValue;
    if (!cooperative)
        return cudaSuccess;
    const shim_device &device = runtime.device;
    if (device.cooperative == 0)
        return cudaErrorNotSupported;
    const auto together = static_cast<std::uint64_t>(
        device.multiprocessors * device.blocks_per_multiprocessor - device.taken);
    return blocks > together ? cudaErrorCooperativeLaunchTooLarge : cudaSuccess;
}

cudaError_t shim_launch(const void *kernel, dim3 grid, dim3 block, std::size_t dynamic_bytes,
    cudaStream_t stream, bool cooperative, std::function<void()> body) {
    ENTER();
    const cudaError_t error = launch_fault(kernel, grid, block, dynamic_bytes, cooperative);
    if (error != cudaSuccess)
        return fails(error);
    return submit(stream, [=] {
        runtime.launches++;
        runtime.last_blocks = grid.x;
        shim::launch_run({grid, block, dynamic_bytes, cooperative, body});
    });
}

/* Made before main, in an order that is not known. */
static std::map<const void *, std::function<Work(void **)>> &kernels() {
    static std::map<const void *, std::function<Work(void **)>> known;
    return known;
}

void shim_register(const void *kernel, std::function<Work(void **)> bind) {
    kernels()[kernel] = std::move(bind);
}

static cudaError_t launch(const void *kernel, dim3 grid, dim3 block, void **arguments,
    std::size_t dynamic_bytes, cudaStream_t stream, bool cooperative) {
    const auto found = kernels().find(kernel);
    if (found == kernels().end())
        return fails(cudaErrorInvalidDeviceFunction);
    return shim_launch(
        kernel, grid, block, dynamic_bytes, stream, cooperative, found->second(arguments));
}

cudaError_t cudaLaunchKernel(const void *kernel, dim3 grid, dim3 block, void **arguments,
    std::size_t dynamic_bytes, cudaStream_t stream) {
    return launch(kernel, grid, block, arguments, dynamic_bytes, stream, false);
}

cudaError_t cudaLaunchCooperativeKernel(const void *kernel, dim3 grid, dim3 block, void **arguments,
    std::size_t dynamic_bytes, cudaStream_t stream) {
    return launch(kernel, grid, block, arguments, dynamic_bytes, stream, true);
}

cudaError_t shim_function_attribute(const void *kernel, cudaFuncAttribute attribute, int value) {
    ENTER();
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize)
        return cudaSuccess;
    if (value < 0 || value > runtime.device.shared_bytes_limit)
        return fails(cudaErrorInvalidValue);
    runtime.shared_limits[kernel] = static_cast<std::size_t>(value);
    return cudaSuccess;
}

cudaError_t shim_occupancy(
    int *blocks, const void *kernel, int threads, std::size_t dynamic_bytes) {
    ENTER();
    const cudaError_t error =
        launch_fault(kernel, dim3(1), dim3(static_cast<unsigned>(threads)), dynamic_bytes, false);
    *blocks = error == cudaSuccess ? runtime.device.blocks_per_multiprocessor : 0;
    return cudaSuccess;
}

/* ---- control ---- */

shim_device shim_default_device(void) {
    return {1, 2, 1, 1, 99 << 10, 12, 0, CUDART_VERSION, 0};
}

void shim_set_device(shim_device device) {
    runtime.device = device;
}

void shim_fail_call(long number) {
    runtime.calls = 0;
    runtime.failing_call = number;
}

long shim_calls(void) {
    return runtime.calls;
}

long shim_objects(void) {
    return runtime.objects;
}

long shim_launches(void) {
    return runtime.launches;
}

unsigned shim_last_blocks(void) {
    return runtime.last_blocks;
}

void shim_within_next_call(void (*function)(void)) {
    runtime.within = function;
}
