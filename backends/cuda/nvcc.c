/* libNAME.a of a network for a GPU: NAME.cu through nvcc, the weights through the assembler, in a
 * folder of their own that is gone afterwards. */
#include "backends/cuda/source.h"
#include "ir/write_files.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MOST_MESSAGE_BYTES = 2000 };

typedef struct Job {
    Arena *arena;
    Diagnostics *diagnostics;
    const char *folder, *nvcc;
    const char *messages; /* file: what the last program said */
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

/* ---- running programs ---- */

/* The exit status; -1, with errno, when it could not be started. */
static int run(const Job *job, const char *const *words) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, job->folder);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(
        &actions, STDOUT_FILENO, job->messages, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    pid_t child;
    int status = 0, error = posix_spawnp(
                        &child, words[0], &actions, NULL, (char *const *)(void *)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        errno = error;
        return -1;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static bool read_file(const char *path, Text *out) {
    char bytes[65536];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    for (size_t count; (count = fread(bytes, 1, sizeof bytes, file)) > 0;)
        text_append_bytes(out, bytes, count);
    fclose(file);
    return true;
}

static const char *in_folder(const Job *job, const char *name) {
    return arena_format(job->arena, "%s/%s", job->folder, name);
}

static bool run_or_report(const Job *job, const char *const *words) {
    int status = run(job, words);
    if (status == 0)
        return true;
    if (status < 0) {
        diagnostics_error(job->diagnostics, NULL, "cannot run '%s': %s", words[0], strerror(errno));
        return false;
    }
    Text said = {0};
    read_file(job->messages, &said);
    size_t length = said.length < MOST_MESSAGE_BYTES ? said.length : MOST_MESSAGE_BYTES;
    diagnostics_error(job->diagnostics, "NVCC and CC in the environment name other compilers",
        "'%s' failed:", words[0]);
    diagnostics_add_lines(job->diagnostics, said.data, length);
    text_free(&said);
    return false;
}

/* Whether nvcc makes code for the processor; reports when it does not. */
static bool knows_processor(const Job *job, const Target *target) {
    Text known = {0};
    const char *words[] = {job->nvcc, "--list-gpu-code", NULL};
    bool good = run_or_report(job, words);
    if (good) {
        read_file(job->messages, &known);
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

static bool write_text(const Job *job, const char *name, const Text *text) {
    int error = text_write_file(text, in_folder(job, name));
    if (error != 0)
        report_unwritten(job->diagnostics, in_folder(job, name), error);
    return error == 0;
}

static bool write_sources(const Job *job, const Graph *graph, const Program *program) {
    Text source = {0}, header = {0}, weights = {0};
    cuda_source_write(graph, program, &source);
    cuda_header_write(graph, program, &header);
    cuda_weights_write(graph, &weights);
    bool done =
        write_text(job, "code.cu", &source) &&
        write_text(job, arena_format(job->arena, "%s.h", graph->name), &header) &&
        write_text(job, "weights.S", &weights) &&
        write_text(job, arena_format(job->arena, "%s_weights.bin", graph->name), &program->weights);
    text_free(&source);
    text_free(&header);
    text_free(&weights);
    return done;
}

static bool compile_sources(const Job *job, const Program *program) {
    const char *assembler = getenv("CC");
    if (assembler == NULL || *assembler == '\0' || strchr(assembler, ' ') != NULL)
        assembler = "cc";
    const char *architecture = arena_format(job->arena, "-arch=%s", program->target->cpu);
    const char *nvcc_words[] = {job->nvcc, "-O3", architecture, "-Xcompiler",
        "-fPIC,-fvisibility=hidden,-fno-exceptions,-fno-threadsafe-statics", "-c", "code.cu", "-o",
        "code.o", NULL};
    const char *assembler_words[] = {assembler, "-c", "weights.S", "-o", "weights.o", NULL};
    return knows_processor(job, program->target) && run_or_report(job, nvcc_words) &&
           run_or_report(job, assembler_words);
}

static bool make_archive(const Job *job, const Graph *graph, Text *out) {
    static const char *const functions[] = {
        "create", "destroy", "run", "capture", "graph_launch", "graph_destroy", "error", "weights"};
    enum { CODE, WEIGHTS, MEMBERS, SYMBOLS = sizeof functions / sizeof *functions };
    ArchiveMember members[MEMBERS] = {
        [CODE] = {.name = "code.o"}, [WEIGHTS] = {.name = "weights.o"}};
    const char *symbols[SYMBOLS];
    size_t member_of[SYMBOLS];
    for (size_t i = 0; i < SYMBOLS; i++) {
        symbols[i] = arena_format(job->arena, "%s_cuda_%s", graph->name, functions[i]);
        member_of[i] = i + 1 < SYMBOLS ? CODE : WEIGHTS;
    }
    bool done = read_file(in_folder(job, "code.o"), &members[CODE].contents) &&
                read_file(in_folder(job, "weights.o"), &members[WEIGHTS].contents);
    if (done)
        archive_write(FORMAT_ELF, members, MEMBERS, symbols, member_of, SYMBOLS, out);
    else
        diagnostics_error(job->diagnostics, NULL, "cannot read what was compiled");
    text_free(&members[CODE].contents);
    text_free(&members[WEIGHTS].contents);
    return done;
}

static void remove_folder(const Job *job, const Graph *graph) {
    const char *names[] = {"code.cu", "code.o", "weights.S", "weights.o", "messages",
        arena_format(job->arena, "%s.h", graph->name),
        arena_format(job->arena, "%s_weights.bin", graph->name)};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(in_folder(job, names[i]));
    rmdir(job->folder);
}

bool cuda_library_write(const Graph *graph, const Program *program, const char *nvcc, Text *out,
    Diagnostics *diagnostics) {
    Arena *arena = arena_create();
    const char *parent = getenv("TMPDIR");
    char *folder =
        arena_format(arena, "%s/riffle-XXXXXX", parent && *parent != '\0' ? parent : "/tmp");
    Job job = {.arena = arena, .diagnostics = diagnostics, .nvcc = nvcc};
    bool done = mkdtemp(folder) != NULL;
    if (!done) {
        diagnostics_error(diagnostics, "the environment variable TMPDIR names a folder",
            "cannot make the folder '%s': %s", folder, strerror(errno));
    } else {
        job.folder = folder;
        job.messages = in_folder(&job, "messages");
        done = write_sources(&job, graph, program) && compile_sources(&job, program) &&
               make_archive(&job, graph, out);
        remove_folder(&job, graph);
    }
    arena_destroy(arena);
    return done;
}
