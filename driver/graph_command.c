#include "driver/graph_command.h"

#include "ir/ending.h"
#include "ir/write_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the shell says of commands that are not there, or may not be run (POSIX). */
enum { STATUS_FORBIDDEN = 126, STATUS_ABSENT = 127 };

static void be_silent(void) {
    int nothing = open("/dev/null", O_RDWR);
    for (int stream = STDIN_FILENO; nothing >= 0 && stream <= STDERR_FILENO; stream++)
        dup2(nothing, stream);
}

static _Noreturn void become(
    const GraphCommand *command, const char *path, const HeldSignals *signals) {
    char *line;
    setpgid(0, 0);
    signals_release(signals);
    if (command->silent)
        be_silent();
    if (asprintf(&line, "%s \"$1\"", command->line) >= 0)
        execl("/bin/sh", "sh", "-c", line, "sh", path, (char *)NULL);
    _exit(STATUS_ABSENT);
}

static GraphCommandEnd run_on_file(
    const GraphCommand *command, const char *path, const HeldSignals *signals, Session *session) {
    GraphCommandEnd end = {0};
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        become(command, path, signals);
    if (child < 0) {
        diagnostics_error(
            session->diagnostics, NULL, "cannot start a process: %s", strerror(errno));
        return end;
    }
    setpgid(child, child); /* whoever comes first */
    end.status = signals_wait_group(signals, child, (double)command->seconds, &end.late);
    end.ran = !signals_came(signals);
    return end;
}

static void remove_file(void *path) {
    (void)unlink(path);
}

static char *make_file(const GraphCommand *command, Session *session) {
    static const char ending[] = ".rir";
    const char *folder = getenv("TMPDIR");
    char *path = arena_format(session->arena, "%s/riffle-%s-XXXXXX%s",
        folder != NULL && folder[0] != '\0' ? folder : "/tmp", command->purpose, ending);
    int file = mkstemps(path, sizeof ending - 1);
    if (file < 0) {
        diagnostics_error(session->diagnostics, "TMPDIR names another folder",
            "cannot make the file '%s': %s", path, strerror(errno));
        return NULL;
    }
    close(file);
    return path;
}

GraphCommandEnd graph_command_run(
    const GraphCommand *command, const Text *text, const HeldSignals *signals, Session *session) {
    GraphCommandEnd end = {0};
    char *path = make_file(command, session);
    if (path == NULL)
        return end;
    Ending ending;
    ending_expect(&ending, remove_file, path);
    int error = text_write_file(text, path);
    if (error == 0)
        end = run_on_file(command, path, signals, session);
    else if (!signals_came(signals))
        report_unwritten(session->diagnostics, path, error);
    ending_forget(&ending);
    remove_file(path);
    return end;
}

int graph_command_status(const GraphCommandEnd *end) {
    return end->late || !WIFEXITED(end->status) ? -1 : WEXITSTATUS(end->status);
}

bool graph_command_is_impossible(const GraphCommandEnd *end) {
    int status = graph_command_status(end);
    return status == STATUS_FORBIDDEN || status == STATUS_ABSENT;
}
