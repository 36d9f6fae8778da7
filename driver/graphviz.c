#include "driver/graphviz.h"
#include "ir/progress.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool fail(Session *session, const char *what, int error) {
    diagnostics_error(session->diagnostics, NULL, "cannot %s: %s", what, strerror(error));
    return false;
}

/* Runs dot from one file to another. Returns an errno value, and the exit status in *status. */
static int run_dot(FILE *drawing, FILE *svg, int *status) {
    char program[] = "dot", form[] = "-Tsvg";
    char *arguments[] = {program, form, NULL};
    posix_spawn_file_actions_t files;
    int error = posix_spawn_file_actions_init(&files);
    if (error != 0)
        return error;
    pid_t process = 0;
    error = posix_spawn_file_actions_adddup2(&files, fileno(drawing), STDIN_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&files, fileno(svg), STDOUT_FILENO);
    if (error == 0)
        error = posix_spawnp(&process, program, &files, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0)
        return error;
    while (waitpid(process, status, 0) < 0) {
        if (errno != EINTR)
            return errno;
    }
    return 0;
}

static void read_all(FILE *file, Text *text) {
    char buffer[1 << 14];
    rewind(file);
    for (size_t count; (count = fread(buffer, 1, sizeof buffer, file)) > 0;)
        text_append_bytes(text, buffer, count);
}

static bool render(const Text *drawing, FILE *input, FILE *output, Text *svg, Session *session) {
    if (fwrite(drawing->data, 1, drawing->length, input) != drawing->length || fflush(input) != 0)
        return fail(session, "write a temporary file", errno);
    rewind(input);
    int status = 0, error = run_dot(input, output, &status);
    if (error == ENOENT) {
        diagnostics_error(session->diagnostics,
            "install Graphviz (on Debian, the package graphviz), or write the drawing with --dot",
            "a picture needs Graphviz's program 'dot', which is not in the path");
        return false;
    }
    if (error != 0)
        return fail(session, "run 'dot'", error);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        diagnostics_error(session->diagnostics, NULL, "Graphviz's program 'dot' failed");
        return false;
    }
    read_all(output, svg);
    return true;
}

bool graphviz_render(const Text *drawing, Text *svg, Session *session) {
    FILE *input = tmpfile(), *output = tmpfile();
    int work = progress_begin("drawing by Graphviz", 0);
    bool done = input != NULL && output != NULL ? render(drawing, input, output, svg, session)
                                                : fail(session, "make a temporary file", errno);
    progress_end(work);
    if (input != NULL)
        fclose(input);
    if (output != NULL)
        fclose(output);
    return done;
}
