/* hash_builds BUILDS [--update]
 *
 * Compiles the builds that the file names, up to the code that is printed, and compares hashes with
 * those that it holds. A line is
 *
 *     SPEC[:SETTING;...] PRECISION TARGET KERNELS WEIGHTS SOURCE
 *
 * of a spec below examples/: the hashes of the kernel IR with its calls and buffers, of the packed
 * weights, and of the source in C or CUDA (none of what C has no words for). A line may lack them:
 * --update writes all anew. Equal hashes say that a change of the compiler changed no kernel; which
 * change is meant to is for the one who updates to say. Lines of one spec and precision stand
 * together, since its graph is made once for them. The kernel IR of each must read back as the same
 * text. */
#include "backends/backends.h"
#include "backends/emit/c/source.h"
#include "backends/emit/cuda/source.h"
#include "backends/program/levels.h"
#include "driver/model.h"
#include "ir/kernel_parse.h"
#include "tests/kernels/example_graph.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_LINE = 512, MOST_REPORTED = 20 };

typedef struct Build {
    char spec[128], precision[16], target[32];
    char hashes[3][32];
} Build;

static const char *hash_of(const char *bytes, size_t length, Arena *arena) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    return arena_format(arena, "%016llx", (unsigned long long)hash);
}

/* ---- a build ---- */

/* Whether the kernels that were printed read back as the same text. */
static bool reads_back(const Text *printed, Session *session) {
    SourceFile file = {"printed.rkir", printed->data, printed->length};
    Arena *arena = arena_create();
    Text again = {0};
    KernelFile *kernels = kernels_parse(&file, arena, session->diagnostics);
    if (kernels != NULL)
        kernels_print(kernels, &again);
    bool equal = kernels != NULL && again.length == printed->length &&
                 memcmp(again.data, printed->data, again.length) == 0;
    if (kernels != NULL && !equal)
        diagnostics_error(session->diagnostics, NULL, "kernels read back as others");
    text_free(&again);
    arena_destroy(arena);
    return equal;
}

/* Up to the code for frames, which is no kernel and stands last. */
static size_t network_length(const Text *source) {
    const char *end = source->data ? strstr(source->data, "_SUPPORT_SHARED static") : NULL;
    while (end != NULL && strncmp(end, "\n#define", strlen("\n#define")) != 0)
        end--;
    return end != NULL ? (size_t)(end - source->data) : source->length;
}

static bool hash_build(
    const ModelOptions *options, const Model *model, Build *build, Session *session) {
    Text kernels = {0}, source = {0};
    Diagnostics *diagnostics = session->diagnostics;
    const TargetLevels *levels = target_levels_find(options->target);
    const Target *target = levels == NULL ? model_target(options) : NULL;
    Program *program = levels != NULL   ? program_lower_levels(model->graph, levels,
                                              &(LowerOptions){0}, session->arena, diagnostics)
                       : target != NULL ? model_lower(options, model->graph, target, NULL)
                                        : NULL;
    bool done = program != NULL;
    if (done) {
        program_print(program, &kernels);
        done = reads_back(&kernels, session);
        if (levels == NULL && target->gpu != NULL)
            cuda_source_write(model->graph, program, &source);
        else if (levels == NULL && options->precision == PRECISION_FP32)
            done = done && c_source_write(model->graph, program, &source, diagnostics);
        const RestingBytes *weights =
            levels == NULL ? &program->weights : &program->levels->programs[0]->weights;
        const char *hashes[] = {hash_of(kernels.data, kernels.length, session->arena),
            hash_of(weights->data, weights->length, session->arena),
            hash_of(source.data, network_length(&source), session->arena)};
        for (int i = 0; i < 3; i++)
            snprintf(build->hashes[i], sizeof build->hashes[i], "%s", hashes[i]);
    }
    program_destroy(program);
    text_free(&kernels);
    text_free(&source);
    return done;
}

/* Those of one graph. */
static bool hash_group(Build *builds, int count) {
    Session session = session_begin();
    ModelOptions options;
    Model model = {0};
    bool done = example_graph(
        builds[0].spec, builds[0].precision, builds[0].target, &session, &options, &model);
    for (int i = 0; i < count && done; i++) {
        options.target = builds[i].target;
        done = hash_build(&options, &model, &builds[i], &session);
    }
    model_close(&model);
    return session_finish(&session, done ? EXIT_DONE : EXIT_FAILED) == EXIT_DONE && done;
}

/* ---- all ---- */

static bool is_alike(const Build *a, const Build *b) {
    return strcmp(a->spec, b->spec) == 0 && strcmp(a->precision, b->precision) == 0;
}

static Build *read_builds(const char *path, int *count) {
    FILE *file = fopen(path, "r");
    char line[LONGEST_LINE];
    Build *builds = NULL;
    *count = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        builds = realloc(builds, (size_t)(*count + 1) * sizeof *builds);
        if (builds == NULL)
            abort();
        Build build = {0};
        int words = sscanf(line, "%127s %15s %31s %31s %31s %31s", build.spec, build.precision,
            build.target, build.hashes[0], build.hashes[1], build.hashes[2]);
        if (words >= 3 && line[0] != '#')
            builds[(*count)++] = build;
    }
    if (file != NULL)
        fclose(file);
    return builds;
}

/* Reports hashes that are others than before; returns how many builds have one. */
static int compare(const Build *before, const Build *now, int count) {
    static const char *const what[] = {"kernels", "packed weights", "source"};
    int changed = 0;
    for (int i = 0; i < count; i++) {
        bool equal = true;
        for (int k = 0; k < 3; k++) {
            if (strcmp(before[i].hashes[k], now[i].hashes[k]) == 0)
                continue;
            printf(
                "%s %s for %s: other %s\n", now[i].spec, now[i].precision, now[i].target, what[k]);
            equal = false;
        }
        changed += !equal;
    }
    return changed;
}

static bool write_builds(const char *path, const Build *builds, int count) {
    Text text = {0};
    for (int i = 0; i < count; i++)
        text_format(&text, "%s %s %s %s %s %s\n", builds[i].spec, builds[i].precision,
            builds[i].target, builds[i].hashes[0], builds[i].hashes[1], builds[i].hashes[2]);
    bool written = text_write_file(&text, path) == 0;
    text_free(&text);
    return written;
}

int main(int argument_count, char **arguments) {
    bool update = argument_count == 3 && strcmp(arguments[2], "--update") == 0;
    int count = 0, done = 0, group = 0, tried = 0;
    if (argument_count != 2 && !update)
        return EXIT_FAILURE;
    Build *builds = read_builds(arguments[1], &count);
    Build *before = malloc((size_t)count * sizeof *before + 1);
    if (before == NULL || count == 0)
        return EXIT_FAILURE;
    memcpy(before, builds, (size_t)count * sizeof *before);
    for (int next = 0; done < count; done = next) {
        while (next < count && is_alike(&builds[done], &builds[next]))
            next++;
        if (!update && !example_has_turn(group++))
            continue;
        if (!hash_group(&builds[done], next - done))
            return EXIT_FAILURE;
        tried += next - done;
    }
    int changed = compare(before, builds, count);
    printf("%d of %d builds are as they were\n", tried - changed, tried);
    bool written = !update || write_builds(arguments[1], builds, count);
    free(before);
    free(builds);
    return written && (update || changed == 0) ? EXIT_SUCCESS : EXIT_FAILURE;
}
