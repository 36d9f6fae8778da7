#include "backends/output/program_draw.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "ir/arena.h"
#include "ir/draw.h"
#include "ir/kernel.h"
#include "ir/text.h"

#include <stdlib.h>
#include <string.h>

/* A step that writes to a buffer, from `offset` on (in floats). */
typedef struct DrawingWriter {
    int step;
    int64_t offset;
} DrawingWriter;

typedef struct ProgramPicture {
    const Program *program;
    const char *only;
    Text *text;
    bool *is_drawn; /* by buffer: a step of the picture reads or writes it */
} ProgramPicture;

static bool is_wanted(const ProgramPicture *picture, int step) {
    return draw_path_matches(picture->program->steps[step].path, picture->only);
}

static ParameterRole role_of(const Program *program, const Step *step, int parameter) {
    return program->kernels[step->kernel]->parameters[parameter].role;
}

static int parameter_count(const Program *program, const Step *step) {
    return program->kernels[step->kernel]->parameter_count;
}

/* ---- steps ---- */

static void draw_step(const ProgramPicture *picture, int index) {
    const Step *step = &picture->program->steps[index];
    Text *text = picture->text;
    text_format(text,
        "  step%d [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" "
        "CELLPADDING=\"4\" COLOR=\"#777777\"><TR><TD BGCOLOR=\"%s\"><B>step %d</B> ",
        index, drawing_tint(index), index);
    drawing_escape(text, step->label);
    drawing_small_line(text, step->path, "#444444");
    text_append(text, "</TD></TR></TABLE>>]\n");
}

/* ---- buffers ---- */

static int compare_writers(const void *a, const void *b) {
    const DrawingWriter *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return x->step - y->step;
}

/* In the order of offsets; returns their number. */
static int find_writers(
    const Program *program, int buffer, Arena *scratch, DrawingWriter **writers) {
    int count = 0;
    *writers = ARENA_ARRAY(scratch, DrawingWriter, program->step_count + 1);
    for (int i = 0; i < program->step_count; i++) {
        const Step *step = &program->steps[i];
        bool found = false;
        for (int k = 0; !found && k < parameter_count(program, step); k++) {
            ParameterRole role = role_of(program, step, k);
            found = (role == PARAMETER_WRITE || role == PARAMETER_UPDATE) &&
                    step->arguments[k].buffer == buffer;
            if (found)
                (*writers)[count++] = (DrawingWriter){i, step->arguments[k].offset};
        }
    }
    qsort(*writers, (size_t)count, sizeof **writers, compare_writers);
    return count;
}

static const char *kind_word(BufferKind kind) {
    switch (kind) {
    case BUFFER_WORKSPACE:
        return "buffer";
    case BUFFER_INPUT:
        return "input";
    case BUFFER_OUTPUT:
        return "output";
    case BUFFER_ROW_BYTES:
        return "row bytes";
    case BUFFER_WEIGHTS:
        break;
    }
    return "weights";
}

static void append_writers(const ProgramPicture *picture, const DrawingWriter *writers, int count) {
    Text *text = picture->text;
    text_append(text, "<TR><TD CELLPADDING=\"0\" BORDER=\"0\"><TABLE BORDER=\"0\" CELLBORDER=\"1\" "
                      "CELLSPACING=\"0\" CELLPADDING=\"3\"><TR>");
    for (int i = 0; i < count; i++)
        text_format(text,
            "<TD PORT=\"w%d\" BGCOLOR=\"%s\" WIDTH=\"44\"><FONT POINT-SIZE=\"9\">+%lld</FONT></TD>",
            writers[i].step,
            is_wanted(picture, writers[i].step) ? drawing_tint(writers[i].step) : "#dddddd",
            (long long)writers[i].offset);
    text_append(text, "</TR></TABLE></TD></TR>");
}

static void draw_buffer(const ProgramPicture *picture, int index, Arena *scratch) {
    const Buffer *buffer = &picture->program->buffers[index];
    Text *text = picture->text;
    DrawingWriter *writers;
    int count = find_writers(picture->program, index, scratch, &writers);
    text_format(text,
        "  buffer%d [label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" "
        "CELLPADDING=\"3\" COLOR=\"#999999\" STYLE=\"ROUNDED\">",
        index);
    if (count > 0)
        append_writers(picture, writers, count);
    text_format(text, "<TR><TD PORT=\"out\" BGCOLOR=\"#ffffff\"><FONT POINT-SIZE=\"9\">%s %d: ",
        kind_word(buffer->kind), index);
    drawing_escape(text, buffer->name == NULL ? "" : buffer->name);
    text_format(text, "<BR/>%lld bytes", (long long)buffer->bytes);
    if (buffer->kind == BUFFER_WORKSPACE)
        text_format(text, " at %lld, steps %d to %d", (long long)buffer->offset, buffer->first_step,
            buffer->last_step);
    text_append(text, "</FONT></TD></TR></TABLE>>]\n");
    for (int i = 0; i < count; i++) {
        if (is_wanted(picture, writers[i].step))
            text_format(text, "  step%d -> buffer%d:w%d:n [color=\"%s\", penwidth=1.6]\n",
                writers[i].step, index, writers[i].step, drawing_line_color(writers[i].step));
    }
}

static void draw_reads(const ProgramPicture *picture, int index) {
    const Step *step = &picture->program->steps[index];
    for (int k = 0; k < parameter_count(picture->program, step); k++) {
        ParameterRole role = role_of(picture->program, step, k);
        if (role == PARAMETER_READ || role == PARAMETER_UPDATE)
            text_format(
                picture->text, "  buffer%d:out:s -> step%d\n", step->arguments[k].buffer, index);
    }
}

int program_draw(const Program *program, const char *only, Text *text) {
    Arena *scratch = arena_create();
    ProgramPicture picture = {.program = program, .only = only, .text = text};
    picture.is_drawn = ARENA_ARRAY(scratch, bool, program->buffer_count + 1);
    drawing_begin(text, program->name);
    int drawn = 0;
    for (int i = 0; i < program->step_count; i++) {
        if (!is_wanted(&picture, i))
            continue;
        drawn++;
        draw_step(&picture, i);
        draw_reads(&picture, i);
        const Step *step = &program->steps[i];
        for (int k = 0; k < parameter_count(program, step); k++) {
            if (role_of(program, step, k) != PARAMETER_WEIGHTS)
                picture.is_drawn[step->arguments[k].buffer] = true;
        }
    }
    int buffers = 0;
    for (int i = 0; i < program->buffer_count; i++) {
        if (!picture.is_drawn[i])
            continue;
        buffers++;
        draw_buffer(&picture, i, scratch);
    }
    drawing_end(text, drawn + buffers);
    arena_destroy(scratch);
    return drawn;
}
