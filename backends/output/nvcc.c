/* libNAME.a of a network for a GPU: NAME.cu through nvcc, the weights through the assembler, in a
 * folder of their own that is gone afterwards. */
#include "backends/emit/cuda/source.h"
#include "backends/output/output.h"
#include "backends/output/work_folder.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "ir/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Job {
    Arena *arena;
    Diagnostics *diagnostics;
    WorkFolder folder;
    const char *nvcc;
} Job;

/* ---- where nvcc is ---- */

static const char *runnable(Arena *arena, const char *folder, size_t length, const char *rest) {
    const char *path = arena_format(arena, "%.*s/%s", (int)length, folder, rest);
    return length > 0 && access(path, X_OK) == 0 ? path : NULL;
}

const char *cuda_find_nvcc(Arena *arena) {
    const char *named = getenv("NVCC"), *home = getenv("CUDA_HOME"), *path = getenv("PATH");
    if (named != NULL && *named != '\0')
        return access(named, X_OK) == 0 ? named : NULL;
    for (const char *at = path; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, ":");
        const char *found = runnable(arena, at, length, "nvcc");
        if (found != NULL)
            return found;
        at += length + (at[length] == ':');
    }
    const char *found = home == NULL ? NULL : runnable(arena, home, strlen(home), "bin/nvcc");
    if (found != NULL)
        return found;
    static const char usual[] = "/usr/local/cuda";
    return runnable(arena, usual, sizeof usual - 1, "bin/nvcc");
}

/* nvcc gives the full name of its source to a shell, in double quotes. */
static bool is_safe_for_shell(const char *path) {
    for (const char *at = path; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || strchr("\"$\\`", *at) != NULL)
            return false;
    return true;
}

static bool check_folder(const Job *job) {
    char *whole = realpath(job->folder.path, NULL);
    bool safe = whole != NULL && is_safe_for_shell(whole);
    if (!safe)
        diagnostics_error(job->diagnostics,
            "let the environment variable TMPDIR name a folder without \", $, \\, ` and control "
            "characters",
            "nvcc cannot work in the folder '%s': it would give its name to a shell",
            whole != NULL ? whole : job->folder.path);
    free(whole);
    return safe;
}

/* ---- running programs ---- */

static bool run_or_report(const Job *job, const char *const *words) {
    int status = work_folder_run(&job->folder, words);
    if (status < 0)
        diagnostics_error(job->diagnostics, NULL, "cannot run '%s': %s", words[0], strerror(errno));
    if (status > 0) {
        diagnostics_error(job->diagnostics, "NVCC and CC in the environment name other compilers",
            "'%s' failed:", words[0]);
        work_folder_show_messages(&job->folder);
    }
    return status == 0;
}

/* Whether nvcc makes code for the processor; reports when it does not. */
static bool knows_processor(const Job *job, const Target *target) {
    Text known = {0};
    const char *words[] = {job->nvcc, "--list-gpu-code", NULL};
    bool good = run_or_report(job, words);
    if (good) {
        work_folder_read_messages(&job->folder, &known);
        const char *found = known.data == NULL ? NULL : strstr(known.data, target->cpu);
        size_t length = strlen(target->cpu);
        while (found != NULL && found[length] >= '0' && found[length] <= '9')
            found = strstr(found + 1, target->cpu);
        good = found != NULL;
        while (known.length > 0 && known.data[known.length - 1] == '\n')
            known.data[--known.length] = '\0';
        for (size_t i = 0; i < known.length; i++)
            if (known.data[i] == '\n')
                known.data[i] = ' ';
        if (!good)
            diagnostics_error(job->diagnostics,
                arena_format(job->arena, "it knows %s", known.data == NULL ? "" : known.data),
                "the nvcc at '%s' makes no code for %s", job->nvcc, target->cpu);
    }
    text_free(&known);
    return good;
}

/* ---- the library ---- */

