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
    table = table && buffer->kind != BUFFER_ROW_BYTES; /* the number itself */
    text_append(out, table ? "(const int *)(" : "");
    switch (buffer->kind) {
    case BUFFER_WEIGHTS:
        text_append(out, "opaque(p.weights)");
        break;
    case BUFFER_WORKSPACE:
        text_append(out, "opaque(p.workspace)");
        offset += buffer->offset / (int64_t)sizeof(float);
        break;
    case BUFFER_INPUT:
        text_format(out, "opaque(p.input%d)", buffer->index);
        break;
    case BUFFER_OUTPUT:
        text_format(out, "opaque(p.output%d)", buffer->index);
        break;
    case BUFFER_ROW_BYTES:
        text_format(out, "p.row_bytes%d", buffer->index);
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
        text_append(out, "blockIdx.x);\n");
    else
        text_format(out, "block_after(%lld));\n", (long long)before);
}

int64_t cuda_phase_items(const Program *program, int phase) {
    int64_t items = 0;
    for (int i = 0; i < program->step_count; i++)
        if (program->steps[i].phase == phase)
            items += program->kernels[program->steps[i].kernel]->extent;
    return items;
}

/* The items of all steps of the phase in a row; each block takes every gridDim.x-th. */
static void write_phase(const Program *program, int phase, Text *out) {
    int64_t before = 0;
    bool shared = false; /* whether an earlier step of the phase uses shared memory */
    text_format(
        out, "static __device__ __forceinline__ void phase_%d(struct Pointers p)\n{\n", phase);
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

static void write_pointers(const Program *program, const char *upper, Text *out) {
    text_append(out, "struct Pointers {\n    const float *weights;\n    float *workspace;\n");
    for (int i = 0; i < program->input_count; i++)
        text_format(out, "    const %s *input%d;\n",
            program_input_is_of_bytes(program, i) ? "unsigned char" : "float", i);
    for (int i = 0; i < program->output_count; i++)
        text_format(out, "    float *output%d;\n", i);
    text_format(out,
        "    unsigned *arrived; /* blocks, at the barrier behind each phase */\n"
        "#ifdef %s_STAMPS\n"
        "    unsigned long long *stamps; /* [phase][begin, end][block] */\n"
        "    unsigned stamp_blocks;\n"
        "#endif\n",
        upper);
    for (int i = 0; i < program->input_count; i++)
        if (program_input_is_of_bytes(program, i))
            text_format(out, "    int row_bytes%d;\n", i);
    text_append(out,
        "};\n\n"
        "/* A pointer of which the compiler knows nothing: it would compute the addresses "
        "of all phases\n * ahead. */\n"
        "template <typename T> static __device__ __forceinline__ T *opaque(T *pointer)\n"
        "{\n"
        "    asm volatile(\"\" : \"+l\"(pointer));\n"
        "    return pointer;\n"
        "}\n\n");
}

static void write_grid_barrier(Text *out) {
    text_append(out,
        "/* What this block wrote before is seen by who reads the sum, or a later one, by "
        "load_acquire. */\n"
        "static __device__ void add_release(unsigned *sum, unsigned value)\n"
        "{\n"
        "    asm volatile(\"red.release.gpu.add.u32 [%0], %1;\" : : \"l\"(sum), \"r\"(value) : "
        "\"memory\");\n"
        "}\n\n"
        "static __device__ unsigned load_acquire(const unsigned *sum)\n"
        "{\n"
        "    unsigned value;\n"
        "    asm volatile(\"ld.acquire.gpu.u32 %0, [%1];\" : \"=r\"(value) : \"l\"(sum) : "
        "\"memory\");\n"
        "    return value;\n"
        "}\n\n"
        "/* Between two phases, the first of which has `before` items and the next `after`: the "
        "blocks "
        "that\n"
        " * have worked arrive, and those that will work wait until all of them have. */\n"
        "static __device__ __noinline__ void grid_barrier(unsigned *arrived, unsigned before, "
        "unsigned "
        "after)\n"
        "{\n"
        "    const unsigned all = before < gridDim.x ? before : gridDim.x;\n"
        "    if (blockIdx.x >= all && blockIdx.x >= after)\n"
        "        return;\n"
        "    __syncthreads();\n"
        "    if (threadIdx.x == 0) {\n"
        "        if (blockIdx.x < all)\n"
        "            add_release(arrived, 1u);\n"
        "        while (blockIdx.x < after && load_acquire(arrived) < all)\n"
        "            __nanosleep(20);\n"
        "    }\n"
        "    __syncthreads();\n"
        "}\n\n"
        "/* Behind the last phase, of so many items: who comes last sets all counters back for the "
        "next "
        "run. */\n"
        "static __device__ __noinline__ void grid_end(unsigned *arrived, int phases, unsigned "
        "items)\n"
        "{\n"
        "    const unsigned all = items < gridDim.x ? items : gridDim.x;\n"
        "    if (threadIdx.x != 0 || blockIdx.x >= all || atomicAdd(&arrived[phases - 1], 1u) + 1 "
        "< "
        "all)\n"
        "        return;\n"
        "    for (int phase = 0; phase < phases; phase++)\n"
        "        atomicExch(&arrived[phase], 0u);\n"
        "}\n\n");
}

/* Behind the macro, since it takes time. */
static void write_stamp(const char *upper, Text *out) {
    text_format(out, "#ifdef %s_STAMPS\n", upper);
    text_append(out,
        "/* When this block, one of so many that have work, begins (2 * phase) and ends (2 * phase "
        "+ "
        "1). */\n"
        "static __device__ void stamp(const struct Pointers &p, int number, unsigned items)\n"
        "{\n"
        "    unsigned long long now;\n"
        "    __syncthreads();\n"
        "    asm volatile(\"mov.u64 %0, %%globaltimer;\" : \"=l\"(now));\n"
        "    if (threadIdx.x == 0 && blockIdx.x < items)\n"
        "        p.stamps[number * p.stamp_blocks + blockIdx.x] = now;\n"
        "}\n"
        "#define STAMP(number, items) stamp(p, number, items)\n"
        "#else\n"
        "#define STAMP(number, items) (void)0\n"
        "#endif\n\n");
}

/* The call of a phase between its stamps. */
static void write_stamped(const Program *program, int phase, const char *indent, Text *out) {
    long long items = (long long)cuda_phase_items(program, phase);
    text_format(out, "%sSTAMP(%d, %lld);\n%sphase_%d(p);\n%sSTAMP(%d, %lld);\n", indent, 2 * phase,
        items, indent, phase, indent, 2 * phase + 1, items);
}

static void write_one_phase(const Program *program, Text *out) {
    text_append(out, "static __device__ __noinline__ void one_phase(struct Pointers p, int phase)\n"
                     "{\n"
                     "    switch (phase) {\n");
    for (int phase = 0; phase < program->phase_count; phase++) {
        text_format(out, "    case %d:\n", phase);
        write_stamped(program, phase, "        ", out);
        text_append(out, "        break;\n");
    }
    text_append(out, "    }\n}\n\n");
}

static void write_network(const Program *program, const Names *names, Text *out) {
    if (has_shared_phases(program))
        text_append(out, "/* The first item of this block, where so many blocks before it have "
                         "others to do. */\n"
                         "static __device__ int block_after(int items)\n"
                         "{\n"
                         "    return (blockIdx.x + gridDim.x - items % gridDim.x) % gridDim.x;\n"
                         "}\n\n");
    for (int phase = 0; phase < program->phase_count; phase++)
        write_phase(program, phase, out);
    write_one_phase(program, out);
    text_format(out,
        "/* All phases, which must be launched as cooperative, or only one; -1: all. */\n"
        "#ifdef %s_ALONE /* without host functions: a loader finds it by its name */\n"
        "extern \"C\"\n"
        "#else\n"
        "static\n"
        "#endif\n"
        "__global__ void __launch_bounds__(%d, %d) %s_network(struct Pointers p, int only)\n"
        "{\n"
        "    if (only >= 0) {\n"
        "        one_phase(p, only);\n"
        "        return;\n"
        "    }\n",
        names->upper, CUDA_THREADS, BLOCKS_PER_MULTIPROCESSOR, names->name);
    for (int phase = 0; phase < program->phase_count; phase++) {
        long long items = (long long)cuda_phase_items(program, phase);
        if (phase > 0)
            text_format(out, "    grid_barrier(opaque(p.arrived) + %d, %lld, %lld);\n", phase - 1,
                (long long)cuda_phase_items(program, phase - 1), items);
        write_stamped(program, phase, "    ", out);
    }
    if (program->phase_count > 1)
        text_format(out, "    grid_end(opaque(p.arrived), %d, %lld);\n", program->phase_count,
            (long long)cuda_phase_items(program, program->phase_count - 1));
    text_append(out, "}\n\n");
}

void cuda_network_write(const Program *program, const Names *names, Text *out) {
    write_pointers(program, names->upper, out);
    if (program->phase_count > 1)
        write_grid_barrier(out);
    write_stamp(names->upper, out);
    write_network(program, names, out);
}
