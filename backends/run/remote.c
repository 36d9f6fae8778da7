/* Runs a program elsewhere: linked with a small program around it that needs no library
 * (runtime/remote_program.c), which a runner runs. Inputs go there and outputs come back by files,
 * in a folder that is gone afterwards. */
#include "backends/output/command.h"
#include "backends/output/output.h"
#include "backends/output/work_folder.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/run/device.h"
#include "backends/run/loaded.h"
#include "backends/run/model.h"
#include "backends/run/remote_sources.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/diagnostics.h"
#include "ir/ending.h"
#include "ir/text.h"
#include "runtime/remote_protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct Remote {
    const Program *program;
    Arena *arena;
    Diagnostics *diagnostics;
    WorkFolder folder;
    Device device;
    const Buffer **inputs, **outputs; /* of the program, in order */
};

/* Names in the folder. */
static const char source_name[] = "remote_program.c", protocol_name[] = "remote_protocol.h";
static const char system_name[] = "remote_system.h";
static const char library_name[] = "library.a", program_name[] = "program";
static const char request_name[] = "request", answer_name[] = "answer";

/* ---- the program ---- */

typedef struct ProgramCompiler {
    Architecture architecture;
    const char *command;
} ProgramCompiler;

static const ProgramCompiler compilers[] = {
#define PROGRAM_COMPILER(architecture, command) {ARCHITECTURE_##architecture, command},
#include "backends/run/program_compilers.def"
};

enum { COMPILERS = sizeof compilers / sizeof *compilers };

bool runner_takes_target(const Target *target) {
    bool known = false;
    for (size_t i = 0; i < COMPILERS; i++)
        known = known || compilers[i].architecture == target->architecture;
    return known && target->format == FORMAT_ELF;
}

/* With the arguments that the command has behind its first word; NULL where it is not there. */
static const char *find_command(const Remote *remote, const char *command) {
    size_t length = strcspn(command, " ");
    const char *name =
        program_find_version(remote->arena, arena_copy_bytes(remote->arena, command, length));
    return name == NULL ? NULL : arena_format(remote->arena, "%s%s", name, command + length);
}

static const char *find_compiler(const Remote *remote) {
    const Program *program = remote->program;
    const Target *native = target_native(remote->arena);
    const char *names = "", *found = program->runner->c_compiler;
    for (size_t i = 0; found == NULL && i < COMPILERS; i++) {
        if (compilers[i].architecture != program->target->architecture)
            continue;
        const char *command = compilers[i].command;
        found = find_command(remote, command);
        names = arena_format(remote->arena, "%s%s%.*s", names, *names == '\0' ? "" : " or ",
            (int)strcspn(command, " "), command);
    }
    if (found == NULL && native != NULL && native->architecture == program->target->architecture)
        found = find_command(remote, "cc");
    if (found == NULL)
        diagnostics_error(remote->diagnostics,
            arena_format(remote->arena, "install %s, or name a C compiler with --runner-cc", names),
            "there is no C compiler that makes programs for '%s'", program->target->name);
    return found;
}

/* How floats are passed, of which a linker wants to hear the same of all objects. */
static const char *float_abi(const Target *target) {
    return target->architecture != ARCHITECTURE_ARM   ? NULL
           : strstr(target->triple, "eabihf") != NULL ? "-mfloat-abi=hard"
                                                      : "-mfloat-abi=softfp";
}

static bool run_compiler(const Remote *remote, const char *command) {
    Arena *arena = remote->arena;
    const char *name = remote->program->name;
    const char *const arguments[] = {"-std=gnu11", "-O2", "-ffreestanding", "-fno-stack-protector",
        "-nostdlib", "-static", arena_format(arena, "-DNETWORK_RUN=%s_run", name),
        arena_format(arena, "-DNETWORK_RUN_PARALLEL=%s_run_parallel", name), source_name,
        library_name, "-o", program_name, float_abi(remote->program->target), NULL};
    const char **words = ARENA_ARRAY(
        arena, const char *, strlen(command) / 2 + 1 + sizeof arguments / sizeof *arguments);
    size_t count = command_split(arena, command, words, 0);
    if (count == 0) {
        diagnostics_error(remote->diagnostics, NULL, "--runner-cc names no program");
        return false;
    }
    memcpy(words + count, arguments, sizeof arguments);
    static const char hint[] = "--runner-cc COMMAND names another C compiler";
    int status = work_folder_run(&remote->folder, words);
    if (status < 0)
        diagnostics_error(remote->diagnostics, hint, "cannot run the C compiler '%s': %s", words[0],
            strerror(errno));
    if (status > 0) {
        diagnostics_error(remote->diagnostics, hint,
            "the C compiler '%s' could not make a program for '%s':", command,
            remote->program->target->name);
        work_folder_show_messages(&remote->folder);
    }
    return status == 0;
}

