/* What a model says of wrong arguments and of a runtime that fails: every call of it, one after the
 * other. Nothing may remain allocated. */
#include "model.h"

#include "control.h"

#define CHECK(condition) check(condition, #condition, __LINE__)

static void check(bool good, const char *condition, int line) {
    if (good)
        return;
    fprintf(stderr, "line %d: %s does not hold\n", line, condition);
    exit(4);
}

static bool known(int status) {
    return status > 0 && strcmp(network_cuda_status_text(status), "unknown status") != 0;
}

static void check_null_pointers(
    struct network_cuda_model *model, const struct tensors *inputs, const struct tensors *outputs) {
    float *none[MOST_TENSORS] = {NULL};
    struct network_cuda_graph *graph = (struct network_cuda_graph *)&none;
    const int null = NETWORK_CUDA_ERROR_NULL_POINTER;
    CHECK(network_cuda_create(NULL) == null);
    CHECK(run_network(NULL, inputs->device, outputs->device, NULL) == null);
    CHECK(run_network(model, none, outputs->device, NULL) == null);
    CHECK(run_network(model, inputs->device, none, NULL) == null);
    CHECK(capture_network(model, inputs->device, outputs->device, NULL) == null);
    CHECK(capture_network(NULL, inputs->device, outputs->device, &graph) == null && graph == NULL);
    CHECK(capture_network(model, none, outputs->device, &graph) == null && graph == NULL);
    CHECK(network_cuda_graph_launch(NULL, NULL) == null);
    network_cuda_graph_destroy(NULL);
    network_cuda_destroy(NULL);
}

static void check_devices(void) {
    struct network_cuda_model *model = (struct network_cuda_model *)&model;
    struct shim_device device = shim_default_device();
    device.count = 0;
    shim_set_device(device);
    CHECK(network_cuda_create(&model) == NETWORK_CUDA_ERROR_NO_DEVICE && model == NULL);
    device.driver = 0;
    shim_set_device(device);
    CHECK(network_cuda_create(&model) == NETWORK_CUDA_ERROR_NO_DEVICE && model == NULL);
    device.driver = 11000;
    shim_set_device(device);
    CHECK(network_cuda_create(&model) == NETWORK_CUDA_ERROR_OLD_DRIVER && model == NULL);
    device = shim_default_device();
    device.major = 5;
    shim_set_device(device);
    CHECK(network_cuda_create(&model) == NETWORK_CUDA_ERROR_WRONG_DEVICE && model == NULL);
    shim_set_device(shim_default_device());
    CHECK(shim_objects() == 0);
}

/* Fails each call that creating the model makes. Returns how many there are. */
static long check_create(void) {
    for (long call = 1;; call++) {
        struct network_cuda_model *model = (struct network_cuda_model *)&model;
        shim_fail_call(call);
        const int status = network_cuda_create(&model);
        if (shim_calls() < call) {
            CHECK(status == NETWORK_CUDA_OK);
            shim_fail_call(0);
            network_cuda_destroy(model);
            CHECK(shim_objects() == 0);
            return call - 1;
        }
        CHECK(known(status) && model == NULL && shim_objects() == 0);
    }
}

/* The same for a run, a capture and a launch of the graph; the model can still be used. */
static long check_work(
    struct network_cuda_model *model, const struct tensors *inputs, const struct tensors *outputs) {
    const long objects = shim_objects();
    long calls = 0;
    for (int what = 0; what < 2; what++)
        for (long call = 1;; call++) {
            struct network_cuda_graph *graph = NULL;
            shim_fail_call(call);
            int status = what == 0
                             ? run_network(model, inputs->device, outputs->device, NULL)
                             : capture_network(model, inputs->device, outputs->device, &graph);
            CHECK(what == 0 || (status == 0) == (graph != NULL));
            if (graph != NULL)
                status = network_cuda_graph_launch(graph, NULL);
            const bool failed = shim_calls() >= call;
            shim_fail_call(0);
            CHECK(failed ? known(status) : status == NETWORK_CUDA_OK);
            CHECK(!failed || network_cuda_error(model) != 0);
            network_cuda_graph_destroy(graph);
            CHECK(shim_objects() == objects);
            cudaGetLastError();
            if (!failed)
                break;
            calls++;
        }
    return calls;
}

int main(void) {
    check_devices();
    const long in_create = check_create();
    struct network_cuda_model *model = NULL;
    struct tensors inputs = tensors_read(INPUTS, INPUT_COUNT, "input");
    struct tensors outputs = tensors_read(OUTPUTS, OUTPUT_COUNT, "output");
    MUST(network_cuda_create(&model));
    tensors_upload(&inputs);
    check_null_pointers(model, &inputs, &outputs);
    const long in_work = check_work(model, &inputs, &outputs);
    tensors_poison(&outputs);
    MUST(run_network(model, inputs.device, outputs.device, NULL));
    CHECK(tensors_error(&outputs) < 1e-4);
    network_cuda_destroy(model);
    tensors_free(&inputs);
    tensors_free(&outputs);
    CHECK(shim_objects() == 0);
    printf("%ld calls of create, %ld of run and graphs\n", in_create, in_work);
    return 0;
}
