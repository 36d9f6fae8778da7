/* The network tiny for cuda-sm_80 (Ampere: A100). Compile with
 *     nvcc -O3 -arch=sm_80 -c tiny.cu
 * and link with tiny_weights.S. The functions are documented in tiny.h. */
#include "tiny.h"

#include <cuda_runtime.h>
#include <math.h>
#include <stdlib.h>

#if CUDART_VERSION < 11040
#error "this file needs CUDA 11.4 or newer"
#endif

#ifdef TINY_CUDA_NVTX /* ranges for Nsight */
#include <nvtx3/nvToolsExt.h>
#endif

extern "C" const unsigned char tiny_cuda_weights[];

#define INLINE static __device__ __forceinline__

INLINE int smaller(int a, int b) { return a < b ? a : b; }
INLINE int larger(int a, int b) { return a > b ? a : b; }
INLINE float4 load4(const float *at) { return *(const float4 *)at; }
INLINE void store4(float *at, float4 a) { *(float4 *)at = a; }
INLINE float power_of_two(float a) { return __int_as_float(((int)a + 127) << 23); }
INLINE float maximum_or_nan(float a, float b)
{
    return a > b || a != a ? a : b;
}

static __device__ __noinline__ void kernel_0(const float *input, const float *__restrict__ weights, float *output, const int *__restrict__ output_planes, int first_item)
{
    __builtin_assume(__isGlobal(input));
    __builtin_assume(__isGlobal(weights));
    __builtin_assume(__isGlobal(output));
    __builtin_assume(__isGlobal(output_planes));
    extern __shared__ float4 shared[];
    float *tile0 = (float *)shared + 0; /* 44 floats */
    const int thread = threadIdx.x;
    for (int item = first_item; item < 8; item += gridDim.x) {
        const int tile = item % 4;
        const int pixel_tile = item / 4;
        const int first_row_out = pixel_tile % 2;
        const int first_row = larger(first_row_out * 2 - 1, 0);
        const int start = first_row * 4;
        const int quad = thread % 3;
        const int slice = thread / 3;
        float v0 = 0.0f;
        float v1 = 0.0f;
        float v2 = 0.0f;
        float v3 = 0.0f;
        const int first_weight = tile * 27;
        const int pixel = start + quad * 4;
        if (thread < 9) {
            if (pixel < 16) {
                const int row13 = smaller(first_row + quad * 4 / 4, 3) * 2 - 1;
                const int column14 = quad * 4 % 4 * 2 - 1;
                const int base15 = row13 * 8 + column14;
                const int row16 = smaller(first_row + (quad * 4 + 1) / 4, 3) * 2 - 1;
                const int column17 = (quad * 4 + 1) % 4 * 2 - 1;
                const int base18 = row16 * 8 + column17;
                const int row19 = smaller(first_row + (quad * 4 + 2) / 4, 3) * 2 - 1;
                const int column20 = (quad * 4 + 2) % 4 * 2 - 1;
                const int base21 = row19 * 8 + column20;
                const int row22 = smaller(first_row + (quad * 4 + 3) / 4, 3) * 2 - 1;
                const int column23 = (quad * 4 + 3) % 4 * 2 - 1;
                const int base24 = row22 * 8 + column23;
                const int plane = slice * 64;
                #pragma unroll 1
                for (int kernel_row26 = 0; kernel_row26 < 3; kernel_row26++) {
                    #pragma unroll
                    for (int kernel_column27 = 0; kernel_column27 < 3; kernel_column27++) {
                        float v4 = 0.0f;
                        if (-1 < row13 + kernel_row26) {
                            if (-1 < column14 + kernel_column27) {
                                v4 = input[plane + base15 + kernel_row26 * 8 + kernel_column27];
                            }
                        }
                        float v5 = 0.0f;
                        if (-1 < row16 + kernel_row26) {
                            if (-1 < column17 + kernel_column27) {
                                v5 = input[plane + base18 + kernel_row26 * 8 + kernel_column27];
                            }
                        }
                        float v6 = 0.0f;
                        if (-1 < row19 + kernel_row26) {
                            if (-1 < column20 + kernel_column27) {
                                v6 = input[plane + base21 + kernel_row26 * 8 + kernel_column27];
                            }
                        }
                        float v7 = 0.0f;
                        if (-1 < row22 + kernel_row26) {
                            if (-1 < column23 + kernel_column27) {
                                v7 = input[plane + base24 + kernel_row26 * 8 + kernel_column27];
                            }
                        }
                        float v8 = __ldg(&weights[first_weight + slice * 9 + kernel_row26 * 3 + kernel_column27]);
                        v0 = fmaf(v4, v8, v0);
                        v1 = fmaf(v5, v8, v1);
                        v2 = fmaf(v6, v8, v2);
                        v3 = fmaf(v7, v8, v3);
                    }
                }
            }
        }
        if (thread < 9) {
            float2 v9 = make_float2(v0, v1);
            float2 v10 = make_float2(v2, v3);
            float4 v11 = make_float4(v9.x, v9.y, v10.x, v10.y);
            store4(&tile0[thread * 4], v11);
        }
        __syncthreads();
        if (thread < 12) {
            const int thread_channel = thread / 12;
            const int number = thread % 12;
            float v12 = tile0[thread_channel * 44 + number];
            float v13 = tile0[thread_channel * 44 + number + 12];
            v12 = v12 + v13;
            float v14 = tile0[thread_channel * 44 + number + 24];
            v12 = v12 + v14;
            float v15 = 0.0f;
            v12 = v15 > v12 ? v15 : v12;
            tile0[thread_channel * 44 + number] = v12;
        }
        __syncthreads();
        if (thread < 2) {
            const int index = thread / 2;
            const int channel = tile + index;
            const int y = first_row_out + thread % 2 / 2;
            const int x = thread % 2 % 2;
            const int first_in_tile = index * 44;
            float v16 = -INFINITY;
            #pragma unroll
            for (int kernel_row36 = 0; kernel_row36 < 3; kernel_row36++) {
                const int row37 = y * 2 + kernel_row36 - 1;
                if (-1 < row37) {
                    #pragma unroll
                    for (int kernel_column38 = 0; kernel_column38 < 3; kernel_column38++) {
                        const int column39 = x * 2 + kernel_column38 - 1;
                        if (-1 < column39) {
                            float v17 = tile0[first_in_tile + (row37 - first_row) * 4 + column39];
                            v16 = maximum_or_nan(v16, v17);
                        }
                    }
                }
            }
            output[output_planes[channel] + y * 2 + x] = v16;
        }
        if (item < 8 - (int)gridDim.x)
            __syncthreads();
    }
}

