#include "backends/output/c_objects.h"
#include "backends/emit/c/source.h"
#include "backends/output/command.h"
#include "backends/output/output.h"
#include "backends/output/work_folder.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/graph.h"
#include "ir/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool write_sources(Build *build) {
    const Program *program = build->program;
    Text source = {0}, header = {0}, weights = {0};
    bool done = c_source_write(build->graph, program, &source, build->diagnostics) &&
                work_folder_write(&build->folder, build->source, &source);
    if (done && build->graph) {
        header_write(build->graph, program, &header);
        done = work_folder_write(
            &build->folder, arena_format(build->arena, "%s.h", program->name), &header);
    }
    if (done && !program->weights_file) {
        c_weights_write(program, &weights);
        done = work_folder_write(&build->folder, build->weights, &weights) &&
               work_folder_write_bytes(&build->folder,
                   arena_format(build->arena, "%s_weights.bin", program->name), &program->weights);
    }
    text_free(&source);
    text_free(&header);
    text_free(&weights);
    return done;
}

bool build_begin(Build *build) {
    build->arena = arena_create();
    if (!work_folder_make(&build->folder, build->arena, build->diagnostics))
        return false;
    build->source = arena_format(build->arena, "%s.c", build->program->name);
    build->weights = arena_format(build->arena, "%s_weights.S", build->program->name);
    return write_sources(build);
}

void build_end(Build *build) {
    work_folder_remove(&build->folder);
    arena_destroy(build->arena);
}

/* ---- the compiler ---- */

/* The command as the user gave it, or the first compiler that is there. */
static const char *compiler_command(Build *build) {
    static const char *const usual[] = {"cc", "gcc", "clang"};
    if (build->program->c_compiler)
        return build->program->c_compiler;
    const char *command = getenv("CC");
    if (command && *command != '\0')
        return command;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (program_is_in_path(build->arena, usual[i]))
            return usual[i];
    return NULL;
}

/* NULL when the command is blank. */
static const char **command_line(Build *build, const char *command, const char *const *arguments) {
    static const char flags[] = "-std=c11 -O2 -fPIC -ffp-contract=off -fno-math-errno";
    const char *user_flags = getenv("CFLAGS");
    if (!user_flags)
        user_flags = "";
    size_t most = strlen(command) + strlen(flags) + strlen(user_flags), count = 0;
    for (size_t i = 0; arguments[i]; i++)
        most++;
    const char **words = ARENA_ARRAY(build->arena, const char *, most + 1);
    count = command_split(build->arena, command, words, count);
    if (count == 0)
        return NULL;
    count = command_split(build->arena, flags, words, count);
    count = command_split(build->arena, user_flags, words, count);
    for (size_t i = 0; arguments[i]; i++)
        words[count++] = arguments[i];
    return words;
}

bool build_run(Build *build, const char *const *arguments) {
    const char *command = compiler_command(build);
    const char **words = command ? command_line(build, command, arguments) : NULL;
    if (!words) {
        diagnostics_error(build->diagnostics,
            "install gcc or clang, or name one with --cc or the environment variable CC",
            "there is no C compiler, which code of the C backend needs");
        return false;
    }
    int status = work_folder_run(&build->folder, words);
    if (status < 0)
        diagnostics_error(build->diagnostics, "--cc COMMAND names another C compiler",
            "cannot run the C compiler '%s': %s", words[0], strerror(errno));
    if (status > 0) {
        diagnostics_error(build->diagnostics, "--cc COMMAND names another C compiler",
            "the C compiler '%s' failed:", command);
        work_folder_show_messages(&build->folder);
    }
    return status == 0;
}

static bool compile_weights(Build *build, Splice *weights) {
    const char *const arguments[] = {"-c", build->weights, "-o", "weights.o", NULL};
    return build_run(build, arguments) &&
           work_folder_read_resting(&build->folder, "weights.o", build->program->arena, weights);
}

bool c_compile_objects(const Graph *graph, const Program *program, Text *code, Splice *weights,
    Diagnostics *diagnostics) {
    Build build = {.graph = graph, .program = program, .diagnostics = diagnostics};
    bool done =
        build_begin(&build) &&
        build_run(&build, (const char *const[]){"-c", build.source, "-o", "code.o", NULL}) &&
        work_folder_read(&build.folder, "code.o", code) &&
        (program->weights_file || compile_weights(&build, weights));
    build_end(&build);
    return done;
}
