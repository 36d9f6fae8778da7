/* On a GPU: compares a model with files of outputs, then times replays of its graph, and calls of
 * `run`, by events. Prints one line of JSON. Compiled with NETWORK_CUDA_STAMPS, which
 * takes time itself, it also says how long each phase took, and the barrier behind it. */
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

#ifdef NETWORK_CUDA_STAMPS

/* Nanoseconds, added up over runs. */
struct phase {
    double work, barrier;
};

/* From the first block that begins to the last that ends; the barrier from there to the next
 * phase's first. */
static void add_stamps(
    struct phase *phases, const unsigned long long *stamps, int blocks, double *last_end) {
    for (int phase = 0; phase < NETWORK_CUDA_PHASES; phase++) {
        const unsigned long long *begins = stamps + 2 * phase * blocks, *ends = begins + blocks;
        unsigned long long first = ~0ULL, last = 0;
        for (int block = 0; block < blocks; block++) {
            first = begins[block] > 0 && begins[block] < first ? begins[block] : first;
            last = ends[block] > last ? ends[block] : last;
        }
        if (phase > 0)
            phases[phase - 1].barrier += (double)first - *last_end;
        phases[phase].work += (double)(last - first);
        *last_end = (double)last;
    }
}

static void print_phases(struct subject *subject, cudaStream_t stream) {
    struct phase phases[NETWORK_CUDA_PHASES] = {};
    int blocks = 0;
    MUST(network_cuda_stamps(subject->model, NULL, &blocks));
    unsigned long long *stamps =
        (unsigned long long *)malloc((size_t)blocks * 2 * NETWORK_CUDA_PHASES * sizeof *stamps);
    for (int i = 0; i < WARM_UPS + ROUNDS * REPLAYS; i++) {
        double last_end = 0;
        run(subject, stream);
        if (i < WARM_UPS)
            continue;
        MUST(cudaStreamSynchronize(stream));
        MUST(network_cuda_stamps(subject->model, stamps, &blocks));
        add_stamps(phases, stamps, blocks, &last_end);
    }
    free(stamps);
    const double microseconds = 1e3 * ROUNDS * REPLAYS;
    printf(", \"phases\": [");
    for (int phase = 0; phase < NETWORK_CUDA_PHASES; phase++)
        printf("%s{\"work\": %.3f, \"barrier\": %.3f}", phase > 0 ? ", " : "",
            phases[phase].work / microseconds, phases[phase].barrier / microseconds);
    printf("]");
}

#endif

static void print_times(struct subject *subject, cudaStream_t stream) {
    const struct times graph = measure(replay, subject, stream),
                       plain = measure(run, subject, stream);
    printf(", \"graph\": {\"p5\": %.2f, \"median\": %.2f}, \"run\": {\"p5\": %.2f, \"median\": "
           "%.2f}",
        graph.p5, graph.median, plain.p5, plain.median);
#ifdef NETWORK_CUDA_STAMPS
    print_phases(subject, stream);
#endif
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
    if (count < 2 || strcmp(words[1], "--check") != 0)
        print_times(&subject, stream);
    printf("}\n");
    network_cuda_graph_destroy(subject.graph);
    network_cuda_destroy(subject.model);
    tensors_free(&subject.inputs);
    tensors_free(&subject.outputs);
    MUST(cudaStreamDestroy(stream));
    return 0;
}
