/* libNAME.so: all of libNAME.a, linked by a linker of ELF files in a folder that is gone
 * afterwards. What a call needs besides (memcpy and its kin) stays undefined: every process that
 * can load a shared library has a C library, and so no version of one is asked for. Android's
 * loader looks only in libraries that are named, so there libc.so is. */
#include "backends/output/command.h"
#include "backends/output/output.h"
#include "backends/output/work_folder.h"
#include "backends/program/program.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How linkers call the files of an architecture, and GNU's linker that makes them elsewhere. */
typedef struct LinkedArchitecture {
    const char *emulation, *gnu;
} LinkedArchitecture;

static const LinkedArchitecture linked[ARCHITECTURE_COUNT] = {
    [ARCHITECTURE_X86_64] = {"elf_x86_64", "x86_64-linux-gnu-ld"},
    [ARCHITECTURE_AARCH64] = {"aarch64linux", "aarch64-linux-gnu-ld"},
    [ARCHITECTURE_ARM] = {"armelf_linux_eabi", "arm-linux-gnueabihf-ld"},
};

/* ---- the linker ---- */

/* The same from any folder. Links stay: lld asks by which name it was called. */
static const char *absolute_path(Arena *arena, const char *program) {
    char *here = strchr(program, '/') == NULL || *program == '/' ? NULL : getcwd(NULL, 0);
    const char *path = here == NULL ? program : arena_format(arena, "%s/%s", here, program);
    free(here);
    return path;
}

/* The linker of this machine makes files for its own architecture; of code of a C compiler for any
 * processor, the compiler's default is the likeliest. */
static bool is_of_this_machine(const Program *program) {
    const Target *native = target_native(program->arena);
    Architecture architecture = program->target->architecture;
    return architecture == ARCHITECTURE_ANY ||
           (native != NULL && native->architecture == architecture);
}

static bool has_shared_libraries(const Target *target) {
    return target->format == FORMAT_ELF && target->gpu == NULL;
}

const char *shared_library_linker(
    const Program *program, const char *asked, Diagnostics *diagnostics) {
    const Target *target = program->target;
    if (!has_shared_libraries(target)) {
        diagnostics_error(diagnostics,
            "leave it out, and link libNAME.a into a library of the platform's own kind",
            "--shared makes libraries for Linux and Android, and '%s' is neither", target->name);
        return NULL;
    }
    if (asked != NULL)
        return absolute_path(program->arena, asked);
    const char *gnu = linked[target->architecture].gnu;
    const char *found = program_find_version(program->arena, "ld.lld");
    if (found == NULL && is_of_this_machine(program) && program_is_in_path(program->arena, "ld"))
        found = "ld";
    if (found == NULL && gnu != NULL && program_is_in_path(program->arena, gnu))
        found = gnu;
    if (found == NULL)
        diagnostics_error(diagnostics,
            "install LLVM's lld or GNU's binutils, or name a linker with --linker",
            "there is no linker that makes a shared library for '%s'", target->name);
    return found;
}

/* ---- linking ---- */

typedef struct Linking {
    const Program *program;
    const char *linker;
    Diagnostics *diagnostics;
    WorkFolder folder;
} Linking;

static bool run_linker(const Linking *linking, const char *const *words) {
    static const char hint[] = "--linker PROGRAM names another linker";
    int status = work_folder_run(&linking->folder, words);
    if (status < 0)
        diagnostics_error(linking->diagnostics, hint, "cannot run the linker '%s': %s",
            linking->linker, strerror(errno));
    if (status > 0) {
        diagnostics_error(
            linking->diagnostics, hint, "the linker '%s' made no shared library:", linking->linker);
        work_folder_show_messages(&linking->folder);
    }
    return status == 0;
}

enum { MOST_WORDS = 40 };

static void add(const char **words, const char *const *more) {
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    while (*more != NULL)
        words[count++] = *more++;
}

/* The linker and what it is to make; a list that ends with NULL. */
static void begin_command(
    const Linking *linking, const char *soname, const char *file, const char **words) {
    const char *emulation = linked[linking->program->target->architecture].emulation;
    add(words,
        (const char *const[]){linking->linker, "-shared", "-soname", soname, "-o", file, NULL});
    if (emulation != NULL)
        add(words, (const char *const[]){"-m", emulation, NULL});
}

/* A library of that name with nothing in it: to be named as one that is needed. */
static bool make_empty_library(const Linking *linking, const char *soname, const char *file) {
    const char *words[MOST_WORDS] = {NULL};
    begin_command(linking, soname, file, words);
    add(words, (const char *const[]){"library.a", NULL});
    return run_linker(linking, words);
}

/* Pages of 16 KiB are the largest of Android's machines; of servers with ARM, of 64. */
static const char *page_option(const Target *target, bool android) {
    return target->architecture == ARCHITECTURE_AARCH64 && !android ? "max-page-size=65536"
                                                                    : "max-page-size=16384";
}

static bool link_library(const Linking *linking, const char *name) {
    const Target *target = linking->program->target;
    bool android = strstr(target->triple, "android") != NULL;
    const char *words[MOST_WORDS] = {NULL};
    begin_command(
        linking, arena_format(linking->program->arena, "lib%s.so", name), "library.so", words);
    add(words, (const char *const[]){"-z", "text", "-z", "noexecstack", "-z", "relro", "-z", "now",
                   "-z", page_option(target, android), "--build-id=none", "--hash-style=gnu",
                   "--version-script=exported", "--whole-archive", "library.a",
                   "--no-whole-archive", NULL});
    if (android && !make_empty_library(linking, "libc.so", "libc.so"))
        return false;
    if (android)
        add(words, (const char *const[]){"--no-as-needed", "libc.so", NULL});
    return run_linker(linking, words);
}

static bool write_files_to_link(
    const Linking *linking, const char *name, const Text *archive, const Splice *weights) {
    Text exported = {0};
    text_format(&exported, "{ global: %s_*; local: *; };\n", name);
    bool done = work_folder_write(&linking->folder, "exported", &exported) &&
                work_folder_write_spliced(&linking->folder, "library.a", archive, weights);
    text_free(&exported);
    return done;
}

bool shared_library_write(const Program *program, const char *linker, const Text *archive,
    const Splice *weights, Splice *out, Diagnostics *diagnostics) {
    const char *name = program_library_name(program);
    Linking linking = {.program = program, .linker = linker, .diagnostics = diagnostics};
    bool done = work_folder_make(&linking.folder, program->arena, diagnostics) &&
                write_files_to_link(&linking, name, archive, weights) &&
                link_library(&linking, name) &&
                work_folder_read_resting(&linking.folder, "library.so", program->arena, out);
    work_folder_remove(&linking.folder);
    return done;
}
