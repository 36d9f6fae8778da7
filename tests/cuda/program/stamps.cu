/* Of a run, when blocks begin and end each phase: no block begins one before all have ended that
 * before. Compiled with NETWORK_CUDA_STAMPS, over the stand-in. */
#include "model.h"

#include "control.h"

static unsigned long long *stamps;
static int blocks;

static unsigned long long stamp(int phase, int end, int block) {
    return stamps[(2 * phase + end) * blocks + block];
}

/* Blocks that have work in the phase; ends the program where one has only one of its stamps, or
 * ends before it begins. */
static int phase_blocks(int phase, unsigned long long *first, unsigned long long *last) {
    int working = 0;
    *first = ~0ULL;
    *last = 0;
    for (int block = 0; block < blocks; block++) {
        const unsigned long long begin = stamp(phase, 0, block), end = stamp(phase, 1, block);
        if (begin == 0 && end == 0)
            continue;
        if (begin == 0 || end <= begin) {
            fprintf(stderr, "phase %d, block %d: %llu to %llu\n", phase, block, begin, end);
            exit(4);
        }
        *first = begin < *first ? begin : *first;
        *last = end > *last ? end : *last;
        working++;
    }
    return working;
}

static void check(struct network_cuda_model *model) {
    unsigned long long before = 0, first = 0, last = 0;
    if (network_cuda_stamps(model, NULL, NULL) != NETWORK_CUDA_ERROR_NULL_POINTER)
        exit(5);
    MUST(network_cuda_stamps(model, NULL, &blocks));
    stamps = (unsigned long long *)calloc((size_t)blocks * 2 * NETWORK_CUDA_PHASES, sizeof *stamps);
    MUST(network_cuda_stamps(model, stamps, &blocks));
    for (int phase = 0; phase < NETWORK_CUDA_PHASES; phase++) {
        const int working = phase_blocks(phase, &first, &last);
        if (working == 0 || first <= before) {
            fprintf(stderr, "phase %d: %d blocks begin at %llu, those before ended at %llu\n",
                phase, working, first, before);
            exit(4);
        }
        before = last;
    }
    free(stamps);
}

int main(void) {
    static const int cooperative[] = {1, 0};
    struct tensors inputs = tensors_read(INPUTS, INPUT_COUNT, "input");
    struct tensors outputs = tensors_read(OUTPUTS, OUTPUT_COUNT, "output");
    tensors_upload(&inputs);
    for (int i = 0; i < 2; i++) {
        struct shim_device device = shim_default_device();
        struct network_cuda_model *model = NULL;
        device.cooperative = cooperative[i];
        shim_set_device(device);
        MUST(network_cuda_create(&model));
        MUST(run_network(model, inputs.device, outputs.device, NULL));
        MUST(cudaDeviceSynchronize());
        if (!(tensors_error(&outputs) < 1e-4))
            exit(6);
        check(model);
        network_cuda_destroy(model);
    }
    tensors_free(&inputs);
    tensors_free(&outputs);
    if (shim_objects() != 0)
        exit(7);
    printf("%d phases\n", NETWORK_CUDA_PHASES);
    return 0;
}