static __device__ __noinline__ void kernel_1(const float *input, const float *__restrict__ weights, float *output, int first_item)
{
    __builtin_assume(__isGlobal(input));
    __builtin_assume(__isGlobal(weights));
    __builtin_assume(__isGlobal(output));
    extern __shared__ float4 shared[];
    float *tile0 = (float *)shared + 0; /* 8 floats */
    const int thread = threadIdx.x;
    for (int item = first_item; item < 4; item += gridDim.x) {
        float v0 = 0.0f;
        float v1 = 0.0f;
        float v2 = 0.0f;
        float v3 = 0.0f;
        float v4 = 0.0f;
        float v5 = 0.0f;
        float v6 = 0.0f;
        float v7 = 0.0f;
        float v8 = 0.0f;
        float v9 = 0.0f;
        const int tile = item % 2;
        const int pixel_tile = item / 2;
        const int first_row_out = pixel_tile % 2;
        const int first_row = larger(first_row_out - 1, 0);
        const int start = first_row * 2;
        const int first_pixel = start / 4 * 4;
        const int shift = start - first_pixel;
        const int quad = thread % 2;
        const int slice = thread / 2;
        const int thread_channel = thread / 8;
        const int number = thread % 8;
        if (thread < 8) {
        }
        const int index16 = thread / 2;
        const int channel17 = tile + index16;
        if (thread < 2) {
            v0 = 0.0f;
            v1 = __ldg(&weights[channel17 * 9 + 4]);
            v2 = __ldg(&weights[channel17 * 9 + 5]);
            v3 = __ldg(&weights[channel17 * 9 + 6]);
            v4 = __ldg(&weights[channel17 * 9 + 7]);
            v5 = __ldg(&weights[channel17 * 9 + 8]);
            v6 = __ldg(&weights[channel17 * 9 + 9]);
            v7 = __ldg(&weights[channel17 * 9 + 10]);
            v8 = __ldg(&weights[channel17 * 9 + 11]);
            v9 = __ldg(&weights[channel17 * 9 + 12]);
        }
        float v10 = 0.0f;
        float v11 = 0.0f;
        float v12 = 0.0f;
        float v13 = 0.0f;
        const int first_weight = tile * 2;
        const int pixel = first_pixel + quad * 4;
        if (thread < 2) {
            if (pixel < 4) {
                #pragma unroll
                for (int step = 0; step < 2; step++) {
                    const int input_channel = slice + step;
                    float4 v14 = load4(&input[input_channel * 4 + pixel]);
                    float v15 = __ldg(&weights[first_weight + input_channel]);
                    float v16 = v14.x;
                    float v17 = v14.y;
                    float v18 = v14.z;
                    float v19 = v14.w;
                    v10 = fmaf(v16, v15, v10);
                    v11 = fmaf(v17, v15, v11);
                    v12 = fmaf(v18, v15, v12);
                    v13 = fmaf(v19, v15, v13);
                }
            }
        }
        if (thread < 2) {
            float2 v20 = make_float2(v10, v11);
            float2 v21 = make_float2(v12, v13);
            float4 v22 = make_float4(v20.x, v20.y, v21.x, v21.y);
            store4(&tile0[thread * 4], v22);
        }
        __syncthreads();
        if (thread < 8) {
            float v23 = tile0[thread_channel * 8 + number];
            float v24 = 0.0f;
            v23 = v24 > v23 ? v24 : v23;
            tile0[thread_channel * 8 + number] = v23;
        }
        __syncthreads();
        if (thread < 2) {
            const int index22 = thread / 2;
            const int channel23 = tile + index22;
            const int y = first_row_out + thread % 2 / 2;
            const int x = thread % 2 % 2;
            const int first_in_tile = index22 * 8 + shift;
            const int row27 = y - 1;
            if (-1 < row27) {
                if (row27 < 2) {
                    const int column28 = x - 1;
                    if (-1 < column28) {
                        if (column28 < 2) {
                            float v25 = tile0[first_in_tile + (row27 - first_row) * 2 + column28];
                            v0 = fmaf(v25, v1, v0);
                        }
                    }
                    if (-1 < x) {
                        if (x < 2) {
                            float v26 = tile0[first_in_tile + (row27 - first_row) * 2 + x];
                            v0 = fmaf(v26, v2, v0);
                        }
                    }
                    const int column29 = x + 1;
                    if (-1 < column29) {
                        if (column29 < 2) {
                            float v27 = tile0[first_in_tile + (row27 - first_row) * 2 + column29];
                            v0 = fmaf(v27, v3, v0);
                        }
                    }
                }
            }
            if (-1 < y) {
                if (y < 2) {
                    const int column30 = x - 1;
                    if (-1 < column30) {
                        if (column30 < 2) {
                            float v28 = tile0[first_in_tile + (y - first_row) * 2 + column30];
                            v0 = fmaf(v28, v4, v0);
                        }
                    }
                    if (-1 < x) {
                        if (x < 2) {
                            float v29 = tile0[first_in_tile + (y - first_row) * 2 + x];
                            v0 = fmaf(v29, v5, v0);
                        }
                    }
                    const int column31 = x + 1;
                    if (-1 < column31) {
                        if (column31 < 2) {
                            float v30 = tile0[first_in_tile + (y - first_row) * 2 + column31];
                            v0 = fmaf(v30, v6, v0);
                        }
                    }
                }
            }
            const int row32 = y + 1;
            if (-1 < row32) {
                if (row32 < 2) {
                    const int column33 = x - 1;
                    if (-1 < column33) {
                        if (column33 < 2) {
                            float v31 = tile0[first_in_tile + (row32 - first_row) * 2 + column33];
                            v0 = fmaf(v31, v7, v0);
                        }
                    }
                    if (-1 < x) {
                        if (x < 2) {
                            float v32 = tile0[first_in_tile + (row32 - first_row) * 2 + x];
                            v0 = fmaf(v32, v8, v0);
                        }
                    }
                    const int column34 = x + 1;
                    if (-1 < column34) {
                        if (column34 < 2) {
                            float v33 = tile0[first_in_tile + (row32 - first_row) * 2 + column34];
                            v0 = fmaf(v33, v9, v0);
                        }
                    }
                }
            }
            output[channel23 * 4 + y * 2 + x] = v0;
        }
        if (item < 4 - (int)gridDim.x)
            __syncthreads();
    }
}

