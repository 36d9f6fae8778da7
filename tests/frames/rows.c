/* Rows of bytes with gaps: the network `net` reads a frame where it lies, and answers what it does
 * of packed rows, to the bit. The gaps hold other bytes in each run, and behind the last pixel lies
 * a page that nobody may touch. The file of weights, where the library has none, is the argument.
 */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    ROWS = NET_INPUT_IMAGE_BATCH * NET_INPUT_IMAGE_HEIGHT,
    ROW = NET_INPUT_IMAGE_ELEMENTS / ROWS,
    IMAGES = 3 /* of a batch */
};

static _Alignas(NET_WORKSPACE_ALIGNMENT) unsigned char workspace[NET_WORKSPACE_BYTES];
static unsigned char packed[IMAGES * NET_INPUT_IMAGE_ELEMENTS];
static struct net_inputs common; /* what all calls are given */
static float expected[IMAGES * NET_OUTPUT_Y_ELEMENTS], y[IMAGES * NET_OUTPUT_Y_ELEMENTS];

/* Bytes that end where a page begins that nobody may touch. */
static unsigned char *guarded(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) / page * page;
    unsigned char *memory =
        mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + whole, page, PROT_NONE) != 0)
        exit(EXIT_FAILURE);
    return memory + whole - bytes;
}

/* So many images whose rows begin so far apart. */
static const unsigned char *spread(int images, int row_bytes, int gap) {
    size_t bytes = (size_t)(images * ROWS - 1) * (size_t)row_bytes + ROW;
    unsigned char *frame = guarded(bytes);
    memset(frame, gap, bytes);
    for (int row = 0; row < images * ROWS; row++)
        memcpy(frame + (size_t)row * (size_t)row_bytes, packed + (size_t)row * ROW, ROW);
    return frame;
}

static void backwards(void *pool, net_task *task, void *context, size_t count) {
    (void)pool;
    for (size_t i = count; i-- > 0;)
        task(context, i, i + 1);
}

static void read_weights(const char *path) {
#ifdef NET_WEIGHTS_BYTES
    static _Alignas(NET_WEIGHTS_ALIGNMENT) unsigned char weights[NET_WEIGHTS_BYTES];
    FILE *file = path == NULL ? NULL : fopen(path, "rb");
    if (file == NULL || fread(weights, 1, sizeof weights, file) != sizeof weights)
        exit(EXIT_FAILURE);
    fclose(file);
    common.weights = weights;
#else
    (void)path;
#endif
}

static int answers(const struct net_inputs *inputs) {
    struct net_outputs outputs = {y};
    size_t bytes = NET_OUTPUT_Y_ELEMENTS * sizeof *y;
    memset(y, 0xff, bytes);
    if (net_run(inputs, &outputs, workspace) != NET_OK || memcmp(y, expected, bytes) != 0)
        return 0;
    memset(y, 0xff, bytes);
    return net_run_parallel(inputs, &outputs, workspace, backwards, NULL) == NET_OK &&
           memcmp(y, expected, bytes) == 0;
}

static int answers_batch(int row_bytes) {
    struct net_inputs inputs = common;
    inputs.image = spread(IMAGES, row_bytes, 7);
    inputs.row_bytes.image = row_bytes;
    memset(y, 0xff, sizeof y);
    return net_run_batch(&inputs, &(struct net_outputs){y}, workspace, IMAGES) == NET_OK &&
           memcmp(y, expected, sizeof y) == 0;
}

static int refuses(int row_bytes) {
    struct net_inputs inputs = common;
    struct net_outputs outputs = {y};
    inputs.row_bytes.image = row_bytes;
    memset(y, 0x5a, sizeof y);
    int refused =
        net_run(&inputs, &outputs, workspace) == NET_ERROR_ROW_BYTES &&
        net_run_parallel(&inputs, &outputs, workspace, backwards, NULL) == NET_ERROR_ROW_BYTES;
    for (size_t i = 0; i < sizeof y; i++)
        refused = refused && ((unsigned char *)y)[i] == 0x5a;
    return refused;
}

int main(int argc, char **argv) {
    read_weights(argc > 1 ? argv[1] : NULL);
    common.image = packed;
    for (size_t i = 0; i < sizeof packed; i++)
        packed[i] = (unsigned char)(i * 2654435761u >> 13);
    struct net_inputs inputs = common;
    for (int i = 0; i < IMAGES; i++) {
        inputs.image = packed + i * NET_INPUT_IMAGE_ELEMENTS;
        struct net_outputs outputs = {expected + i * NET_OUTPUT_Y_ELEMENTS};
        if (net_run(&inputs, &outputs, workspace) != NET_OK)
            return 1;
    }
    const int distances[] = {ROW, ROW + 1, ROW + 3, ROW + 64, 5 * ROW + 2};
    for (size_t i = 0; i < sizeof distances / sizeof *distances; i++) {
        inputs.row_bytes.image = distances[i];
        for (int gap = 0; gap < 256; gap += 255) {
            inputs.image = spread(1, distances[i], gap);
            if (!answers(&inputs)) {
                fprintf(stderr, "rows %d apart: another answer\n", distances[i]);
                return 2;
            }
        }
        if (!answers_batch(distances[i]))
            return 3;
    }
    const int wrong[] = {1, ROW - 1, -1, -ROW, -2147483647 - 1};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (wrong[i] != ROW && wrong[i] != 0 && !refuses(wrong[i]))
            return 4;
    return net_run_batch(&common, &(struct net_outputs){y}, workspace, IMAGES) == NET_OK &&
                   memcmp(y, expected, sizeof y) == 0
               ? 0
               : 5;
}
