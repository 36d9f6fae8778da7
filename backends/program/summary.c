/* What is known of a program: its size, its text. */
#include "backends/program/summary.h"
#include "backends/program/levels.h"
#include "backends/program/options.h"
#include "backends/program/program.h"
#include "backends/program/variants.h"
#include "backends/target/target.h"
#include "ir/kernel.h"
#include "ir/quote.h"
#include "ir/resting.h"
#include "ir/text.h"

const char *lower_chains_name(int chains) {
    static const char *const names[] = {
        [CHAINS_BY_COST] = "by-cost", [CHAINS_NEVER] = "never", [CHAINS_ALWAYS] = "always"};
    return chains < (int)(sizeof names / sizeof *names) ? names[chains] : NULL;
}

const char *lower_winograd_name(int winograd) {
    static const char *const names[] = {[WINOGRAD_BY_COST] = "by-cost",
        [WINOGRAD_NEVER] = "never",
        [WINOGRAD_ALWAYS] = "always",
        [WINOGRAD_2X2] = "2x2",
        [WINOGRAD_4X4] = "4x4"};
    return winograd < (int)(sizeof names / sizeof *names) ? names[winograd] : NULL;
}

const Target *program_target(const Program *program) {
    return program->target;
}

void program_destroy(Program *program) {
    if (program && program->levels)
        program_levels_destroy(program->levels);
    else if (program)
        resting_free(&program->weights);
}

ProgramSummary program_summary(const Program *program) {
    ProgramSummary summary = {.workspace_bytes = program->workspace_bytes,
        .workspace_lower_bound_bytes = program->workspace_lower_bound_bytes,
        .live_bytes = program->live_bytes,
        .weight_bytes = (int64_t)program->weights.length,
        .kernel_count = program->kernel_count,
        .step_count = program->step_count,
        .stack_bytes = program_stack_bytes(program)};
    if (program->measured->stack_bytes == 0 && !program->target->gpu)
        summary.unoptimized_stack_bytes = program_unoptimized_stack_bytes(program);
    for (int i = 0; i < program->step_count; i++) {
        const Step *step = &program->steps[i];
        summary.macs += step->macs;
        summary.bytes_moved += step->count.bytes_read + step->count.bytes_written;
        summary.layout_bytes += step->count.layout_bytes;
    }
    return summary;
}

static void append_comment(Text *text, const char *name, const char *label) {
    text_append(text, " # ");
    quote_append(text, name);
    text_append(text, *name != '\0' && *label != '\0' ? ": " : "");
    quote_append(text, label);
    text_append(text, "\n");
}

void program_print(const Program *program, Text *text) {
    static const char *const kinds[] = {[BUFFER_WORKSPACE] = "workspace",
        [BUFFER_INPUT] = "input",
        [BUFFER_OUTPUT] = "output",
        [BUFFER_WEIGHTS] = "weights",
        [BUFFER_ROW_BYTES] = "row bytes"};
    text_format(text, "program %s for %s, workspace %lld bytes\n\n", program->name,
        program->target->name, (long long)program->workspace_bytes);
    for (int i = 0; i < program->buffer_count; i++) {
        const Buffer *buffer = &program->buffers[i];
        text_format(
            text, "buffer %d = %s %lld bytes", i, kinds[buffer->kind], (long long)buffer->bytes);
        if (buffer->kind == BUFFER_WORKSPACE)
            text_format(text, " at %lld, steps %d to %d", (long long)buffer->offset,
                buffer->first_step, buffer->last_step);
        append_comment(text, buffer->name == NULL ? "" : buffer->name, "");
    }
    text_append(text, "\n");
    for (int i = 0; i < program->step_count; i++) {
        const Step *step = &program->steps[i];
        const Kernel *kernel = program->kernels[step->kernel];
        text_format(text, "step %d = %s(", i, kernel->name);
        for (int j = 0; j < kernel->parameter_count; j++)
            text_format(text, "%sbuffer %d + %lld", j > 0 ? ", " : "", step->arguments[j].buffer,
                (long long)step->arguments[j].offset);
        text_append(text, ")");
        if (step->scratch > 0)
            text_format(text, " scratch in buffer %d", step->scratch);
        append_comment(text, step->path, step->label);
    }
    for (int i = 0; i < program->kernel_count; i++) {
        text_append(text, "\n");
        kernel_print(program->kernels[i], text);
    }
}

bool program_input_is_of_bytes(const Program *program, int index) {
    for (int i = 0; i < program->buffer_count; i++)
        if (program->buffers[i].kind == BUFFER_ROW_BYTES && program->buffers[i].index == index)
            return true;
    return false;
}

int program_row_bytes_place(const Program *program, int index) {
    int place = 0;
    for (int i = 0; i < index; i++)
        place += program_input_is_of_bytes(program, i);
    return place;
}

const RestingBytes *program_weights(const Program *program) {
    if (program->variants)
        return &program->variants->programs[0]->weights;
    return program->levels ? &program->levels->programs[0]->weights : &program->weights;
}

const char *program_library_name(const Program *program) {
    return program->variants ? program->variants->name : program->name;
}

void program_set_backend(Program *program, Backend backend, const char *c_compiler) {
    program->backend = backend;
    program->c_compiler = c_compiler;
}

void program_set_shared(Program *program) {
    program->shared = true;
}

void program_set_runner(Program *program, const Runner *runner) {
    Runner *copy = NULL; /* options are copied about */
    if (runner != NULL) {
        copy = ARENA_NEW(program->arena, Runner);
        *copy = *runner;
    }
    program->runner = copy;
}

void program_levels_destroy(ProgramLevels *levels) {
    for (int i = 0; i < levels->count; i++)
        resting_free(&levels->programs[i]->weights);
}
