/* One run of `tiny`, whose library is linked in or, with -DLOADED, loaded from the first argument:
 * reads the image from standard input, writes features and logits to standard output. */
#include "tiny.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef LOADED
#include <dlfcn.h>
typedef int run_function(
    const struct tiny_inputs *inputs, const struct tiny_outputs *outputs, void *workspace);
#endif

static float image[TINY_INPUT_IMAGE_ELEMENTS];
static float features[TINY_OUTPUT_FEATURES_ELEMENTS], logits[TINY_OUTPUT_LOGITS_ELEMENTS];

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
#ifdef LOADED
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    run_function *run;
    *(void **)&run = dlsym(library, "tiny_run");
#else
#define run tiny_run
#endif
    if (fread(image, sizeof *image, TINY_INPUT_IMAGE_ELEMENTS, stdin) != TINY_INPUT_IMAGE_ELEMENTS)
        return 1;
    const struct tiny_inputs inputs = {image};
    const struct tiny_outputs outputs = {features, logits};
    void *workspace =
        aligned_alloc(TINY_WORKSPACE_ALIGNMENT, (TINY_WORKSPACE_BYTES + 63) / 64 * 64);
    int status = run(&inputs, &outputs, workspace);
    if (status != TINY_OK)
        fprintf(stderr, "%s\n", tiny_status_text(status));
    fwrite(features, sizeof *features, TINY_OUTPUT_FEATURES_ELEMENTS, stdout);
    fwrite(logits, sizeof *logits, TINY_OUTPUT_LOGITS_ELEMENTS, stdout);
    free(workspace);
    return status;
}
