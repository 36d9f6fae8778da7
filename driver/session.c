#include "driver/driver.h"
#include "driver/progress.h"

#include "backends/backends.h"
#include "frontend/frontend.h"
#include "ir/write_files.h"
#include <errno.h>
#include <string.h>

Session session_begin(void) {
    frontend_expect_endings();
    return (Session){.arena = arena_create(), .diagnostics = diagnostics_create()};
}

int session_finish(Session *session, int status) {
    progress_finish();
    if (fflush(stdout) != 0 || ferror(stdout))
        diagnostics_error(
            session->diagnostics, NULL, "cannot write standard output: %s", strerror(errno));
    if (status == EXIT_DONE && diagnostics_error_count(session->diagnostics) > 0)
        status = EXIT_FAILED;
    messages_print(session->messages, session->diagnostics, status, stderr);
    session_discard(session);
    return status;
}

void session_discard(Session *session) {
    diagnostics_destroy(session->diagnostics);
    arena_destroy(session->arena);
    *session = (Session){0};
}

bool write_or_print(const Text *text, const char *path, Session *session) {
    int error = 0;
    if (path == NULL)
        fwrite(text->data, 1, text->length, stdout);
    else
        error = text_write_file(text, path);
    if (error != 0)
        report_unwritten(session->diagnostics, path, error);
    return error == 0;
}

bool ends_with(const char *string, const char *ending) {
    size_t length = strlen(string), ending_length = strlen(ending);
    return length >= ending_length && strcmp(string + length - ending_length, ending) == 0;
}

bool require_llvm(Session *session) {
    if (llvm_is_built_in())
        return true;
    diagnostics_error(session->diagnostics,
        "leave out --backend llvm: C source needs none; or build riffle with LLVM 19 or newer",
        "this riffle was built without LLVM");
    return false;
}
