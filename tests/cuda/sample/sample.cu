// Small kernels with every construct that the stand-in knows. The program runs one of them and
// prints the largest error, or commits one of the mistakes that must be found.
#include <cuda_runtime.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"

enum { THREADS = 96, BLOCKS = 3, COUNT = THREADS * BLOCKS, TILES = 4, MOST_BLOCKS = 2 };

// ---- kernels ----

// Each block turns its part round, tile by tile: the memory of one tile is used again by the next.
__global__ void turn(const float *from, float *to) {
    __shared__ float tile[THREADS];
    for (int i = 0; i < TILES; i++) {
        int at = (blockIdx.x * TILES + i) * THREADS + threadIdx.x;
        tile[threadIdx.x] = from[at];
        __syncthreads(); // between writing and reading
        to[at] = tile[THREADS - 1 - threadIdx.x];
        __syncthreads(); // between reading and writing the next
    }
}

// The same with dynamic memory, four floats at a time.
__global__ void turn_vectors(const float4 *from, float4 *to) {
    extern __shared__ float4 shared[];
    shared[threadIdx.x] = __ldg(&from[blockIdx.x * THREADS + threadIdx.x]);
    __syncthreads(); // between writing and reading vectors
    to[blockIdx.x * THREADS + threadIdx.x] = shared[THREADS - 1 - threadIdx.x];
}

__device__ float sum_of_warp(float value) {
    for (int lanes = 16; lanes > 0; lanes /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, lanes);
    return value;
}

// The sum of all numbers, by warps, blocks and atomics.
__global__ void sum(const float *from, float *to) {
    __shared__ float partial[THREADS / 32];
    float value = sum_of_warp(from[blockIdx.x * THREADS + threadIdx.x]);
    if (threadIdx.x % 32 == 0)
        partial[threadIdx.x / 32] = value;
    __syncthreads(); // before the partial sums are read
    if (threadIdx.x == 0)
        atomicAdd(to, partial[0] + partial[1] + partial[2]);
}

// Neighbours inside of a warp exchange their numbers through shared memory.
__global__ void swap_in_warp(const float *from, float *to) {
    __shared__ float tile[THREADS];
    int at = blockIdx.x * THREADS + threadIdx.x;
    tile[threadIdx.x] = from[at];
    __syncwarp(); // before the neighbour is read
    to[at] = tile[threadIdx.x ^ 1];
}

__device__ void grid_barrier(unsigned *arrived, unsigned target) {
    __syncthreads(); // all of the block have arrived
    if (threadIdx.x == 0) {
        __threadfence(); // publish
        atomicAdd(arrived, 1u);
        while (*(volatile unsigned *)arrived < target)
            __nanosleep(32);
        __threadfence(); // take notice
    }
    __syncthreads(); // all of the block may go on
}

// All blocks move the whole array on by the numbers of one block, and back.
__global__ void move_twice(const float *from, float *between, float *to, unsigned *arrived) {
    for (int at = blockIdx.x * THREADS + threadIdx.x; at < COUNT; at += gridDim.x * THREADS)
        between[at] = from[(at + THREADS) % COUNT];
    grid_barrier(arrived, gridDim.x);
    for (int at = blockIdx.x * THREADS + threadIdx.x; at < COUNT; at += gridDim.x * THREADS)
        to[at] = between[(at + COUNT - THREADS) % COUNT];
}

// ---- mistakes ----

__global__ void reach_too_far(float *to, int far) {
    __shared__ float tile[THREADS];
    extern __shared__ float4 shared[];
    tile[threadIdx.x] = to[threadIdx.x];
    if (far == 1)
        to[COUNT] = 0; // past the allocation
    if (far == 2)
        tile[THREADS + (int)blockDim.y - 1] = to[0]; // past the array
    if (far == 3)
        shared[THREADS].x = 0; // past the dynamic memory
    if (far == 4)
        to[0] = ((const float4 *)(to + 1))->x; // not aligned
    if (far == 5 && threadIdx.x < 40)
        __syncthreads(); // not reached by all
    else if (far == 5)
        __syncthreads(); // another one
    if (far == 7) { // across a barrier, but the read-only cache may be older
        to[threadIdx.x] = 1;
        __syncthreads(); // of no use
        tile[threadIdx.x] = __ldg(&to[THREADS - 1 - threadIdx.x]);
        __syncthreads(); // nor this
    }
    if (far == 6 && threadIdx.x < 7)
        __shfl_sync(0xffu, to[threadIdx.x], 0); // lane 7 never comes
    to[threadIdx.x] = tile[THREADS - 1 - threadIdx.x];
}

