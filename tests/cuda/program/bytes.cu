/* A network of one picture of bytes, image, whose rows lie apart in several ways; ROWS of ROW bytes
 * in all. Prints the largest error of all outputs over the largest number; all ways give the same
 * bits. */
#include "control.h"
#include "network.h"

#include <cuda_runtime.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(call) must((int)(call), #call, __LINE__)

static void must(int error, const char *call, int line) {
    if (error == 0)
        return;
    fprintf(stderr, "line %d: %s gives %d\n", line, call, error);
    exit(3);
}

enum { OUTPUTS = NETWORK_CUDA_OUTPUT_Y_ELEMENTS };
static unsigned char pixels[ROWS * ROW];
static float expected[OUTPUTS], first[OUTPUTS], got[OUTPUTS];

static void read_file(const char *path, void *memory, size_t bytes) {
    FILE *file = fopen(path, "rb");
    must(file == NULL || fread(memory, 1, bytes, file) != bytes, path, __LINE__);
    fclose(file);
}

/* The picture on the device: no byte of a gap is 0, and none follows the last pixel. */
static unsigned char *upload(size_t apart) {
    const size_t bytes = (ROWS - 1) * apart + ROW;
    unsigned char *host = (unsigned char *)malloc(bytes), *device = NULL;
    memset(host, 0xa5, bytes);
    for (size_t row = 0; row < ROWS; row++)
        memcpy(host + row * apart, pixels + row * ROW, ROW);
    MUST(cudaMalloc(&device, bytes));
    MUST(cudaMemcpy(device, host, bytes, cudaMemcpyHostToDevice));
    free(host);
    return device;
}

static double error_of(void) {
    double error = 0, largest = 0;
    for (int i = 0; i < OUTPUTS; i++) {
        error = fmax(error, isnan(got[i]) ? INFINITY : fabs((double)got[i] - expected[i]));
        largest = fmax(largest, fabs((double)expected[i]));
    }
    return error / largest;
}

static void run(struct network_cuda_model *model, float *y, int row_bytes, bool captured) {
    const struct network_cuda_outputs outputs = {y};
    unsigned char *image = upload(row_bytes == 0 ? ROW : (size_t)row_bytes);
    const struct network_cuda_inputs inputs = {image, {row_bytes}};
    struct network_cuda_graph *graph = NULL;
    MUST(cudaMemset(y, 0xff, sizeof got));
    if (captured) {
        MUST(network_cuda_capture(model, &inputs, &outputs, &graph));
        MUST(network_cuda_graph_launch(graph, NULL));
    } else {
        MUST(network_cuda_run(model, &inputs, &outputs, NULL));
    }
    MUST(cudaDeviceSynchronize());
    MUST(cudaMemcpy(got, y, sizeof got, cudaMemcpyDeviceToHost));
    network_cuda_graph_destroy(graph);
    MUST(cudaFree(image));
}

static void check_refused(struct network_cuda_model *model, float *y) {
    const int wrong[] = {ROW - 1, -1, -ROW, -2147483647 - 1, 2147483647};
    const struct network_cuda_outputs outputs = {y};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct network_cuda_inputs inputs = {pixels, {wrong[i]}};
        const int status = network_cuda_run(model, &inputs, &outputs, NULL);
        must(wrong[i] != 0 && status != NETWORK_CUDA_ERROR_ROW_BYTES, "a wrong distance", __LINE__);
    }
    const struct network_cuda_inputs none = {NULL, {0}};
    must(network_cuda_run(model, &none, &outputs, NULL) != NETWORK_CUDA_ERROR_NULL_POINTER,
        "a null pointer", __LINE__);
}

int main(void) {
    const int distances[] = {0, ROW, ROW + 1, ROW + 64, 3 * ROW + 2};
    struct network_cuda_model *model = NULL;
    float *y = NULL;
    double worst = 0;
    read_file("pixels", pixels, sizeof pixels);
    read_file("y", expected, sizeof expected);
    MUST(network_cuda_create(&model));
    MUST(cudaMalloc(&y, sizeof got));
    for (size_t i = 0; i < sizeof distances / sizeof *distances; i++) {
        shim_set_order(i % 2 == 0 ? SHIM_FORWARD : SHIM_BACKWARD);
        run(model, y, distances[i], i == 2);
        worst = fmax(worst, error_of());
        if (i == 0)
            memcpy(first, got, sizeof got);
        must(memcmp(first, got, sizeof got) != 0, "other bits", __LINE__);
    }
    check_refused(model, y);
    network_cuda_destroy(model);
    MUST(cudaFree(y));
    must(shim_objects() != 0, "objects remain", __LINE__);
    printf("%g\n", worst);
    return shim_races() == 0 ? 0 : 5;
}