static __device__ __noinline__ void kernel_2(const float *input, const float *__restrict__ weights, float *output, int first_item)
{
    __builtin_assume(__isGlobal(input));
    __builtin_assume(__isGlobal(weights));
    __builtin_assume(__isGlobal(output));
    const int thread = threadIdx.x;
    for (int item = first_item; item < 2; item += gridDim.x) {
        float v0 = 0.0f;
        float v1 = 0.0f;
        float v2 = 0.0f;
        float v3 = 0.0f;
        const int first_weight = item * 2;
        if (thread < 1) {
            if (0 < 4) {
                #pragma unroll
                for (int step = 0; step < 2; step++) {
                    const int input_channel = thread + step;
                    float4 v4 = load4(&input[input_channel * 4]);
                    float v5 = __ldg(&weights[first_weight + input_channel]);
                    float v6 = v4.x;
                    float v7 = v4.y;
                    float v8 = v4.z;
                    float v9 = v4.w;
                    v0 = fmaf(v6, v5, v0);
                    v1 = fmaf(v7, v5, v1);
                    v2 = fmaf(v8, v5, v2);
                    v3 = fmaf(v9, v5, v3);
                }
            }
        }
        if (thread < 1) {
            if (0 < 4) {
                float2 v10 = make_float2(v0, v1);
                float2 v11 = make_float2(v2, v3);
                float4 v12 = make_float4(v10.x, v10.y, v11.x, v11.y);
                store4(&output[item * 4], v12);
            }
        }
    }
}

static __device__ __noinline__ void kernel_3(const float *input, float *output, int first_item)
{
    __builtin_assume(__isGlobal(input));
    __builtin_assume(__isGlobal(output));
    extern __shared__ float4 shared[];
    float *tile0 = (float *)shared + 0; /* 256 floats */
    const int thread = threadIdx.x;
    for (int item = first_item; item < 1; item += gridDim.x) {
        const int lane = thread % 32;
        const int plane = item * 8 + thread / 32;
        float v0 = 0.0f;
        if (plane < 4) {
            #pragma unroll 2
            for (int pixel = lane; pixel < 4; pixel += 32) {
                float v1 = input[plane * 4 + pixel / 2 * 2 + pixel % 2];
                v0 = v0 + v1;
            }
        }
        tile0[thread] = v0;
        __syncthreads();
        if (plane + lane * 4 < 4) {
            float v2 = 0.0f;
            #pragma unroll 2
            for (int other = 0; other < 32; other++) {
                float v3 = tile0[thread + other];
                v2 = v2 + v3;
            }
            float v4 = 0.25f;
            v2 = v2 * v4;
            output[plane * 4] = v2;
        }
        if (item < 1 - (int)gridDim.x)
            __syncthreads();
    }
}

static __device__ __noinline__ void kernel_4(const float *input, const float *__restrict__ weights, float *output, int first_item)
{
    __builtin_assume(__isGlobal(input));
    __builtin_assume(__isGlobal(weights));
    __builtin_assume(__isGlobal(output));
    const int thread = threadIdx.x;
    for (int item = first_item; item < 3; item += gridDim.x) {
        float v0 = 0.0f;
        const int first_weight = item * 4;
        if (thread < 1) {
            if (0 < 1) {
                #pragma unroll
                for (int step = 0; step < 4; step++) {
                    const int input_channel = thread + step;
                    float v1 = input[input_channel * 4];
                    float v2 = __ldg(&weights[first_weight + input_channel]);
                    v0 = fmaf(v1, v2, v0);
                }
            }
        }
        if (thread < 1) {
            if (0 < 1) {
                float v3 = __ldg(&weights[item + 12]);
                v0 = v0 + v3;
                output[item * 4] = v0;
            }
        }
    }
}

