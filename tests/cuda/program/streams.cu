/* One model on several streams, by several threads, and beside other work on the device. */
#include "model.h"

#include "control.h"

#define CHECK(condition) check(condition, #condition, __LINE__)

static void check(bool good, const char *condition, int line) {
    if (good)
        return;
    fprintf(stderr, "line %d: %s does not hold\n", line, condition);
    exit(4);
}

static struct network_cuda_model *model;
static struct tensors inputs, outputs;
static float *zeros[MOST_TENSORS];

static void make_zeros(void) {
    for (int i = 0; i < INPUT_COUNT; i++) {
        const size_t bytes = (size_t)INPUTS[i].elements * sizeof(float);
        MUST(cudaMalloc(&zeros[i], bytes));
        MUST(cudaMemset(zeros[i], 0, bytes));
    }
}

static bool outputs_are_right(void) {
    MUST(cudaDeviceSynchronize());
    return tensors_error(&outputs) < 1e-4;
}

/* Of two runs with the same outputs, those of the second must stay: the stand-in does first what is
 * on the stream that was made last. */
static void check_order(void) {
    cudaStream_t first, second, streams[3];
    struct network_cuda_graph *graph = NULL;
    MUST(cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking));
    MUST(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking));
    MUST(capture_network(model, inputs.device, outputs.device, &graph));
    streams[0] = NULL;
    streams[1] = first;
    streams[2] = second;
    shim_defer(1);
    for (int before = 0; before < 3; before++)
        for (int after = 0; after < 3; after++)
            for (int by_graph = 0; by_graph < 2; by_graph++) {
                tensors_poison(&outputs);
                MUST(run_network(model, zeros, outputs.device, streams[before]));
                if (by_graph)
                    MUST(network_cuda_graph_launch(graph, streams[after]));
                else
                    MUST(run_network(model, inputs.device, outputs.device, streams[after]));
                CHECK(outputs_are_right());
            }
    MUST(network_cuda_graph_launch(graph, first));
    MUST(run_network(model, zeros, outputs.device, second));
    CHECK(!outputs_are_right());
    shim_defer(0);
    network_cuda_graph_destroy(graph);
    MUST(cudaStreamDestroy(first));
    MUST(cudaStreamDestroy(second));
}

static int run_status, launch_status;
static struct network_cuda_graph *other_graph;

static void run_within(void) {
    run_status = run_network(model, inputs.device, outputs.device, NULL);
    launch_status = network_cuda_graph_launch(other_graph, NULL);
}

/* The first call of the runtime that run makes comes before it says that it works on the model. */
static void check_threads(void) {
    MUST(capture_network(model, inputs.device, outputs.device, &other_graph));
    tensors_poison(&outputs);
    run_status = launch_status = -1;
    shim_within_next_call(run_within);
    MUST(network_cuda_graph_launch(other_graph, NULL));
    CHECK(run_status == NETWORK_CUDA_ERROR_BUSY && launch_status == NETWORK_CUDA_ERROR_BUSY);
    CHECK(outputs_are_right());
    MUST(run_network(model, inputs.device, outputs.device, NULL));
    network_cuda_graph_destroy(other_graph);
}

/* Where others have taken some of the device, its blocks cannot all wait for each other. */
static void check_too_large(void) {
    struct shim_device device = shim_default_device();
    long launches = shim_launches();
    device.taken = 1;
    shim_set_device(device);
    tensors_poison(&outputs);
    MUST(run_network(model, inputs.device, outputs.device, NULL));
    CHECK(outputs_are_right() && shim_launches() - launches > 1);
    CHECK(cudaGetLastError() == cudaSuccess);
    shim_set_device(shim_default_device());
    launches = shim_launches();
    MUST(run_network(model, inputs.device, outputs.device, NULL));
    CHECK(shim_launches() - launches == 1);
}

static void check_limit(void) {
    for (int cooperative = 0; cooperative < 2; cooperative++)
        for (unsigned blocks = 0; blocks < 4; blocks++) {
            struct shim_device device = shim_default_device();
            struct network_cuda_model *limited = NULL;
            device.cooperative = cooperative;
            shim_set_device(device);
            MUST(network_cuda_create_limited(&limited, blocks));
            tensors_poison(&outputs);
            MUST(run_network(limited, inputs.device, outputs.device, NULL));
            CHECK(outputs_are_right());
            CHECK(!cooperative || shim_last_blocks() == (blocks == 1 ? 1u : 2u));
            CHECK(shim_last_blocks() <= 2u && (blocks != 1 || shim_last_blocks() == 1u));
            network_cuda_destroy(limited);
        }
    shim_set_device(shim_default_device());
    CHECK(network_cuda_create_limited(NULL, 1) == NETWORK_CUDA_ERROR_NULL_POINTER);
}

int main(void) {
    inputs = tensors_read(INPUTS, INPUT_COUNT, "input");
    outputs = tensors_read(OUTPUTS, OUTPUT_COUNT, "output");
    MUST(network_cuda_create(&model));
    tensors_upload(&inputs);
    make_zeros();
    check_order();
    check_threads();
    check_too_large();
    check_limit();
    for (int i = 0; i < INPUT_COUNT; i++)
        MUST(cudaFree(zeros[i]));
    network_cuda_destroy(model);
    tensors_free(&inputs);
    tensors_free(&outputs);
    CHECK(shim_objects() == 0);
    printf("in order\n");
    return 0;
}
