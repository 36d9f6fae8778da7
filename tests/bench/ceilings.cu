/* What a GPU can do at most, and how long it takes for nothing: memory, fp32 multiply-adds,
 * launches in a graph, barriers of all blocks: those of a network, which cuda.py copies from its
 * source to grid_barrier.h. Prints one line of JSON. */
#include <cuda_runtime.h>

#include "grid_barrier.h"

#include <stdio.h>
#include <stdlib.h>

#define MUST(call) must(call, #call)

static void must(cudaError_t error, const char *call) {
    if (error != cudaSuccess) {
        fprintf(stderr, "%s: %s\n", call, cudaGetErrorString(error));
        exit(3);
    }
}

enum { THREADS = 256, CHAINS = 16, ROUNDS = 4096, TRIES = 7, LAUNCHES = 200, BARRIERS = 500 };

__global__ void multiply_adds(float *out, float factor) {
    float sums[CHAINS];
    for (int i = 0; i < CHAINS; i++)
        sums[i] = threadIdx.x + i;
    for (int round = 0; round < ROUNDS; round++)
#pragma unroll
        for (int i = 0; i < CHAINS; i++)
            sums[i] = fmaf(sums[i], factor, factor);
    float sum = 0;
    for (int i = 0; i < CHAINS; i++)
        sum += sums[i];
    out[blockIdx.x * THREADS + threadIdx.x] = sum;
}

__global__ void nothing(void) {
}

__global__ void barriers(unsigned *arrived) {
    for (int i = 0; i < BARRIERS; i++)
        grid_barrier(arrived + i, gridDim.x, gridDim.x);
}

/* Seconds of the fastest of a few tries. */
template <typename Work> static double seconds(cudaStream_t stream, Work work) {
    cudaEvent_t begin, end;
    double best = 1e9;
    MUST(cudaEventCreate(&begin));
    MUST(cudaEventCreate(&end));
    for (int i = 0; i < TRIES; i++) {
        MUST(cudaEventRecord(begin, stream));
        work();
        MUST(cudaEventRecord(end, stream));
        MUST(cudaEventSynchronize(end));
        float milliseconds;
        MUST(cudaEventElapsedTime(&milliseconds, begin, end));
        best = milliseconds / 1000 < best ? milliseconds / 1000 : best;
    }
    return best;
}

static double copy_rate(cudaStream_t stream) {
    const size_t bytes = size_t{1} << 30;
    void *from, *to;
    MUST(cudaMalloc(&from, bytes));
    MUST(cudaMalloc(&to, bytes));
    MUST(cudaMemset(from, 1, bytes));
    const double time = seconds(
        stream, [&] { MUST(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream)); });
    MUST(cudaFree(from));
    MUST(cudaFree(to));
    return 2.0 * (double)bytes / time;
}

static double arithmetic_rate(cudaStream_t stream, int multiprocessors) {
    const int blocks = multiprocessors * 8 * 4;
    float *out;
    MUST(cudaMalloc(&out, (size_t)blocks * THREADS * sizeof(float)));
    const double time =
        seconds(stream, [&] { multiply_adds<<<blocks, THREADS, 0, stream>>>(out, 0.5f); });
    MUST(cudaFree(out));
    return 2.0 * CHAINS * ROUNDS * THREADS * blocks / time;
}

static double launch_seconds(cudaStream_t stream) {
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    MUST(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    for (int i = 0; i < LAUNCHES; i++)
        nothing<<<1, 32, 0, stream>>>();
    MUST(cudaStreamEndCapture(stream, &graph));
    MUST(cudaGraphInstantiate(&exec, graph, 0));
    const double time = seconds(stream, [&] { MUST(cudaGraphLaunch(exec, stream)); });
    MUST(cudaGraphExecDestroy(exec));
    MUST(cudaGraphDestroy(graph));
    return time / LAUNCHES;
}

static double barrier_seconds(cudaStream_t stream, int multiprocessors) {
    unsigned *arrived;
    MUST(cudaMalloc(&arrived, BARRIERS * sizeof *arrived));
    void *arguments[] = {&arrived};
    const double time = seconds(stream, [&] {
        MUST(cudaMemsetAsync(arrived, 0, BARRIERS * sizeof *arrived, stream));
        MUST(cudaLaunchCooperativeKernel(
            (const void *)barriers, dim3(multiprocessors), dim3(THREADS), arguments, 0, stream));
    });
    MUST(cudaFree(arrived));
    return time / BARRIERS;
}

int main(void) {
    cudaDeviceProp device;
    cudaStream_t stream;
    MUST(cudaGetDeviceProperties(&device, 0));
    MUST(cudaStreamCreate(&stream));
    printf(
        "{\"name\": \"%s\", \"capability\": \"%d%d\", \"multiprocessors\": %d, \"l2_bytes\": %d, "
        "\"bytes_per_second\": %.4g, \"flops\": %.4g, \"launch_seconds\": %.3g, "
        "\"barrier_seconds\": %.3g}\n",
        device.name, device.major, device.minor, device.multiProcessorCount, device.l2CacheSize,
        copy_rate(stream), arithmetic_rate(stream, device.multiProcessorCount),
        launch_seconds(stream), barrier_seconds(stream, device.multiProcessorCount));
    MUST(cudaStreamDestroy(stream));
    return 0;
}