static __device__ __noinline__ void kernel_5(const float *input, float *output, int first_item)
{
    __builtin_assume(__isGlobal(input));
    __builtin_assume(__isGlobal(output));
    extern __shared__ float4 shared[];
    float *tile0 = (float *)shared + 0; /* 256 floats */
    const int thread = threadIdx.x;
    for (int item = first_item; item < 1; item += gridDim.x) {
        float v0 = -INFINITY;
        float v1 = 0.0f;
        #pragma unroll 2
        for (int channel3 = thread; channel3 < 3; channel3 += 256) {
            float v2 = input[channel3 * 4 + item];
            v0 = v0 > v2 ? v0 : v2;
        }
        tile0[thread] = v0;
        __syncthreads();
        if (thread < 128) {
            float v3 = tile0[thread];
            float v4 = tile0[thread + 128];
            v3 = v3 > v4 ? v3 : v4;
            tile0[thread] = v3;
        }
        __syncthreads();
        if (thread < 64) {
            float v5 = tile0[thread];
            float v6 = tile0[thread + 64];
            v5 = v5 > v6 ? v5 : v6;
            tile0[thread] = v5;
        }
        __syncthreads();
        if (thread < 32) {
            float v7 = tile0[thread];
            float v8 = tile0[thread + 32];
            v7 = v7 > v8 ? v7 : v8;
            tile0[thread] = v7;
        }
        __syncthreads();
        if (thread < 16) {
            float v9 = tile0[thread];
            float v10 = tile0[thread + 16];
            v9 = v9 > v10 ? v9 : v10;
            tile0[thread] = v9;
        }
        __syncthreads();
        if (thread < 8) {
            float v11 = tile0[thread];
            float v12 = tile0[thread + 8];
            v11 = v11 > v12 ? v11 : v12;
            tile0[thread] = v11;
        }
        __syncthreads();
        if (thread < 4) {
            float v13 = tile0[thread];
            float v14 = tile0[thread + 4];
            v13 = v13 > v14 ? v13 : v14;
            tile0[thread] = v13;
        }
        __syncthreads();
        if (thread < 2) {
            float v15 = tile0[thread];
            float v16 = tile0[thread + 2];
            v15 = v15 > v16 ? v15 : v16;
            tile0[thread] = v15;
        }
        __syncthreads();
        if (thread < 1) {
            float v17 = tile0[thread];
            float v18 = tile0[thread + 1];
            v17 = v17 > v18 ? v17 : v18;
            tile0[thread] = v17;
        }
        __syncthreads();
        float v19 = tile0[0];
        __syncthreads();
        #pragma unroll 2
        for (int channel4 = thread; channel4 < 3; channel4 += 256) {
            float v20 = input[channel4 * 4 + item];
            v20 = v20 - v19;
            float v23 = -88.3f;
            float v21 = v23 > v20 ? v23 : v20;
            float v24 = 88.6f;
            v21 = v24 < v21 ? v24 : v21;
            float v22 = v21 > v23 ? v21 : v23;
            float v25 = 0.5f;
            float v26 = 1.442695f;
            v22 = fmaf(v22, v26, v25);
            v22 = floorf(v22);
            float v27 = -0.6933594f;
            v21 = fmaf(v22, v27, v21);
            float v28 = 0.00021219444f;
            v21 = fmaf(v22, v28, v21);
            float v29 = v21 * v21;
            float v30 = 0.00019875691f;
            float v31 = 0.0013981999f;
            v30 = fmaf(v30, v21, v31);
            float v32 = 0.008333452f;
            v30 = fmaf(v30, v21, v32);
            float v33 = 0.041665796f;
            v30 = fmaf(v30, v21, v33);
            float v34 = 0.16666666f;
            v30 = fmaf(v30, v21, v34);
            float v35 = 0.5f;
            v30 = fmaf(v30, v21, v35);
            v30 = fmaf(v30, v29, v21);
            float v36 = 1.0f;
            v21 = v30 + v36;
            v22 = power_of_two(v22);
            v20 = v21 * v22;
            v1 = v1 + v20;
        }
        tile0[thread] = v1;
        __syncthreads();
        if (thread < 128) {
            float v37 = tile0[thread];
            float v38 = tile0[thread + 128];
            v37 = v37 + v38;
            tile0[thread] = v37;
        }
        __syncthreads();
        if (thread < 64) {
            float v39 = tile0[thread];
            float v40 = tile0[thread + 64];
            v39 = v39 + v40;
            tile0[thread] = v39;
        }
        __syncthreads();
        if (thread < 32) {
            float v41 = tile0[thread];
            float v42 = tile0[thread + 32];
            v41 = v41 + v42;
            tile0[thread] = v41;
        }
        __syncthreads();
        if (thread < 16) {
            float v43 = tile0[thread];
            float v44 = tile0[thread + 16];
            v43 = v43 + v44;
            tile0[thread] = v43;
        }
        __syncthreads();
        if (thread < 8) {
            float v45 = tile0[thread];
            float v46 = tile0[thread + 8];
            v45 = v45 + v46;
            tile0[thread] = v45;
        }
        __syncthreads();
        if (thread < 4) {
            float v47 = tile0[thread];
            float v48 = tile0[thread + 4];
            v47 = v47 + v48;
            tile0[thread] = v47;
        }
        __syncthreads();
        if (thread < 2) {
            float v49 = tile0[thread];
            float v50 = tile0[thread + 2];
            v49 = v49 + v50;
            tile0[thread] = v49;
        }
        __syncthreads();
        if (thread < 1) {
            float v51 = tile0[thread];
            float v52 = tile0[thread + 1];
            v51 = v51 + v52;
            tile0[thread] = v51;
        }
        __syncthreads();
        float v53 = tile0[0];
        #pragma unroll 2
        for (int channel5 = thread; channel5 < 3; channel5 += 256) {
            float v54 = input[channel5 * 4 + item];
            v54 = v54 - v19;
            float v57 = -88.3f;
            float v55 = v57 > v54 ? v57 : v54;
            float v58 = 88.6f;
            v55 = v58 < v55 ? v58 : v55;
            float v56 = v55 > v57 ? v55 : v57;
            float v59 = 0.5f;
            float v60 = 1.442695f;
            v56 = fmaf(v56, v60, v59);
            v56 = floorf(v56);
            float v61 = -0.6933594f;
            v55 = fmaf(v56, v61, v55);
            float v62 = 0.00021219444f;
            v55 = fmaf(v56, v62, v55);
            float v63 = v55 * v55;
            float v64 = 0.00019875691f;
            float v65 = 0.0013981999f;
            v64 = fmaf(v64, v55, v65);
            float v66 = 0.008333452f;
            v64 = fmaf(v64, v55, v66);
            float v67 = 0.041665796f;
            v64 = fmaf(v64, v55, v67);
            float v68 = 0.16666666f;
            v64 = fmaf(v64, v55, v68);
            float v69 = 0.5f;
            v64 = fmaf(v64, v55, v69);
            v64 = fmaf(v64, v63, v55);
            float v70 = 1.0f;
            v55 = v64 + v70;
            v56 = power_of_two(v56);
            v54 = v55 * v56;
            v54 = v54 / v53;
            output[channel5 + item * 3] = v54;
        }
        if (item < 1 - (int)gridDim.x)
            __syncthreads();
    }
}