static bool write_sources(const Job *job, const Graph *graph, const Program *program) {
    Text source = {0}, header = {0}, weights = {0};
    cuda_source_write(graph, program, &source);
    cuda_header_write(graph, program, &header);
    cuda_weights_write(graph, &weights);
    bool done =
        work_folder_write(&job->folder, "code.cu", &source) &&
        work_folder_write(&job->folder, arena_format(job->arena, "%s.h", graph->name), &header) &&
        work_folder_write(&job->folder, "weights.S", &weights) &&
        work_folder_write_bytes(&job->folder,
            arena_format(job->arena, "%s_weights.bin", graph->name), &program->weights);
    text_free(&source);
    text_free(&header);
    text_free(&weights);
    return done;
}

/* code.cu to `result`: an object (-c), or code for the device alone (-cubin, -fatbin), of which
 * `macro` (-DNAME; else NULL) tells it. */
static bool compile_code(const Job *job, const Program *program, const char *what,
    const char *result, const char *macro) {
    const char *architecture = arena_format(job->arena, "-arch=%s", program->target->cpu);
    const char *words[] = {job->nvcc, "-O3", architecture, "-Xcompiler",
        "-fPIC,-fvisibility=hidden,-fno-exceptions,-fno-threadsafe-statics", what, "code.cu", "-o",
        result, macro, NULL};
    return knows_processor(job, program->target) && run_or_report(job, words);
}

static bool compile_sources(const Job *job, const Program *program) {
    const char *assembler = getenv("CC");
    if (assembler == NULL || *assembler == '\0' || strchr(assembler, ' ') != NULL)
        assembler = "cc";
    const char *assembler_words[] = {assembler, "-c", "weights.S", "-o", "weights.o", NULL};
    return compile_code(job, program, "-c", "code.o", NULL) && run_or_report(job, assembler_words);
}

static bool make_archive(
    const Job *job, const Graph *graph, const Program *program, Text *out, Splice *splice) {
    static const char *const functions[] = {"create", "create_limited", "destroy", "run", "capture",
        "graph_launch", "graph_destroy", "error", "weights"};
    enum { CODE, WEIGHTS, MEMBERS, SYMBOLS = sizeof functions / sizeof *functions };
    ArchiveMember members[MEMBERS] = {
        [CODE] = {.name = "code.o"}, [WEIGHTS] = {.name = "weights.o"}};
    const char *symbols[SYMBOLS];
    size_t member_of[SYMBOLS];
    for (size_t i = 0; i < SYMBOLS; i++) {
        symbols[i] = arena_format(job->arena, "%s_cuda_%s", graph->name, functions[i]);
        member_of[i] = i + 1 < SYMBOLS ? CODE : WEIGHTS;
    }
    bool done = work_folder_read(&job->folder, "code.o", &members[CODE].contents) &&
                work_folder_read_resting(
                    &job->folder, "weights.o", program->arena, &members[WEIGHTS].splice);
    if (done)
        archive_write(FORMAT_ELF, members, MEMBERS, symbols, member_of, SYMBOLS, out, splice);
    text_free(&members[CODE].contents);
    return done;
}

bool cuda_binary_write(const Graph *graph, const Program *program, const char *nvcc,
    const char *word, Text *out, Diagnostics *diagnostics) {
    Job job = {.arena = arena_create(), .diagnostics = diagnostics, .nvcc = nvcc};
    bool done = work_folder_make(&job.folder, job.arena, diagnostics) && check_folder(&job) &&
                write_sources(&job, graph, program) &&
                compile_code(&job, program, arena_format(job.arena, "-%s", word), "code.bin",
                    arena_format(job.arena, "-D%s_ALONE", cuda_names(graph, job.arena).upper)) &&
                work_folder_read(&job.folder, "code.bin", out);
    work_folder_remove(&job.folder);
    arena_destroy(job.arena);
    return done;
}

bool cuda_library_write(const Graph *graph, const Program *program, const char *nvcc, Text *out,
    Splice *splice, Diagnostics *diagnostics) {
    Job job = {.arena = arena_create(), .diagnostics = diagnostics, .nvcc = nvcc};
    bool done = work_folder_make(&job.folder, job.arena, diagnostics) && check_folder(&job) &&
                write_sources(&job, graph, program) && compile_sources(&job, program) &&
                make_archive(&job, graph, program, out, splice);
    work_folder_remove(&job.folder);
    arena_destroy(job.arena);
    return done;
}