static bool write_library(const Remote *remote) {
    Text library = {0};
    Splice splice;
    bool done = library_write(NULL, remote->program, &library, &splice, remote->diagnostics) &&
                work_folder_write_spliced(&remote->folder, library_name, &library, &splice);
    text_free(&library);
    return done;
}

static bool write_source(const Remote *remote, const char *name, const char *bytes) {
    Text text = {0};
    text_append(&text, bytes);
    bool done = work_folder_write(&remote->folder, name, &text);
    text_free(&text);
    return done;
}

static bool make_program(const Remote *remote) {
    const char *compiler = find_compiler(remote);
    return compiler != NULL && write_library(remote) &&
           write_source(remote, source_name, remote_program_source) &&
           write_source(remote, protocol_name, remote_protocol_source) &&
           write_source(remote, system_name, remote_system_source) &&
           run_compiler(remote, compiler);
}

/* ---- loading ---- */

static const Buffer **find_buffers(const Remote *remote, BufferKind kind, int count) {
    const Buffer **found = ARENA_ARRAY(remote->arena, const Buffer *, count);
    for (int i = 0; i < remote->program->buffer_count; i++) {
        const Buffer *buffer = &remote->program->buffers[i];
        if (buffer->kind == kind)
            found[buffer->index] = buffer;
    }
    return found;
}

static void unload(void *handle) {
    Remote *remote = handle;
    if (remote->folder.path != NULL)
        device_close(&remote->device);
    work_folder_remove(&remote->folder);
    arena_destroy(remote->arena);
}

LoadedModel *remote_load(const Program *program, Diagnostics *diagnostics) {
    Arena *arena = arena_create();
    Remote *remote = ARENA_NEW(arena, Remote);
    remote->arena = arena;
    remote->program = program;
    remote->diagnostics = diagnostics;
    remote->inputs = find_buffers(remote, BUFFER_INPUT, program->input_count);
    remote->outputs = find_buffers(remote, BUFFER_OUTPUT, program->output_count);
    if (!work_folder_make(&remote->folder, arena, diagnostics) ||
        !device_open(&remote->device, program->runner, &remote->folder) || !make_program(remote) ||
        !device_put(&remote->device, program_name)) {
        unload(remote);
        return NULL;
    }
    LoadedModel *model = calloc(1, sizeof *model);
    if (model == NULL)
        out_of_memory();
    *model = (LoadedModel){.remote = remote, .code_bytes = -1, .handle = remote, .unload = unload};
    return model;
}

Diagnostics *remote_diagnostics(const Remote *remote) {
    return remote->diagnostics;
}

/* ---- running ---- */

static void append_number(Text *text, int64_t number) {
    uint64_t bits = (uint64_t)number;
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(bits >> (8 * i));
    text_append_bytes(text, bytes, sizeof bytes);
}

static uint64_t number_at(const char *bytes) {
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    return number;
}

static bool write_request(
    const Remote *remote, const float *const *inputs, const RunTiming *timing) {
    static const RunTiming once = {.runs = 1};
    const Program *program = remote->program;
    if (timing == NULL)
        timing = &once;
    const int64_t numbers[REQUEST_NUMBERS] = {[REQUEST_INPUTS] = program->input_count,
        [REQUEST_OUTPUTS] = program->output_count,
        [REQUEST_WORKSPACE] = program_summary(program).workspace_bytes,
        [REQUEST_STEPS] = timing->steps,
        [REQUEST_WARM_UP] = timing->warm_up,
        [REQUEST_SAMPLES] = timing->most,
        [REQUEST_RUNS] = timing->runs,
        [REQUEST_NANOSECONDS] = (int64_t)(timing->seconds * 1e9),
        [REQUEST_MADE_UP] = timing->made_up,
        [REQUEST_THREADS] = program->runner->threads,
        [REQUEST_APART] = timing->apart};
    Text request = {0};
    for (int i = 0; i < REQUEST_NUMBERS; i++)
        append_number(&request, numbers[i]);
    for (int i = 0; i < program->input_count; i++)
        append_number(&request, remote->inputs[i]->bytes);
    for (int i = 0; i < program->output_count; i++)
        append_number(&request, remote->outputs[i]->bytes);
    for (int i = 0; i < program->input_count && !timing->made_up; i++)
        text_append_bytes(&request, inputs[i], (size_t)remote->inputs[i]->bytes);
    bool written = work_folder_write(&remote->folder, request_name, &request);
    text_free(&request);
    return written;
}