struct Pointers {
    const float *weights;
    float *workspace;
    const float *input0;
    float *output0;
    unsigned *arrived; /* blocks, at the barrier behind each phase */
#ifdef TINY_CUDA_STAMPS
    unsigned long long *stamps; /* [phase][begin, end][block] */
    unsigned stamp_blocks;
#endif
};

/* A pointer of which the compiler knows nothing: it would compute the addresses of all phases
 * ahead. */
template <typename T> static __device__ __forceinline__ T *opaque(T *pointer)
{
    asm volatile("" : "+l"(pointer));
    return pointer;
}

/* What this block wrote before is seen by who reads the sum, or a later one, by load_acquire. */
static __device__ void add_release(unsigned *sum, unsigned value)
{
    asm volatile("red.release.gpu.add.u32 [%0], %1;" : : "l"(sum), "r"(value) : "memory");
}

static __device__ unsigned load_acquire(const unsigned *sum)
{
    unsigned value;
    asm volatile("ld.acquire.gpu.u32 %0, [%1];" : "=r"(value) : "l"(sum) : "memory");
    return value;
}

/* Between two phases, the first of which has `before` items and the next `after`: the blocks that
 * have worked arrive, and those that will work wait until all of them have. */
static __device__ __noinline__ void grid_barrier(unsigned *arrived, unsigned before, unsigned after)
{
    const unsigned all = before < gridDim.x ? before : gridDim.x;
    if (blockIdx.x >= all && blockIdx.x >= after)
        return;
    __syncthreads();
    if (threadIdx.x == 0) {
        if (blockIdx.x < all)
            add_release(arrived, 1u);
        while (blockIdx.x < after && load_acquire(arrived) < all)
            __nanosleep(20);
    }
    __syncthreads();
}

/* Behind the last phase, of so many items: who comes last sets all counters back for the next run. */
static __device__ __noinline__ void grid_end(unsigned *arrived, int phases, unsigned items)
{
    const unsigned all = items < gridDim.x ? items : gridDim.x;
    if (threadIdx.x != 0 || blockIdx.x >= all || atomicAdd(&arrived[phases - 1], 1u) + 1 < all)
        return;
    for (int phase = 0; phase < phases; phase++)
        atomicExch(&arrived[phase], 0u);
}

#ifdef TINY_CUDA_STAMPS
/* When this block, one of so many that have work, begins (2 * phase) and ends (2 * phase + 1). */
static __device__ void stamp(const struct Pointers &p, int number, unsigned items)
{
    unsigned long long now;
    __syncthreads();
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    if (threadIdx.x == 0 && blockIdx.x < items)
        p.stamps[number * p.stamp_blocks + blockIdx.x] = now;
}
#define STAMP(number, items) stamp(p, number, items)
#else
#define STAMP(number, items) (void)0
#endif

static __device__ __forceinline__ void phase_0(struct Pointers p)
{
    /* first: conv 3x3 3 -> 4, relu + max_pool */
    kernel_0(opaque(p.input0), opaque(p.weights), opaque(p.workspace), (const int *)(opaque(p.weights) + 112), blockIdx.x);
}

static __device__ __forceinline__ void phase_1(struct Pointers p)
{
    /* unit.0: conv 1x1 2 -> 2, relu + depthwise */
    kernel_1(opaque(p.workspace) + 64, opaque(p.weights) + 128, opaque(p.workspace) + 128, blockIdx.x);
}

static __device__ __forceinline__ void phase_2(struct Pointers p)
{
    /* unit.2: conv 1x1 2 -> 2 */
    kernel_2(opaque(p.workspace) + 128, opaque(p.weights) + 160, opaque(p.workspace) + 8, blockIdx.x);
}

