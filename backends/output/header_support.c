/* What NAME.h has besides the network: frames, and how they are prepared; boxes, and how they are
 * found. */
#include "backends/output/header_support.h"
#include "backends/program/program.h"
#include "backends/program/support.h"
#include "ir/arena.h"

#include <string.h>

/* What stands in front of each function. */
static const char *const comments[] = {
    [SUPPORT_PREPARE_SCRATCH_BYTES] =
        "\n/* Bytes of scratch that preparing a frame of that size takes (of its crop, where it "
        "has one; any\n * crop of it takes no more). 0: there are no frames of that size. */\n",
    [SUPPORT_PREPARE] =
        "\n/* Makes %s of a frame: one image of the batch, as written above. It is cropped, "
        "resized and\n * converted; riffle_run computes from it. `mapping` tells where the image "
        "is in the frame, and may be\n * NULL. The scratch needs no alignment and means nothing "
        "afterwards. Nothing else is written.\n * Returns a riffle_status; when that is not "
        "RIFFLE_OK, nothing was written. */\n",
    [SUPPORT_PREPARE_PARALLEL] =
        "\n/* The same by parallel_for, which is called twice with 16 items. Bit for bit the same "
        "image. */\n",
    [SUPPORT_BOXES_SCRATCH_BYTES] =
        "\n/* Bytes of scratch that finding boxes takes, whatever the outputs are. */\n",
    [SUPPORT_BOXES] = "\n/* Finds the boxes of one image of the batch in the outputs of "
                      "riffle_run, the most certain "
                      "first: the 4096\n * cells with the best scores, without those below the "
                      "threshold; of these the boxes that "
                      "share at most\n * `overlap` of the union with each better one of their "
                      "class, or of any class where "
                      "across_classes\n * is not 0 (non-maximum suppression). Of equal scores the "
                      "first of the outputs is better. "
                      "At most\n * `most` are written, and what was the beginning of one more may "
                      "be. `mapping` is what preparing the "
                      "frame\n * gave; NULL: boxes are in pixels of the input. The scratch needs "
                      "no alignment. Returns how many "
                      "boxes there\n * are; less than 0: minus a riffle_status. */\n",
    [SUPPORT_TOP] = "\n/* The `most` best classes of one image of the batch, from its numbers in "
                    "%s, the best first; of "
                    "equal\n * ones the first. `probabilities` are the softmax of the numbers, or "
                    "they themselves where the "
                    "network\n * ends with softmax; they may be NULL. Returns how many there are: "
                    "fewer where the network has "
                    "fewer, or\n * where numbers are NaN, which are no class's; less than 0: minus "
                    "a riffle_status. */\n",
    [SUPPORT_LABEL] = "\n/* The name of a class, in UTF-8; NULL where there is no class of that "
                      "number. */\n",
    [SUPPORT_CHECK_WEIGHTS] = "\n/* Whether `weights` are a whole file of weights for this "
                              "library, of `bytes` bytes or more: "
                              "reads all of\n * it once, at any alignment. riffle_run itself looks "
                              "at the first 32 bytes alone. Returns "
                              "a riffle_status. */\n"};

bool header_has_frames(const Graph *graph, const Program *program) {
    Arena *arena = arena_create();
    bool has = support_functions(graph, program, arena).has[SUPPORT_OF_FRAMES];
    arena_destroy(arena);
    return has;
}

static void say_what_is_missing(const Graph *graph, const Program *program, Text *out) {
    bool wanted = graph->answer != NULL || graph->labels != NULL || program->weights_file != NULL;
    for (int i = 0; i < graph->input_count; i++)
        wanted = wanted || support_prepares(&graph->inputs[i]);
    if (wanted && !support_is_built_in(program))
        text_append(out,
            "\n/* No function prepares frames, finds boxes, names classes or checks weights: the "
            "riffle that made this was built without clang. */\n");
}

void header_write_support(
    const Graph *graph, const Program *program, const char *upper, Text *out) {
    Arena *arena = arena_create();
    const char *name = program->name;
    SupportFunctions functions = support_functions(graph, program, arena);
    if (functions.count > 0)
        support_write_types(&functions, graph, name, upper, out);
    for (int i = 0; i < functions.count; i++) {
        const SupportFunction *function = &functions.items[i];
        support_write_named(
            arena_format(arena, comments[function->kind], function->member), name, upper, out);
        support_write_prototype(function, name, upper, out);
        text_append(out, ";\n");
    }
    say_what_is_missing(graph, program, out);
    arena_destroy(arena);
}