/* Of the numbers at its head: the bytes that an answer has. */
static size_t answer_bytes(const Remote *remote, const RunTiming *timing, uint64_t samples) {
    uint64_t times =
        timing == NULL ? 0 : samples * (uint64_t)(timing->steps > 0 ? timing->steps : 1);
    size_t bytes = 8 * (ANSWER_NUMBERS + (size_t)times + 1);
    for (int i = 0; i < remote->program->output_count; i++)
        bytes += (size_t)remote->outputs[i]->bytes;
    return bytes;
}

static bool answer_is_whole(const Remote *remote, const RunTiming *timing, const Text *answer) {
    size_t wanted = answer_bytes(remote, timing, 0);
    uint64_t samples = 0;
    if (answer->length >= wanted) {
        samples = number_at(answer->data + 8 * ANSWER_SAMPLES);
        if (samples > (uint64_t)(timing == NULL ? 0 : timing->most))
            samples = 0; /* then it does not fit either */
        wanted = answer_bytes(remote, timing, samples);
    }
    if (answer->length == wanted && number_at(answer->data + answer->length - 8) == ANSWER_END)
        return true;
    diagnostics_error(remote->diagnostics,
        "a runner must wait for the program, which sees the same files",
        "the program that ran the network gave no whole answer: %zu of %zu bytes", answer->length,
        wanted);
    return false;
}

/* Accesses that must not be, as the program found them. */
static bool check_faults(const Remote *remote, const Text *answer) {
    static const char hint[] = "this is a fault of riffle: please report it";
    uint64_t fault = number_at(answer->data + 8 * ANSWER_FAULT);
    uint64_t array = number_at(answer->data + 8 * ANSWER_ARRAY);
    uint64_t inputs = (uint64_t)remote->program->input_count;
    uint64_t outputs = (uint64_t)remote->program->output_count;
    if (fault == FAULT_NONE)
        return true;
    const char *name = array < inputs             ? remote->inputs[array]->name
                       : array < inputs + outputs ? remote->outputs[array - inputs]->name
                                                  : "the workspace";
    if (fault == FAULT_INPUT)
        diagnostics_error(remote->diagnostics, hint, "compiled code changed its input '%s'", name);
    else
        diagnostics_error(remote->diagnostics, hint, "compiled code wrote outside '%s'", name);
    return false;
}

static int take_answer(const Remote *remote, float *const *outputs, const RunTiming *timing,
    const Text *answer, double *samples, int64_t *taken) {
    if (!answer_is_whole(remote, timing, answer) || !check_faults(remote, answer))
        return JIT_REPORTED;
    const char *at = answer->data + 8 * ANSWER_NUMBERS;
    if (timing != NULL) {
        *taken = (int64_t)number_at(answer->data + 8 * ANSWER_SAMPLES);
        int64_t times = *taken * (timing->steps > 0 ? timing->steps : 1);
        for (int64_t i = 0; i < times; i++, at += 8)
            samples[i] = (double)number_at(at) * 1e-9;
    }
    for (int i = 0; i < remote->program->output_count; i++) {
        memcpy(outputs[i], at, (size_t)remote->outputs[i]->bytes);
        at += remote->outputs[i]->bytes;
    }
    return (int)(int64_t)number_at(answer->data + 8 * ANSWER_STATUS);
}

int remote_run(Remote *remote, const float *const *inputs, float *const *outputs,
    const RunTiming *timing, double *samples, int64_t *taken) {
    Text answer = {0};
    bool is_there = false;
    int status = JIT_REPORTED;
    if (write_request(remote, inputs, timing) && device_put(&remote->device, request_name) &&
        device_run(&remote->device, program_name, request_name, answer_name) &&
        device_get(&remote->device, answer_name, &is_there) &&
        (!is_there || work_folder_read(&remote->folder, answer_name, &answer)))
        status = take_answer(remote, outputs, timing, &answer, samples, taken);
    text_free(&answer);
    return status;
}