static __device__ __forceinline__ void phase_3(struct Pointers p)
{
    /* global_avg_pool, 4 */
    kernel_3(opaque(p.workspace), opaque(p.workspace) + 64, blockIdx.x);
}

static __device__ __forceinline__ void phase_4(struct Pointers p)
{
    /* last: linear 1x1 4 -> 3 */
    kernel_4(opaque(p.workspace) + 64, opaque(p.weights) + 176, opaque(p.workspace), blockIdx.x);
}

static __device__ __forceinline__ void phase_5(struct Pointers p)
{
    /* softmax, 3 */
    kernel_5(opaque(p.workspace), opaque(p.output0), blockIdx.x);
}

static __device__ __noinline__ void one_phase(struct Pointers p, int phase)
{
    switch (phase) {
    case 0:
        STAMP(0, 8);
        phase_0(p);
        STAMP(1, 8);
        break;
    case 1:
        STAMP(2, 4);
        phase_1(p);
        STAMP(3, 4);
        break;
    case 2:
        STAMP(4, 2);
        phase_2(p);
        STAMP(5, 2);
        break;
    case 3:
        STAMP(6, 1);
        phase_3(p);
        STAMP(7, 1);
        break;
    case 4:
        STAMP(8, 3);
        phase_4(p);
        STAMP(9, 3);
        break;
    case 5:
        STAMP(10, 1);
        phase_5(p);
        STAMP(11, 1);
        break;
    }
}

/* All phases, which must be launched as cooperative, or only one; -1: all. */
#ifdef TINY_CUDA_ALONE /* without host functions: a loader finds it by its name */
extern "C"
#else
static
#endif
__global__ void __launch_bounds__(256, 2) tiny_cuda_network(struct Pointers p, int only)
{
    if (only >= 0) {
        one_phase(p, only);
        return;
    }
    STAMP(0, 8);
    phase_0(p);
    STAMP(1, 8);
    grid_barrier(opaque(p.arrived) + 0, 8, 4);
    STAMP(2, 4);
    phase_1(p);
    STAMP(3, 4);
    grid_barrier(opaque(p.arrived) + 1, 4, 2);
    STAMP(4, 2);
    phase_2(p);
    STAMP(5, 2);
    grid_barrier(opaque(p.arrived) + 2, 2, 1);
    STAMP(6, 1);
    phase_3(p);
    STAMP(7, 1);
    grid_barrier(opaque(p.arrived) + 3, 1, 3);
    STAMP(8, 3);
    phase_4(p);
    STAMP(9, 3);
    grid_barrier(opaque(p.arrived) + 4, 3, 1);
    STAMP(10, 1);
    phase_5(p);
    STAMP(11, 1);
    grid_end(opaque(p.arrived), 6, 1);
}

enum {
    PHASES = 6,
    THREADS = 256,
    MOST_ITEMS = 8, /* of a phase */
    COMPUTE_CAPABILITY = 80,
    SHARED_BYTES = 1024,
    BARRIER_BYTES = 256
};
static const size_t workspace_bytes = 768u;
static const size_t weight_bytes = 828u;

/* Blocks that have something to do in each phase. */
static const int phase_items[PHASES] = {8, 4, 2, 1, 3, 1};

struct tiny_cuda_model {
    int device, grid, cooperative;
    char *memory;      /* on the device: the counters of barriers, the workspace, the weights */
    cudaEvent_t done;  /* behind the last run */
    int entered;       /* by a call that has not returned */
    int error;         /* of the CUDA runtime */
#ifdef TINY_CUDA_STAMPS
    unsigned long long *stamps;
#endif
};

struct tiny_cuda_graph {
    struct tiny_cuda_model *model;
    cudaGraphExec_t executable;
};

static int failed(struct tiny_cuda_model *model, cudaError_t error, int status)
{
    if (error == cudaSuccess)
        return TINY_CUDA_OK;
    model->error = (int)error;
    return status;
}

static int find_device(struct tiny_cuda_model *model)
{
    int major = 0, minor = 0, count = 0;
    cudaError_t error = cudaGetDeviceCount(&count);
    if (error != cudaSuccess || count == 0) {
        int driver = 0; /* stays 0 where there is none: that error is the same */
        (void)cudaDriverGetVersion(&driver);
        (void)cudaGetLastError();
        return error == cudaErrorInsufficientDriver && driver > 0 ? TINY_CUDA_ERROR_OLD_DRIVER
                                                                  : TINY_CUDA_ERROR_NO_DEVICE;
    }
    error = cudaGetDevice(&model->device);
    if (error == cudaSuccess)
        error = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, model->device);
    if (error == cudaSuccess)
        error = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, model->device);
    if (error == cudaSuccess && major * 10 + minor < COMPUTE_CAPABILITY)
        return TINY_CUDA_ERROR_WRONG_DEVICE;
    return failed(model, error, TINY_CUDA_ERROR_CUDA);
}

