/* Runs a model on files of inputs and compares with files of outputs, in the orders of threads that
 * the stand-in knows; or leaves out one barrier after the other. */
#include "model.h"

#include "control.h"

#include <sys/wait.h>
#include <unistd.h>

static const int ORDERS[] = {SHIM_FORWARD, SHIM_BACKWARD, 7};
enum { ORDER_COUNT = 3, MANY_BLOCKS = 7, NOT_FOUND = 0, FOUND = 1, NOT_REACHED = 2 };

struct fixture {
    struct network_cuda_model *model;
    struct tensors inputs, outputs;
};

static struct fixture fixture_make(void) {
    struct fixture fixture = {NULL, tensors_read(INPUTS, INPUT_COUNT, "input"),
        tensors_read(OUTPUTS, OUTPUT_COUNT, "output")};
    MUST(network_cuda_create(&fixture.model));
    tensors_upload(&fixture.inputs);
    return fixture;
}

static void fixture_free(struct fixture *fixture) {
    network_cuda_destroy(fixture->model);
    tensors_free(&fixture->inputs);
    tensors_free(&fixture->outputs);
    if (shim_objects() != 0) {
        fprintf(stderr, "%ld objects of the device remain\n", shim_objects());
        exit(4);
    }
}

static double run_once(struct fixture *fixture, int order) {
    shim_set_order(order);
    tensors_poison(&fixture->outputs);
    MUST(run_network(fixture->model, fixture->inputs.device, fixture->outputs.device, NULL));
    MUST(cudaGetLastError());
    MUST(cudaDeviceSynchronize());
    return tensors_error(&fixture->outputs);
}

/* The same through a graph, launched twice. */
static double run_graph(struct fixture *fixture) {
    struct network_cuda_graph *graph = NULL;
    cudaStream_t stream;
    double worst = 0;
    shim_set_order(SHIM_FORWARD);
    MUST(cudaStreamCreate(&stream));
    MUST(capture_network(fixture->model, fixture->inputs.device, fixture->outputs.device, &graph));
    for (int i = 0; i < 2; i++) {
        tensors_poison(&fixture->outputs);
        MUST(network_cuda_graph_launch(graph, stream));
        MUST(cudaStreamSynchronize(stream));
        worst = fmax(worst, tensors_error(&fixture->outputs));
    }
    network_cuda_graph_destroy(graph);
    MUST(cudaStreamDestroy(stream));
    return worst;
}

/* On a device with more blocks than most phases have work for; twice, since the first run leaves
 * the counter of the barrier behind. */
static double run_on(struct shim_device device, int order) {
    shim_set_device(device);
    struct fixture fixture = fixture_make();
    const double first = run_once(&fixture, order), error = fmax(first, run_once(&fixture, order));
    fixture_free(&fixture);
    shim_set_device(shim_default_device());
    return error;
}

/* Prints the errors: in each order, through a graph, on a device without cooperative launches, and
 * on one with many blocks. */
static int compare(void) {
    struct fixture fixture = fixture_make();
    for (int i = 0; i < ORDER_COUNT; i++)
        printf("%g ", run_once(&fixture, ORDERS[i]));
    printf("%g ", run_graph(&fixture));
    fixture_free(&fixture);
    struct shim_device device = shim_default_device();
    device.cooperative = 0;
    printf("%g ", run_on(device, SHIM_BACKWARD));
    device = shim_default_device();
    device.multiprocessors = MANY_BLOCKS;
    printf("%g\n", run_on(device, 7));
    fprintf(stderr, "races %ld\n", shim_races());
    return shim_races() == 0 ? 0 : 5;
}

/* In a process of its own: a missing barrier may also end in a crash. */
static int try_without(struct fixture *fixture, int line, double tolerance) {
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(NOT_FOUND);
        shim_leave_out(line);
        bool found = false;
        for (int i = 0; i < ORDER_COUNT && !found; i++)
            found = !(run_once(fixture, ORDERS[i]) <= tolerance) || shim_races() > 0;
        _exit(shim_left_out() == 0 ? NOT_REACHED : found ? FOUND : NOT_FOUND);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) <= NOT_REACHED ? WEXITSTATUS(status) : FOUND;
}

static int mutate(int count, char **words) {
    static const char *const results[] = {"not found", "found", "not reached"};
    const double tolerance = atof(words[0]);
    struct fixture fixture = fixture_make();
    if (!(run_once(&fixture, SHIM_FORWARD) <= tolerance) || shim_races() > 0) {
        fprintf(stderr, "wrong with all its barriers\n");
        return 3;
    }
    for (int i = 1; i < count; i++)
        printf("%s %s\n", words[i], results[try_without(&fixture, atoi(words[i]), tolerance)]);
    fixture_free(&fixture);
    return 0;
}

/* check compare | check mutate TOLERANCE LINE... */
int main(int count, char **words) {
    if (count == 2 && strcmp(words[1], "compare") == 0)
        return compare();
    if (count > 3 && strcmp(words[1], "mutate") == 0)
        return mutate(count - 2, words + 2);
    fprintf(stderr, "check compare | check mutate TOLERANCE LINE...\n");
    return 2;
}
