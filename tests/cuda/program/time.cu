/* On a GPU: compares a model with files of outputs, then times replays of its graph, and calls of
 * `run`, by events. Prints one line of JSON. */
#include "model.h"

enum { WARM_UPS = 50, ROUNDS = 60, REPLAYS = 20 };

struct times {
    double p5, median;
};

static int ascending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

typedef void work(void *context, cudaStream_t stream);

/* Microseconds of one piece of work, of REPLAYS in a row. */
static struct times measure(work *work, void *context, cudaStream_t stream) {
    float microseconds[ROUNDS];
    cudaEvent_t begin, end;
    MUST(cudaEventCreate(&begin));
    MUST(cudaEventCreate(&end));
    for (int i = 0; i < WARM_UPS; i++)
        work(context, stream);
    for (int round = 0; round < ROUNDS; round++) {
        MUST(cudaEventRecord(begin, stream));
        for (int i = 0; i < REPLAYS; i++)
            work(context, stream);
        MUST(cudaEventRecord(end, stream));
        MUST(cudaEventSynchronize(end));
        MUST(cudaEventElapsedTime(&microseconds[round], begin, end));
        microseconds[round] *= 1000.0f / (float)REPLAYS;
    }
    MUST(cudaEventDestroy(begin));
    MUST(cudaEventDestroy(end));
    qsort(microseconds, ROUNDS, sizeof microseconds[0], ascending);
    return {microseconds[ROUNDS / 20], microseconds[ROUNDS / 2]};
}

struct subject {
    struct network_cuda_model *model;
    struct network_cuda_graph *graph;
    struct tensors inputs, outputs;
};

static void replay(void *context, cudaStream_t stream) {
    MUST(network_cuda_graph_launch(((struct subject *)context)->graph, stream));
}

static void run(void *context, cudaStream_t stream) {
    struct subject *subject = (struct subject *)context;
    MUST(run_network(subject->model, subject->inputs.device, subject->outputs.device, stream));
}

/* Of a few pieces of work, each of which must write all outputs. */
static double error_of(struct subject *subject, work *work, cudaStream_t stream) {
    double worst = 0;
    for (int i = 0; i < 3; i++) {
        tensors_poison(&subject->outputs);
        MUST(cudaDeviceSynchronize());
        work(subject, stream);
        MUST(cudaStreamSynchronize(stream));
        worst = fmax(worst, tensors_error(&subject->outputs));
    }
    return worst;
}

/* time [--check]: with it, nothing is timed. */
int main(int count, char **words) {
    cudaStream_t stream;
    struct subject subject = {NULL, NULL, tensors_read(INPUTS, INPUT_COUNT, "input"),
        tensors_read(OUTPUTS, OUTPUT_COUNT, "output")};
    MUST(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    MUST(network_cuda_create(&subject.model));
    tensors_upload(&subject.inputs);
    MUST(capture_network(
        subject.model, subject.inputs.device, subject.outputs.device, &subject.graph));
    const double error = fmax(error_of(&subject, run, stream), error_of(&subject, replay, stream));
    printf("{\"error\": %g", error < INFINITY ? error : 1e30);
    if (count < 2 || strcmp(words[1], "--check") != 0) {
        const struct times graph = measure(replay, &subject, stream),
                           plain = measure(run, &subject, stream);
        printf(", \"graph\": {\"p5\": %.2f, \"median\": %.2f}, \"run\": {\"p5\": %.2f, \"median\": "
               "%.2f}",
            graph.p5, graph.median, plain.p5, plain.median);
    }
    printf("}\n");
    network_cuda_graph_destroy(subject.graph);
    network_cuda_destroy(subject.model);
    tensors_free(&subject.inputs);
    tensors_free(&subject.outputs);
    MUST(cudaStreamDestroy(stream));
    return 0;
}
