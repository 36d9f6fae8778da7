#include "backends/c/compile.h"
#include "backends/c/source.h"
#include "ir/write_files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char messages_file[] = "messages";

static bool write_file(Build *build, const char *name, const Text *text) {
    const char *path = arena_format(build->arena, "%s/%s", build->folder, name);
    int error = text_write_file(text, path);
    if (error != 0)
        report_unwritten(build->diagnostics, path, error);
    return error == 0;
}

static bool write_sources(Build *build) {
    const Program *program = build->program;
    Text source = {0}, header = {0}, weights = {0};
    bool done = c_source_write(build->graph, program, &source, build->diagnostics) &&
                write_file(build, build->source, &source);
    if (done && build->graph) {
        header_write(build->graph, program, &header);
        done = write_file(build, arena_format(build->arena, "%s.h", program->name), &header);
    }
    c_weights_write(program, &weights);
    done = done && write_file(build, build->weights, &weights) &&
           write_file(build, arena_format(build->arena, "%s_weights.bin", program->name),
               &program->weights);
    text_free(&source);
    text_free(&header);
    text_free(&weights);
    return done;
}

bool build_begin(Build *build) {
    build->arena = arena_create();
    const char *parent = getenv("TMPDIR");
    char *folder =
        arena_format(build->arena, "%s/riffle-XXXXXX", parent && *parent != '\0' ? parent : "/tmp");
    if (!mkdtemp(folder)) {
        diagnostics_error(build->diagnostics, "the environment variable TMPDIR names a folder",
            "cannot make the folder '%s': %s", folder, strerror(errno));
        return false;
    }
    build->folder = folder;
    build->source = arena_format(build->arena, "%s.c", build->program->name);
    build->weights = arena_format(build->arena, "%s_weights.S", build->program->name);
    return write_sources(build);
}

void build_end(Build *build) {
    DIR *folder = build->folder ? opendir(build->folder) : NULL;
    if (folder) {
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
            unlinkat(dirfd(folder), entry->d_name, 0);
        closedir(folder);
        rmdir(build->folder);
    }
    arena_destroy(build->arena);
}

bool build_read(Build *build, const char *file, Text *out) {
    const char *path = arena_format(build->arena, "%s/%s", build->folder, file);
    FILE *stream = fopen(path, "rb");
    if (!stream) {
        diagnostics_error(build->diagnostics, NULL, "cannot read '%s': %s", path, strerror(errno));
        return false;
    }
    char bytes[65536];
    for (size_t count; (count = fread(bytes, 1, sizeof bytes, stream)) > 0;)
        text_append_bytes(out, bytes, count);
    fclose(stream);
    return true;
}

/* ---- the compiler ---- */

static bool is_in_path(Arena *arena, const char *program) {
    const char *path = getenv("PATH");
    for (const char *at = path; at && *at != '\0';) {
        size_t length = strcspn(at, ":");
        if (access(arena_format(arena, "%.*s/%s", (int)length, at, program), X_OK) == 0)
            return true;
        at += length + (at[length] == ':');
    }
    return false;
}

/* The command as the user gave it, or the first compiler that is there. */
static const char *compiler_command(Build *build) {
    static const char *const usual[] = {"cc", "gcc", "clang"};
    if (build->program->c_compiler)
        return build->program->c_compiler;
    const char *command = getenv("CC");
    if (command && *command != '\0')
        return command;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (is_in_path(build->arena, usual[i]))
            return usual[i];
    return NULL;
}

/* Appends the words of a text to the list. */
static size_t split_words(Build *build, const char *text, const char **words, size_t count) {
    char *rest = arena_copy_string(build->arena, text);
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (*word != '\0')
            words[count++] = word;
    return count;
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
    count = split_words(build, command, words, count);
    if (count == 0)
        return NULL;
    count = split_words(build, flags, words, count);
    count = split_words(build, user_flags, words, count);
    for (size_t i = 0; arguments[i]; i++)
        words[count++] = arguments[i];
    return words;
}

/* Runs the words in the folder, with all that they say in a file there. Returns the exit status, or
 * -1 with errno when the program cannot be started. */
static int run_words(Build *build, const char **words) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, build->folder);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(
        &actions, STDOUT_FILENO, messages_file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    pid_t child;
    int error = posix_spawnp(&child, words[0], &actions, NULL, (char *const *)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        errno = error;
        return -1;
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* The first lines of what the compiler said. */
static void report_messages(Build *build, const char *command) {
    enum { MOST_BYTES = 2000 };
    Text messages = {0};
    build_read(build, messages_file, &messages);
    size_t length = messages.length < MOST_BYTES ? messages.length : MOST_BYTES;
    diagnostics_error(build->diagnostics, "--cc COMMAND names another C compiler",
        "the C compiler '%s' failed:", command);
    diagnostics_add_lines(build->diagnostics, messages.data, length);
    text_free(&messages);
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
    int status = run_words(build, words);
    if (status < 0)
        diagnostics_error(build->diagnostics, "--cc COMMAND names another C compiler",
            "cannot run the C compiler '%s': %s", words[0], strerror(errno));
    else if (status > 0)
        report_messages(build, command);
    return status == 0;
}

bool c_compile_objects(const Graph *graph, const Program *program, Text *code, Text *weights,
    Diagnostics *diagnostics) {
    Build build = {.graph = graph, .program = program, .diagnostics = diagnostics};
    bool done =
        build_begin(&build) &&
        build_run(&build, (const char *const[]){"-c", build.source, "-o", "code.o", NULL}) &&
        build_run(&build, (const char *const[]){"-c", build.weights, "-o", "weights.o", NULL}) &&
        build_read(&build, "code.o", code) && build_read(&build, "weights.o", weights);
    build_end(&build);
    return done;
}