// ---- the program ----

static void must(cudaError_t error) {
    if (error != cudaSuccess) {
        fprintf(stderr, "%s\n", cudaGetErrorString(error));
        exit(3);
    }
}

static float value(int i) {
    return (float)(i * 7 % 101);
}

static float expected(const char *name, int i, float total) {
    if (strcmp(name, "turn") == 0 || strcmp(name, "turn_vectors") == 0) {
        int lanes = strcmp(name, "turn") == 0 ? 1 : 4, part = THREADS * lanes, in = i % part;
        return value(i - in + (THREADS - 1 - in / lanes) * lanes + in % lanes);
    }
    if (strcmp(name, "sum") == 0)
        return i == 0 ? total : 0;
    return strcmp(name, "swap_in_warp") == 0 ? value(i ^ 1) : value(i);
}

static int elements(const char *name) {
    return strcmp(name, "turn") == 0 || strcmp(name, "turn_vectors") == 0 ? COUNT * TILES : COUNT;
}

static void launch(const char *name, float *from, float *between, float *to, unsigned *arrived) {
    if (strcmp(name, "turn") == 0)
        turn<<<BLOCKS, THREADS>>>(from, to);
    else if (strcmp(name, "turn_vectors") == 0)
        turn_vectors<<<BLOCKS, THREADS, THREADS * sizeof(float4)>>>(
            (const float4 *)from, (float4 *)to);
    else if (strcmp(name, "sum") == 0)
        sum<<<BLOCKS, THREADS, 0, 0>>>(from, to);
    else if (strcmp(name, "swap_in_warp") == 0)
        swap_in_warp<<<BLOCKS, THREADS>>>(from, to);
    else if (strcmp(name, "move_twice") == 0) {
        void *arguments[] = {&from, &between, &to, &arrived};
        must(cudaLaunchCooperativeKernel(
            (const void *)move_twice, dim3(MOST_BLOCKS), dim3(THREADS), arguments, 0, 0));
    } else
        reach_too_far<<<1, THREADS, THREADS * sizeof(float4)>>>(to, atoi(name));
    must(cudaGetLastError());
}

// sample NAME ORDER [LINE]: which kernel or mistake, in which order, without the barrier of which
// line.
int main(int count, char **words) {
    const char *name = words[1];
    shim_set_order(atoi(words[2]));
    if (count > 3)
        shim_leave_out(atoi(words[3]));
    int n = elements(name);
    float *from, *between, *to, *host = (float *)malloc(n * sizeof(float)), total = 0, worst = 0;
    unsigned *arrived;
    must(cudaMalloc(&from, n * sizeof(float)));
    must(cudaMalloc(&between, n * sizeof(float)));
    must(cudaMalloc(&to, n * sizeof(float)));
    must(cudaMalloc(&arrived, sizeof *arrived));
    must(cudaMemset(to, 0, n * sizeof(float)));
    must(cudaMemset(arrived, 0, sizeof *arrived));
    for (int i = 0; i < n; i++)
        total += host[i] = value(i);
    must(cudaMemcpy(from, host, n * sizeof(float), cudaMemcpyHostToDevice));
    if (strcmp(name, "host") == 0)
        return (int)from[0]; // memory of the device
    launch(name, from, between, to, arrived);
    must(cudaMemcpy(host, to, n * sizeof(float), cudaMemcpyDeviceToHost));
    for (int i = 0; i < n; i++) {
        float error = fabsf(host[i] - expected(name, i, total));
        if (!(error <= worst))
            worst = error > 0 ? error : INFINITY; // NaN, too
    }
    free(host);
    must(cudaFree(from));
    must(cudaFree(between));
    must(cudaFree(to));
    must(cudaFree(arrived));
    printf("error %g, races %ld, left out %ld, objects %ld\n", worst, shim_races(), shim_left_out(),
        shim_objects());
    return 0;
}