/* How many blocks run on the device at once, or most, where that is fewer and not 0. */
static int count_blocks(struct tiny_cuda_model *model, unsigned most)
{
    int multiprocessors = 0, blocks = 0;
    cudaError_t error = cudaDeviceGetAttribute(
        &multiprocessors, cudaDevAttrMultiProcessorCount, model->device);
    if (error == cudaSuccess)
        error = cudaDeviceGetAttribute(
            &model->cooperative, cudaDevAttrCooperativeLaunch, model->device);
    if (error == cudaSuccess && SHARED_BYTES > 48 * 1024)
        error = cudaFuncSetAttribute((const void *)tiny_cuda_network,
            cudaFuncAttributeMaxDynamicSharedMemorySize, SHARED_BYTES);
    if (error == cudaSuccess)
        error = cudaOccupancyMaxActiveBlocksPerMultiprocessor(
            &blocks, (const void *)tiny_cuda_network, THREADS, SHARED_BYTES);
    model->grid = blocks * multiprocessors < MOST_ITEMS ? blocks * multiprocessors : MOST_ITEMS;
    if (most > 0 && (unsigned)model->grid > most)
        model->grid = (int)most;
    if (error == cudaSuccess && model->grid < 1)
        return TINY_CUDA_ERROR_WRONG_DEVICE;
    return failed(model, error, TINY_CUDA_ERROR_CUDA);
}

#ifdef TINY_CUDA_STAMPS
static size_t stamp_bytes(const struct tiny_cuda_model *model)
{
    return (size_t)model->grid * 2 * PHASES * sizeof(unsigned long long);
}

extern "C" int tiny_cuda_stamps(struct tiny_cuda_model *model, unsigned long long *stamps, int *blocks)
{
    if (model == NULL || blocks == NULL)
        return TINY_CUDA_ERROR_NULL_POINTER;
    *blocks = model->grid;
    if (stamps == NULL)
        return TINY_CUDA_OK;
    return failed(model,
        cudaMemcpy(stamps, model->stamps, stamp_bytes(model), cudaMemcpyDeviceToHost),
        TINY_CUDA_ERROR_CUDA);
}
#endif

static int fill_memory(struct tiny_cuda_model *model)
{
    void *memory = NULL;
    cudaError_t error = cudaMalloc(&memory, BARRIER_BYTES + workspace_bytes + weight_bytes);
    model->memory = (char *)memory;
    if (error == cudaSuccess)
        error = cudaMemset(memory, 0, BARRIER_BYTES);
    if (error == cudaSuccess)
        error = cudaMemcpy(model->memory + BARRIER_BYTES + workspace_bytes, tiny_cuda_weights,
            weight_bytes, cudaMemcpyHostToDevice);
    if (error == cudaSuccess)
        error = cudaEventCreateWithFlags(&model->done, cudaEventDisableTiming);
#ifdef TINY_CUDA_STAMPS
    if (error == cudaSuccess)
        error = cudaMalloc(&memory, stamp_bytes(model));
    if (error == cudaSuccess) {
        model->stamps = (unsigned long long *)memory;
        error = cudaMemset(memory, 0, stamp_bytes(model));
    }
#endif
    return failed(model, error,
        error == cudaErrorMemoryAllocation ? TINY_CUDA_ERROR_NO_MEMORY : TINY_CUDA_ERROR_CUDA);
}

extern "C" int tiny_cuda_create_limited(struct tiny_cuda_model **result, unsigned blocks)
{
    if (result == NULL)
        return TINY_CUDA_ERROR_NULL_POINTER;
    *result = NULL;
    struct tiny_cuda_model *model = (struct tiny_cuda_model *)calloc(1, sizeof *model);
    if (model == NULL)
        return TINY_CUDA_ERROR_NO_MEMORY;
    int status = find_device(model);
    if (status == TINY_CUDA_OK)
        status = count_blocks(model, blocks);
    if (status == TINY_CUDA_OK)
        status = fill_memory(model);
    if (status != TINY_CUDA_OK) {
        tiny_cuda_destroy(model);
        return status;
    }
    *result = model;
    return TINY_CUDA_OK;
}

extern "C" int tiny_cuda_create(struct tiny_cuda_model **result)
{
    return tiny_cuda_create_limited(result, 0);
}

extern "C" void tiny_cuda_destroy(struct tiny_cuda_model *model)
{
    if (model == NULL)
        return;
    if (model->done != NULL)
        (void)cudaEventDestroy(model->done);
#ifdef TINY_CUDA_STAMPS
    if (model->stamps != NULL)
        (void)cudaFree(model->stamps);
#endif
    if (model->memory != NULL)
        (void)cudaFree(model->memory);
    free(model);
}

extern "C" int tiny_cuda_error(const struct tiny_cuda_model *model)
{
    return model == NULL ? 0 : model->error;
}

/* ---- runs of a model share its memory: each begins when the one before has ended ---- */

/* Whether no other thread is between this and leave(). */
static int enter(struct tiny_cuda_model *model)
{
    return __atomic_exchange_n(&model->entered, 1, __ATOMIC_ACQUIRE) == 0;
}

static void leave(struct tiny_cuda_model *model)
{
    __atomic_store_n(&model->entered, 0, __ATOMIC_RELEASE);
}

/* What comes next on the stream waits for the run before, unless the stream records a graph: nobody
 * knows when that will run. */
static cudaError_t wait_for_last(struct tiny_cuda_model *model, cudaStream_t stream, int *waits)
{
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    cudaError_t error = cudaStreamIsCapturing(stream, &status);
    *waits = status == cudaStreamCaptureStatusNone;
    if (error == cudaSuccess && *waits)
        error = cudaStreamWaitEvent(stream, model->done, 0);
    return error;
}

/* One launch of all phases; or one of each, where blocks cannot wait for each other, since the device
 * has no such launches, or not all of them have room at once (a share of the device, as by MPS). */
