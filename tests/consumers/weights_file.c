/* Calls a library whose weights are a file: weights_file FILE... prints for each the status of a
 * run, of a shared one and of a check, and the logits; first what comes of no file, and of one that
 * is not aligned. */
#include "tiny.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static _Alignas(TINY_WORKSPACE_ALIGNMENT) unsigned char workspace[TINY_WORKSPACE_BYTES];
static float image[TINY_INPUT_IMAGE_ELEMENTS], features[TINY_OUTPUT_FEATURES_ELEMENTS];
static float logits[TINY_OUTPUT_LOGITS_ELEMENTS];

static void here(void *pool, tiny_task *task, void *context, size_t count) {
    (void)pool;
    task(context, 0, count);
}

static void print_run(const char *name, const void *weights, size_t length) {
    const struct tiny_inputs inputs = {image, weights};
    const struct tiny_outputs outputs = {features, logits};
    int status = tiny_run(&inputs, &outputs, workspace);
    int shared = tiny_run_parallel(&inputs, &outputs, workspace, here, NULL);
    printf("%s %d %d %d", name, status, shared, tiny_check_weights(weights, length));
    for (int i = 0; i < TINY_OUTPUT_LOGITS_ELEMENTS && shared == TINY_OK; i++)
        printf(" %a", (double)logits[i]);
    printf("\n");
}

/* The file in memory that nothing can write to, or NULL. */
static void *map(const char *path, size_t *length) {
    struct stat status;
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &status) != 0)
        return NULL;
    *length = (size_t)status.st_size;
    void *memory = mmap(NULL, *length, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    return memory == MAP_FAILED ? NULL : memory;
}

int main(int argc, char **argv) {
    for (int i = 0; i < TINY_INPUT_IMAGE_ELEMENTS; i++)
        image[i] = (float)(i * 37 % 256) / 128 - 1;
    print_run("null", NULL, 0);
    print_run("misaligned", workspace + 4, 63);
    for (int i = 1; i < argc; i++) {
        size_t length = 0;
        void *weights = map(argv[i], &length);
        if (weights == NULL)
            return EXIT_FAILURE;
        print_run(argv[i], weights, length);
        munmap(weights, length);
    }
    return EXIT_SUCCESS;
}
