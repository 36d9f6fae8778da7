/* Rows of a large input, fetched ahead: the input of a chain comes from the third-level cache or
 * memory, and while a row is waited for nothing is multiplied. So the op of a chain that takes
 * longest brings the rows that come next into the second-level cache, a few lines with each of its
 * tiles. */
#include "backends/kernels/row_fetch.h"
#include "backends/program/math.h"
#include "backends/program/placement.h"
#include "backends/schedule/shape.h"
#include "backends/target/target.h"
#include "ir/arena.h"
#include "ir/kernel.h"

enum { LINE_BYTES = 64, MOST_LINES = 64 /* with one tile */ };

static bool has_parameter(const RowFetch *fetch, int count, int parameter) {
    for (int i = 0; i < count; i++)
        if (fetch->parameters[i] == parameter)
            return true;
    return false;
}

/* One of the runs in each buffer: they lie pixel by pixel beside each other. */
static void add_runs(RowFetch *fetch, const Placement *input, const int *parameters) {
    for (int i = 0; i < input->run_count && fetch->run_count < MOST_FETCHED_RUNS; i++) {
        if (input->runs[i].ring_rows > 0 || has_parameter(fetch, fetch->run_count, parameters[i]))
            continue;
        fetch->runs[fetch->run_count] = &input->runs[i];
        fetch->parameters[fetch->run_count++] = parameters[i];
    }
}

const RowFetch *make_row_fetch(Arena *arena, const Target *target, const Placement *input,
    const int *parameters, const Window *windows, int count) {
    int64_t numbers = input->images * input->height * input->width * input->channels;
    if (numbers * counted_bytes(input->element) <= target->l2_bytes / 2)
        return NULL;
    RowFetch *fetch = ARENA_NEW(arena, RowFetch);
    int64_t end = 1;
    fetch->line = LINE_BYTES / counted_bytes(input->element);
    fetch->rows = fetch->columns = 1;
    for (int i = count - 1; i >= 0; i--) {
        const Window *window = &windows[i];
        int64_t reach = (window->kernel[0] - 1) * window->dilation[0];
        end = (end - 1) * window->stride[0] - window->padding[0] + reach + 1;
        fetch->rows *= window->stride[0];
        fetch->columns *= window->stride[1];
    }
    fetch->first_row = end;
    add_runs(fetch, input, parameters);
    return fetch;
}

/* The lines of one row of a run, of a channel where the run is planar. */
static void fetch_lines(KernelBuilder *builder, int parameter, const Expression *offset,
    int64_t numbers, int64_t line_numbers, const FetchingTile *tile) {
    int64_t shares = tile->shares, lines = (numbers + line_numbers - 1) / line_numbers;
    int64_t each = (lines + shares - 1) / shares;
    if (each > MOST_LINES)
        return;
    const Expression *first = expression_add(builder->arena, offset,
        expression_multiply(builder->arena, tile->share, each * line_numbers));
    for (int64_t line = 0; line < each; line++)
        kernel_prefetch(
            builder, parameter, expression_offset(builder->arena, first, line * line_numbers));
}

void emit_row_fetch(KernelBuilder *builder, const RowFetch *fetch, const FetchingTile *tile) {
    Arena *arena = builder->arena;
    for (int i = 0; i < fetch->run_count; i++) {
        const Run *run = fetch->runs[i];
        bool planar = run->channel_stride != 1;
        int64_t numbers = tile->pixels * fetch->columns * run->pixel_stride;
        const Expression *start =
            expression_sum(arena, expression_multiply(arena, tile->image, run->image_stride),
                expression_multiply(arena, tile->row, fetch->rows * run->row_stride),
                expression_multiply(arena, tile->column, fetch->columns * run->pixel_stride),
                expression_constant(arena, run->displacement + fetch->first_row * run->row_stride),
                NULL);
        for (int64_t channel = 0; channel < (planar ? run->channel_count : 1); channel++)
            for (int64_t row = 0; row < fetch->rows; row++)
                fetch_lines(builder, fetch->parameters[i],
                    expression_offset(
                        arena, start, channel * run->channel_stride + row * run->row_stride),
                    numbers, fetch->line, tile);
    }
}