static cudaError_t launch(const struct tiny_cuda_model *model, struct Pointers p, cudaStream_t stream)
{
    int only = -1;
    void *arguments[] = {&p, &only};
    if (model->cooperative) {
        cudaError_t error = cudaLaunchCooperativeKernel((const void *)tiny_cuda_network,
            dim3(model->grid), dim3(THREADS), arguments, SHARED_BYTES, stream);
        if (error != cudaErrorCooperativeLaunchTooLarge)
            return error;
        (void)cudaGetLastError();
    }
    for (only = 0; only < PHASES; only++) {
        int blocks = phase_items[only] < model->grid ? phase_items[only] : model->grid;
        cudaError_t error = cudaLaunchKernel((const void *)tiny_cuda_network, dim3(blocks), dim3(THREADS),
            arguments, SHARED_BYTES, stream);
        if (error != cudaSuccess)
            return error;
    }
    return cudaSuccess;
}

#ifdef TINY_CUDA_NVTX
#define RANGE_BEGIN(name) (void)nvtxRangePushA(name)
#define RANGE_END() (void)nvtxRangePop()
#else
#define RANGE_BEGIN(name) (void)0
#define RANGE_END() (void)0
#endif

static cudaError_t first_error(cudaError_t first, cudaError_t second)
{
    return first != cudaSuccess ? first : second;
}

static int start(struct tiny_cuda_model *model, struct Pointers p, cudaStream_t stream)
{
    int waits = 0;
    if (!enter(model))
        return TINY_CUDA_ERROR_BUSY;
    RANGE_BEGIN("tiny_cuda_run");
    cudaError_t error = wait_for_last(model, stream, &waits);
    if (error == cudaSuccess)
        error = launch(model, p, stream);
    if (waits) /* also behind what was launched before an error */
        error = first_error(error, cudaEventRecord(model->done, stream));
    int status = failed(model, error, TINY_CUDA_ERROR_CUDA);
    RANGE_END();
    leave(model);
    return status;
}

extern "C" int tiny_cuda_run(
    struct tiny_cuda_model *model, const float *input, float *output, void *stream)
{
    if (model == NULL || input == NULL || output == NULL)
        return TINY_CUDA_ERROR_NULL_POINTER;
    int device = -1;
    cudaError_t error = cudaGetDevice(&device);
    if (error != cudaSuccess)
        return failed(model, error, TINY_CUDA_ERROR_CUDA);
    if (device != model->device)
        return TINY_CUDA_ERROR_WRONG_DEVICE;
    struct Pointers p;
    p.arrived = (unsigned *)model->memory;
    p.workspace = (float *)(model->memory + BARRIER_BYTES);
    p.weights = (const float *)(model->memory + BARRIER_BYTES + workspace_bytes);
#ifdef TINY_CUDA_STAMPS
    p.stamps = model->stamps;
    p.stamp_blocks = (unsigned)model->grid;
#endif
    p.input0 = input;
    p.output0 = output;
    return start(model, p, (cudaStream_t)stream);
}

extern "C" int tiny_cuda_capture(
    struct tiny_cuda_model *model, const float *input, float *output,
    struct tiny_cuda_graph **result)
{
    if (result != NULL)
        *result = NULL;
    if (model == NULL || result == NULL)
        return TINY_CUDA_ERROR_NULL_POINTER;
    struct tiny_cuda_graph *graph = (struct tiny_cuda_graph *)calloc(1, sizeof *graph);
    if (graph == NULL)
        return TINY_CUDA_ERROR_NO_MEMORY;
    cudaStream_t stream = NULL;
    cudaGraph_t captured = NULL;
    int status = failed(model,
        cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), TINY_CUDA_ERROR_CUDA);
    if (status == TINY_CUDA_OK)
        status = failed(model,
            cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), TINY_CUDA_ERROR_CUDA);
    if (status == TINY_CUDA_OK) {
        status = tiny_cuda_run(model, input, output, stream);
        int ended = failed(model, cudaStreamEndCapture(stream, &captured), TINY_CUDA_ERROR_CUDA);
        status = status == TINY_CUDA_OK ? ended : status;
    }
    graph->model = model;
    if (status == TINY_CUDA_OK)
        status = failed(model,
            cudaGraphInstantiateWithFlags(&graph->executable, captured, 0),
            TINY_CUDA_ERROR_CUDA);
    if (captured != NULL)
        (void)cudaGraphDestroy(captured);
    if (stream != NULL)
        (void)cudaStreamDestroy(stream);
    if (status != TINY_CUDA_OK) {
        free(graph);
        return status;
    }
    *result = graph;
    return TINY_CUDA_OK;
}

extern "C" int tiny_cuda_graph_launch(struct tiny_cuda_graph *graph, void *stream)
{
    if (graph == NULL)
        return TINY_CUDA_ERROR_NULL_POINTER;
    struct tiny_cuda_model *model = graph->model;
    int waits = 0;
    if (!enter(model))
        return TINY_CUDA_ERROR_BUSY;
    RANGE_BEGIN("tiny_cuda_graph_launch");
    cudaError_t error = wait_for_last(model, (cudaStream_t)stream, &waits);
    if (error == cudaSuccess)
        error = cudaGraphLaunch(graph->executable, (cudaStream_t)stream);
    if (error == cudaSuccess && waits)
        error = cudaEventRecord(model->done, (cudaStream_t)stream);
    int status = failed(model, error, TINY_CUDA_ERROR_CUDA);
    RANGE_END();
    leave(model);
    return status;
}

extern "C" void tiny_cuda_graph_destroy(struct tiny_cuda_graph *graph)
{
    if (graph == NULL)
        return;
    (void)cudaGraphExecDestroy(graph->executable);
    free(graph);
}
