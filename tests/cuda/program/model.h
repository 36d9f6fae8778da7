/* A generated model as the programs of this folder use it: tensors.h, which model.py writes, names
 * its tensors and calls its functions; all models are called `network`. */
#ifndef RIFFLE_CUDA_MODEL_H
#define RIFFLE_CUDA_MODEL_H

#include <cuda_runtime.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tensor {
    const char *name;
    long elements;
};

/* clang-format off: tensors.h needs the struct */
#include "network.h"
#include "tensors.h"
/* clang-format on */

enum { MOST_TENSORS = 64 };

struct tensors {
    int count;
    const struct tensor *kinds;
    float *host[MOST_TENSORS], *device[MOST_TENSORS];
};

#define MUST(call) must((int)(call), #call, __LINE__)

static void must(int error, const char *call, int line) {
    if (error == 0)
        return;
    fprintf(stderr, "line %d: %s gives %d: %s\n", line, call, error,
        cudaGetErrorString((cudaError_t)error));
    exit(3);
}

static void read_floats(const char *stem, int index, float *numbers, long count) {
    char path[64];
    snprintf(path, sizeof path, "%s%d.f32", stem, index);
    FILE *file = fopen(path, "rb");
    if (file == NULL || fread(numbers, sizeof(float), (size_t)count, file) != (size_t)count) {
        fprintf(stderr, "%s is missing or too short\n", path);
        exit(3);
    }
    fclose(file);
}

/* The numbers on the host come from files STEM0.f32, STEM1.f32 ...; those on the device are not
 * set. */
static struct tensors tensors_read(const struct tensor *kinds, int count, const char *stem) {
    struct tensors tensors = {count, kinds, {NULL}, {NULL}};
    if (count > MOST_TENSORS) {
        fprintf(stderr, "%d tensors, more than %d\n", count, MOST_TENSORS);
        exit(3);
    }
    for (int i = 0; i < count; i++) {
        const size_t bytes = (size_t)kinds[i].elements * sizeof(float);
        tensors.host[i] = (float *)malloc(bytes);
        read_floats(stem, i, tensors.host[i], kinds[i].elements);
        MUST(cudaMalloc(&tensors.device[i], bytes));
    }
    return tensors;
}

static void tensors_free(struct tensors *tensors) {
    for (int i = 0; i < tensors->count; i++) {
        free(tensors->host[i]);
        MUST(cudaFree(tensors->device[i]));
    }
}

static void tensors_upload(const struct tensors *tensors) {
    for (int i = 0; i < tensors->count; i++)
        MUST(cudaMemcpy(tensors->device[i], tensors->host[i],
            (size_t)tensors->kinds[i].elements * sizeof(float), cudaMemcpyHostToDevice));
}

/* Makes what is on the device NaN: what is not written then shows. */
static void tensors_poison(const struct tensors *tensors) {
    for (int i = 0; i < tensors->count; i++)
        MUST(cudaMemset(
            tensors->device[i], 0xff, (size_t)tensors->kinds[i].elements * sizeof(float)));
}

/* The largest difference to the numbers on the host, over the largest of those; infinite for a NaN,
 * and where all that are numbers are 0. */
/* NaN agrees with NaN, an infinity with itself. */
static int both_alike(float a, float b) {
    return a == b || (isnan(a) && isnan(b));
}

static double tensors_error(const struct tensors *tensors) {
    double worst = 0;
    for (int i = 0; i < tensors->count; i++) {
        const long count = tensors->kinds[i].elements;
        float *got = (float *)malloc((size_t)count * sizeof(float));
        MUST(cudaMemcpy(
            got, tensors->device[i], (size_t)count * sizeof(float), cudaMemcpyDeviceToHost));
        double largest = 0, error = 0;
        long numbers = 0; /* others are NaN and infinities */
        for (long k = 0; k < count; k++) {
            const float expected = tensors->host[i][k];
            const double difference =
                both_alike(got[k], expected) ? 0 : fabs((double)got[k] - expected);
            numbers += isfinite(expected);
            if (isfinite(expected))
                largest = fmax(largest, fabs(expected));
            if (!(difference <= error))
                error = difference >= 0 ? difference : INFINITY;
        }
        free(got);
        if (numbers > 0)
            error = largest > 0 ? error / largest : INFINITY;
        worst = error > worst ? error : worst;
    }
    return worst;
}

#endif
