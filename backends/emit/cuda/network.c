/* The network as one global function: the calls of kernels phase by phase, with a barrier of the
 * grid between them. */
#include "backends/emit/c/syntax.h"
#include "backends/emit/cuda/source.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "ir/kernel.h"
#include "ir/text.h"

enum { BLOCKS_PER_MULTIPROCESSOR = 2 };

static void write_argument(
    const Program *program, const Argument *argument, bool table, Text *out) {
    const Buffer *buffer = &program->buffers[argument->buffer];
    long long offset = argument->offset;
    text_append(out, table ? "(const int *)(" : "");
    switch (buffer->kind) {
    case BUFFER_WEIGHTS:
        text_append(out, "p.weights");
        break;
    case BUFFER_WORKSPACE:
        text_append(out, "p.workspace");
        offset += buffer->offset / (int64_t)sizeof(float);
        break;
    case BUFFER_INPUT:
        text_format(out, "p.input%d", buffer->index);
        break;
    case BUFFER_OUTPUT:
        text_format(out, "p.output%d", buffer->index);
        break;
    case BUFFER_ROW_BYTES: /* rows of a GPU's inputs have no gaps */
        break;
    }
    if (offset != 0)
        text_format(out, " + %lld", offset);
    text_append(out, table ? ")" : "");
}

/* `before`: items of other steps of the phase, which the first blocks do. */
static void write_call(const Program *program, const Step *step, int64_t before, Text *out) {
    const Kernel *kernel = program->kernels[step->kernel];
    text_append(out, "    /* ");
    syntax_comment(out, step->path);
    text_append(out, step->path[0] ? ": " : "");
    syntax_comment(out, step->label);
    text_format(out, " */\n    %s(", kernel->name);
    for (int i = 0; i < kernel->parameter_count; i++) {
        write_argument(
            program, &step->arguments[i], kernel->parameters[i].role == PARAMETER_TABLE, out);
        text_append(out, ", ");
    }
    if (before == 0)
        text_append(out, "shared, blockIdx.x);\n");
    else
        text_format(out, "shared, block_after(%lld));\n", (long long)before);
}

int64_t cuda_phase_items(const Program *program, int phase) {
    int64_t items = 0;
    for (int i = 0; i < program->step_count; i++)
        if (program->steps[i].phase == phase)
            items += program->kernels[program->steps[i].kernel]->extent;
    return items;
}

/* The items of all steps of the phase in a row; each block takes every gridDim.x-th. A function of
 * its own, or the compiler would compute the addresses of all phases ahead. */
static void write_phase(const Program *program, int phase, Text *out) {
    int64_t before = 0;
    bool shared = false; /* whether an earlier step of the phase uses shared memory */
    text_format(out,
        "static __device__ __noinline__ void phase_%d(struct Pointers p, float *shared)\n{\n",
        phase);
    for (int i = 0; i < program->step_count; i++) {
        const Step *step = &program->steps[i];
        if (step->phase != phase)
            continue;
        bool shares = program->kernels[step->kernel]->local_count > 0;
        if (shares && shared)
            text_append(out, "    __syncthreads();\n");
        shared = shared || shares;
        write_call(program, step, before, out);
        before += program->kernels[step->kernel]->extent;
    }
    text_append(out, "}\n\n");
}

static bool has_shared_phases(const Program *program) {
    for (int i = 1; i < program->step_count; i++)
        if (program->steps[i].phase == program->steps[i - 1].phase)
            return true;
    return false;
}

static void write_pointers(const Program *program, Text *out) {
    text_append(out, "struct Pointers {\n    const float *weights;\n    float *workspace;\n");
    for (int i = 0; i < program->input_count; i++)
        text_format(out, "    const float *input%d;\n", i);
    for (int i = 0; i < program->output_count; i++)
        text_format(out, "    float *output%d;\n", i);
    text_append(out, "    unsigned *barrier;\n};\n\n");
}

static void write_grid_barrier(Text *out) {
    text_append(out,
        "/* All blocks of the grid get here before one goes on. Each adds one to the counter, the "
        "first\n"
        " * what is missing to a multiple of 2^31: the top bit turns when all have. */\n"
        "static __device__ void grid_barrier(unsigned *barrier)\n"
        "{\n"
        "    __syncthreads();\n"
        "    if (threadIdx.x == 0) {\n"
        "        unsigned step = blockIdx.x == 0 ? 0x80000000u - (gridDim.x - 1) : 1u;\n"
        "        __threadfence();\n"
        "        unsigned before = atomicAdd(barrier, step);\n"
        "        while (((before ^ *(volatile unsigned *)barrier) & 0x80000000u) == 0)\n"
        "            __nanosleep(20);\n"
        "        __threadfence();\n"
        "    }\n"
        "    __syncthreads();\n"
        "}\n\n");
}

static void write_network(const Program *program, const char *name, Text *out) {
    if (has_shared_phases(program))
        text_append(out, "/* The first item of this block, where so many blocks before it have "
                         "others to do. */\n"
                         "static __device__ int block_after(int items)\n"
                         "{\n"
                         "    return (blockIdx.x + gridDim.x - items % gridDim.x) % gridDim.x;\n"
                         "}\n\n");
    for (int phase = 0; phase < program->phase_count; phase++)
        write_phase(program, phase, out);
    text_format(out,
        "/* Phases first_phase to end_phase - 1. With more than one the launch must be "
        "cooperative. */\n"
        "static __global__ void __launch_bounds__(%d, %d) %s_network(\n"
        "    struct Pointers p, int first_phase, int end_phase)\n"
        "{\n"
        "    extern __shared__ float4 shared[];\n"
        "    #pragma unroll 1\n"
        "    for (int phase = first_phase; phase < end_phase; phase++) {\n"
        "        if (phase > first_phase)\n"
        "            grid_barrier(p.barrier);\n"
        "        switch (phase) {\n",
        CUDA_THREADS, BLOCKS_PER_MULTIPROCESSOR, name);
    for (int phase = 0; phase < program->phase_count; phase++)
        text_format(out,
            "        case %d:\n            phase_%d(p, (float *)shared);\n            break;\n",
            phase, phase);
    text_append(out, "        }\n    }\n}\n\n");
}

void cuda_network_write(const Program *program, const char *name, Text *out) {
    write_pointers(program, out);
    write_grid_barrier(out);
    write_network(program, name, out);
}
