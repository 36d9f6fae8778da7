/* LLVM and the C++ library below it end the process when memory runs out or something goes wrong
 * that LLVM calls fatal. Here they learn to say it in riffle's words, and to leave nothing behind.
 *
 * LLVM's C interface takes a handler for fatal errors, but none for a lack of memory. The functions
 * that do are C++; they are looked up by the names that every compiler of Linux gives them. Where
 * there are none, as in a static program, the last resort stays: the signals of abort() and of a
 * crash, which say nothing of the cause. */
#include "backends/emit/llvm/codegen.h"
#include "ir/ending.h"
#include <dlfcn.h>
#include <llvm-c/ErrorHandling.h>
#include <pthread.h>
#include <string.h>

static void end_by_error(const char *reason) {
    const char *parts[] = {"riffle: error: LLVM cannot go on", ending_work(), ": ", reason,
        "\nhint: this is a fault of LLVM or of how riffle uses it: please report it\n"};
    end_with(parts, sizeof parts / sizeof *parts);
}

/* LLVM asserts little and does not check each allocation, so the cause is not known here. */
static void end_by_signal(int number) {
    char hint[256];
    ending_memory_hint(hint, sizeof hint);
    const char *signal = number == SIGABRT ? "gave up" : "crashed";
    const char *parts[] = {"riffle: error: LLVM ", signal, ending_work(),
        "\nhint: memory may have run out: ", hint, "; if it did not, please report this\n"};
    end_with(parts, sizeof parts / sizeof *parts);
}

/* What LLVM calls; it gives its own words, which name no cause but this. */
static void end_without_memory(void *data, const char *reason, bool report) {
    (void)data, (void)reason, (void)report;
    out_of_memory();
}

typedef void NewHandler(void);
typedef NewHandler *SetNewHandler(NewHandler *handler);
typedef void BadAllocHandler(void *data, const char *reason, bool report);
typedef void InstallBadAllocHandler(BadAllocHandler *handler, void *data);

static void install(void) {
    LLVMInstallFatalErrorHandler(end_by_error);
    void *set_new_handler = dlsym(RTLD_DEFAULT, "_ZSt15set_new_handlerPFvvE");
    void *install_bad_alloc =
        dlsym(RTLD_DEFAULT, "_ZN4llvm31install_bad_alloc_error_handlerEPFvPvPKcbES0_");
    SetNewHandler *set = NULL;
    InstallBadAllocHandler *install_handler = NULL;
    memcpy(&set, &set_new_handler, sizeof set);
    memcpy(&install_handler, &install_bad_alloc, sizeof install_handler);
    if (set != NULL)
        set(out_of_memory);
    if (install_handler != NULL)
        install_handler(end_without_memory, NULL);
}

void codegen_expect_endings(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}

/* A stack that cannot grow is a crash, too, and leaves no room for a handler but here. */
static char handler_stack[1 << 16];

void llvm_work_begin(LlvmWork *work) {
    stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    sigaltstack(&stack, &work->stack_before);
    struct sigaction action = {.sa_handler = end_by_signal, .sa_flags = SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGABRT, &action, &work->abort_before);
    sigaction(SIGSEGV, &action, &work->crash_before);
}

void llvm_work_end(const LlvmWork *work) {
    sigaction(SIGSEGV, &work->crash_before, NULL);
    sigaction(SIGABRT, &work->abort_before, NULL);
    sigaltstack(&work->stack_before, NULL);
}
