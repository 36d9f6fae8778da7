/* One kernel as a CUDA function for a block of threads. */
#include "backends/emit/c/syntax.h"
#include "backends/emit/cuda/source.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "ir/arena.h"
#include "ir/kernel.h"
#include "ir/text.h"
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- what the functions call ---- */

/* A function that kernels call; after those that it calls itself. */
typedef struct CudaHelper {
    const char *name, *text;
} CudaHelper;

/* x, y, z, w of a function of four lanes. */
#define LANES(name, of_x, of_y, of_z, of_w)                                                        \
    "INLINE float4 " name "\n{\n    return make_float4(" of_x ", " of_y ",\n        " of_z         \
    ", " of_w ");\n}\n"
#define BINARY(name, operator)                                                                     \
    LANES(name "(float4 a, float4 b)", "a.x " operator" b.x", "a.y " operator" b.y",               \
        "a.z " operator" b.z", "a.w " operator" b.w")
#define CHOICE(name, operator)                                                                     \
    LANES(name "(float4 a, float4 b)", "a.x " operator" b.x ? a.x : b.x",                          \
        "a.y " operator" b.y ? a.y : b.y", "a.z " operator" b.z ? a.z : b.z",                      \
        "a.w " operator" b.w ? a.w : b.w")
#define UNARY(name, function)                                                                      \
    LANES(name "(float4 a)", function "(a.x)", function "(a.y)", function "(a.z)", function "(a.w)")

static const CudaHelper helpers[] = {
    {"smaller", "INLINE int smaller(int a, int b) { return a < b ? a : b; }\n"},
    {"larger", "INLINE int larger(int a, int b) { return a > b ? a : b; }\n"},
    {"load4", "INLINE float4 load4(const float *at) { return *(const float4 *)at; }\n"},
    {"load_weights4",
        "INLINE float4 load_weights4(const float *at) { return __ldg((const float4 *)at); }\n"},
    {"store4", "INLINE void store4(float *at, float4 a) { *(float4 *)at = a; }\n"},
    {"spread4", "INLINE float4 spread4(float a) { return make_float4(a, a, a, a); }\n"},
    {"power_of_two",
        "INLINE float power_of_two(float a) { return __int_as_float(((int)a + 127) << 23); }\n"},
    {"exponent", "INLINE float exponent(float a)\n{\n"
                 "    return (float)((__float_as_int(a) >> 23 & 255) - 127);\n}\n"},
    {"maximum_or_nan", "INLINE float maximum_or_nan(float a, float b)\n{\n"
                       "    return a > b || a != a ? a : b;\n}\n"},
    {"is_less", "INLINE float is_less(float a, float b) { return a < b ? 1.0f : 0.0f; }\n"},
    {"add4", BINARY("add4", "+")},
    {"subtract4", BINARY("subtract4", "-")},
    {"multiply4", BINARY("multiply4", "*")},
    {"divide4", BINARY("divide4", "/")},
    {"minimum4", CHOICE("minimum4", "<")},
    {"maximum4", CHOICE("maximum4", ">")},
    {"maximum_or_nan4",
        LANES("maximum_or_nan4(float4 a, float4 b)", "maximum_or_nan(a.x, b.x)",
            "maximum_or_nan(a.y, b.y)", "maximum_or_nan(a.z, b.z)", "maximum_or_nan(a.w, b.w)")},
    {"is_less4", LANES("is_less4(float4 a, float4 b)", "is_less(a.x, b.x)", "is_less(a.y, b.y)",
                     "is_less(a.z, b.z)", "is_less(a.w, b.w)")},
    {"multiply_add4", LANES("multiply_add4(float4 a, float4 b, float4 c)", "fmaf(a.x, b.x, c.x)",
                          "fmaf(a.y, b.y, c.y)", "fmaf(a.z, b.z, c.z)", "fmaf(a.w, b.w, c.w)")},
    {"floor4", UNARY("floor4", "floorf")},
    {"square_root4", UNARY("square_root4", "sqrtf")},
    {"power_of_two4", UNARY("power_of_two4", "power_of_two")},
    {"exponent4", UNARY("exponent4", "exponent")},
};

static bool calls(const char *text, const char *name) {
    size_t length = strlen(name);
    for (const char *at = text; (at = strstr(at, name)) != NULL; at += length)
        if (at[length] == '(' && at > text && at[-1] != '_' && !isalnum((unsigned char)at[-1]))
            return true;
    return false;
}

/* Functions of four lanes may call those of one. */
static bool calls_of_four(const char *text, const char *name) {
    static const char *const called[] = {
        "power_of_two", "exponent", "maximum_or_nan", "is_less", NULL};
    int i = 0;
    while (called[i] != NULL && strcmp(name, called[i]) != 0)
        i++;
    char of_four[32];
    snprintf(of_four, sizeof of_four, "%s4", name);
    return called[i] != NULL && calls(text, of_four);
}

void cuda_prelude_write(const char *kernels, Text *out) {
    text_append(out, "#define INLINE static __device__ __forceinline__\n\n");
    for (size_t i = 0; i < sizeof helpers / sizeof *helpers; i++)
        if (calls(kernels, helpers[i].name) || calls_of_four(kernels, helpers[i].name))
            text_append(out, helpers[i].text);
    text_append(out, "\n");
}

/* ---- the dialect ---- */

static void append_type(Syntax *syntax, int index) {
    int lanes = syntax_lanes(syntax, index);
    if (syntax->kernel->register_types[index] != LANE_F32) /* the bytes of pictures */
        text_append(syntax->out, "int");
    else
        text_append(syntax->out, lanes == 1 ? "float" : lanes == 2 ? "float2" : "float4");
}

static bool reads_weights(const Syntax *syntax, const Instruction *instruction) {
    return instruction->parameter < MAX_KERNEL_PARAMETERS &&
           syntax->kernel->parameters[instruction->parameter].role == PARAMETER_WEIGHTS;
}

static void append_load(Syntax *syntax, const Instruction *instruction, int lanes) {
    bool weights = reads_weights(syntax, instruction);
    if (lanes == 1 && !weights) {
        syntax_element(syntax, instruction->parameter, instruction->offset);
        return;
    }
    text_append(syntax->out, lanes == 1 ? "__ldg(" : weights ? "load_weights4(" : "load4(");
    syntax_address(syntax, instruction);
    text_append(syntax->out, ")");
}

static void append_broadcast(Syntax *syntax, const Instruction *instruction, int lanes) {
    text_append(syntax->out, lanes == 1 ? "" : "spread4(");
    append_load(syntax, instruction, 1);
    text_append(syntax->out, lanes == 1 ? "" : ")");
}

static void append_lane(Syntax *syntax, const Instruction *instruction, int lane) {
    int index = instruction->indices[lane], lanes = syntax_lanes(syntax, instruction->sources[0]);
    syntax_register(syntax, instruction->sources[index < lanes ? 0 : 1]);
    if (lanes > 1)
        text_format(syntax->out, ".%c", "xyzw"[index % lanes]);
}

static void append_permute(Syntax *syntax, const Instruction *instruction, int lanes) {
    if (lanes > 1)
        text_append(syntax->out, lanes == 2 ? "make_float2(" : "make_float4(");
    for (int lane = 0; lane < lanes; lane++) {
        text_append(syntax->out, lane > 0 ? ", " : "");
        append_lane(syntax, instruction, lane);
    }
    text_append(syntax->out, lanes > 1 ? ")" : "");
}

static void append_sources(Syntax *syntax, const Instruction *instruction, const char *between) {
    for (int i = 0; i < instruction_info(instruction->kind)->source_count; i++) {
        text_append(syntax->out, i > 0 ? between : "");
        syntax_register(syntax, instruction->sources[i]);
    }
}

/* f(a, b) for four lanes by the instruction's own name, for one by C's. */
static void append_call(
    Syntax *syntax, const Instruction *instruction, int lanes, const char *of_one) {
    if (lanes == 1)
        text_format(syntax->out, "%s(", of_one);
    else
        text_format(syntax->out, "%s4(", instruction_info(instruction->kind)->name);
    append_sources(syntax, instruction, ", ");
    text_append(syntax->out, ")");
}

static void append_operator(
    Syntax *syntax, const Instruction *instruction, int lanes, const char *operator) {
    if (lanes == 1)
        append_sources(syntax, instruction, operator);
    else
        append_call(syntax, instruction, lanes, "");
}

/* a < b ? a : b */
static void append_choice(
    Syntax *syntax, const Instruction *instruction, int lanes, const char *operator) {
    append_operator(syntax, instruction, lanes, operator);
    if (lanes > 1)
        return;
    text_append(syntax->out, " ? ");
    append_sources(syntax, instruction, " : ");
}

static void append_value(Syntax *syntax, const Instruction *instruction) {
    int lanes = syntax_lanes(syntax, instruction->destination);
    switch (instruction->kind) {
    case INSTRUCTION_splat:
        text_append(syntax->out, lanes == 1 ? "" : lanes == 2 ? "make_float2(" : "spread4(");
        syntax_float(syntax->out, instruction->constant);
        if (lanes == 2) {
            text_append(syntax->out, ", ");
            syntax_float(syntax->out, instruction->constant);
        }
        text_append(syntax->out, lanes == 1 ? "" : ")");
        return;
    case INSTRUCTION_load:
        append_load(syntax, instruction, lanes);
        return;
    case INSTRUCTION_broadcast:
        append_broadcast(syntax, instruction, lanes);
        return;
    case INSTRUCTION_move:
    case INSTRUCTION_widen:
        append_sources(syntax, instruction, "");
        return;
    case INSTRUCTION_to_float:
        text_append(syntax->out, "(float)");
        append_sources(syntax, instruction, "");
        return;
    case INSTRUCTION_add:
        append_operator(syntax, instruction, lanes, " + ");
        return;
    case INSTRUCTION_subtract:
        append_operator(syntax, instruction, lanes, " - ");
        return;
    case INSTRUCTION_multiply:
        append_operator(syntax, instruction, lanes, " * ");
        return;
    case INSTRUCTION_divide:
        append_operator(syntax, instruction, lanes, " / ");
        return;
    case INSTRUCTION_minimum:
        append_choice(syntax, instruction, lanes, " < ");
        return;
    case INSTRUCTION_maximum:
        append_choice(syntax, instruction, lanes, " > ");
        return;
    case INSTRUCTION_maximum_or_nan:
        append_call(syntax, instruction, lanes, "maximum_or_nan");
        return;
    case INSTRUCTION_is_less:
        append_call(syntax, instruction, lanes, "is_less");
        return;
    case INSTRUCTION_multiply_add:
        append_call(syntax, instruction, lanes, "fmaf");
        return;
    case INSTRUCTION_floor:
        append_call(syntax, instruction, lanes, "floorf");
        return;
    case INSTRUCTION_square_root:
        append_call(syntax, instruction, lanes, "sqrtf");
        return;
    case INSTRUCTION_power_of_two:
        append_call(syntax, instruction, lanes, "power_of_two");
        return;
    case INSTRUCTION_exponent:
        append_call(syntax, instruction, lanes, "exponent");
        return;
    case INSTRUCTION_permute:
        append_permute(syntax, instruction, lanes);
        return;
    default:
        break;
    }
    assert(false && "an instruction that kernels for a GPU do not have");
}

static void append_effect(Syntax *syntax, const Instruction *instruction) {
    if (instruction->kind == INSTRUCTION_barrier) {
        text_append(syntax->out, "__syncthreads()");
        return;
    }
    assert(instruction->kind == INSTRUCTION_store);
    if (syntax_lanes(syntax, instruction->sources[0]) == 1) {
        syntax_element(syntax, instruction->parameter, instruction->offset);
        text_append(syntax->out, " = ");
        syntax_register(syntax, instruction->sources[0]);
        return;
    }
    text_append(syntax->out, "store4(");
    syntax_address(syntax, instruction);
    text_append(syntax->out, ", ");
    syntax_register(syntax, instruction->sources[0]);
    text_append(syntax->out, ")");
}

static const Dialect cuda_dialect = {.index_type = "int",
    .minimum = "smaller",
    .maximum = "larger",
    .before_loop = "#pragma unroll 1",
    .before_inner_loop = "#pragma unroll 2",
    .before_short_loop = "#pragma unroll",
    .type = append_type,
    .value = append_value,
    .effect = append_effect};

/* ---- the function ---- */

static const char *parameter_type(const KernelParameter *parameter) {
    if (parameter->element == LANE_U8)
        return "const unsigned char *__restrict__ ";
    switch (parameter->role) {
    case PARAMETER_READ: /* written by other blocks of the same launch: not for the read-only cache
                          */
        return "const float *";
    case PARAMETER_WRITE:
    case PARAMETER_UPDATE:
        return "float *";
    case PARAMETER_WEIGHTS:
        return "const float *__restrict__ ";
    case PARAMETER_TABLE:
        return "const int *__restrict__ ";
    }
    return "";
}

/* Names of one kernel that are the same, as of two tensors' tables, get a number. */
static void name_parameters(Syntax *syntax) {
    const Kernel *kernel = syntax->kernel;
    for (int i = 0; i < kernel->local_count; i++)
        syntax->locals[i] = arena_format(syntax->arena, "tile%d", i);
    for (int i = 0; i < kernel->parameter_count; i++)
        for (int j = 0; j < i; j++)
            if (kernel->parameters[i].role == PARAMETER_WEIGHTS &&
                kernel->parameters[j].role == PARAMETER_WEIGHTS)
                syntax->parameters[i] = arena_format(syntax->arena, "weights_%d", i);
}

/* How far rows are apart is an argument of the network: a pointer to it would not be one to global
 * memory. */
static void find_entries(Syntax *syntax, const Program *program, int index) {
    for (int i = 0; i < program->step_count; i++)
        for (int j = 0; program->steps[i].kernel == index && j < syntax->kernel->parameter_count;
            j++)
            if (program->buffers[program->steps[i].arguments[j].buffer].kind == BUFFER_ROW_BYTES)
                syntax->parameter_is_entry[j] = true;
}

static void write_head(Syntax *syntax, Text *out) {
    const Kernel *kernel = syntax->kernel;
    text_format(out, "static __device__ __noinline__ void %s(", kernel->name);
    for (int i = 0; i < kernel->parameter_count; i++)
        text_format(out, "%s%s, ",
            syntax->parameter_is_entry[i] ? "int " : parameter_type(&kernel->parameters[i]),
            syntax->parameters[i]);
    text_append(out, "int first_item)\n{\n");
    for (int i = 0; i < kernel->parameter_count; i++)
        if (!syntax->parameter_is_used[i])
            text_format(out, "    (void)%s;\n", syntax->parameters[i]);
    /* Else a function that is called through its own address would load by generic addresses. */
    for (int i = 0; i < kernel->parameter_count; i++)
        if (syntax->parameter_is_used[i] && !syntax->parameter_is_entry[i])
            text_format(out, "    __builtin_assume(__isGlobal(%s));\n", syntax->parameters[i]);
    int64_t offset = 0;
    if (kernel->local_count > 0)
        text_append(out, "    extern __shared__ float4 shared[];\n");
    for (int i = 0; i < kernel->local_count; i++) {
        text_format(out, "    float *%s = (float *)shared + %lld; /* %lld floats */\n",
            syntax->locals[i], (long long)offset, (long long)kernel->local_floats[i]);
        offset += kernel->local_floats[i];
    }
    if (syntax->variable_is_used[kernel->thread_variable])
        text_format(
            out, "    const int %s = threadIdx.x;\n", syntax->variables[kernel->thread_variable]);
}

void cuda_kernel_write(const Program *program, int index, Arena *arena, Text *out) {
    const Kernel *kernel = program->kernels[index];
    assert(kernel->threads > 0);
    Syntax syntax = syntax_begin(&cuda_dialect, kernel, arena, out);
    syntax.variables[VARIABLE_BEGIN] = "item";
    name_parameters(&syntax);
    find_entries(&syntax, program, index);
    write_head(&syntax, out);
    /* The loop is here and not around the call, so that no argument lives across calls. */
    text_format(out, "    for (int item = first_item; item < %lld; item += gridDim.x) {\n",
        (long long)kernel->extent);
    syntax_declarations(&syntax, 8);
    syntax_body(&syntax, 8);
    /* The next item's tiles overwrite this one's. */
    if (kernel->local_count > 0)
        text_format(out,
            "        if (item < %lld - (int)gridDim.x)\n            __syncthreads();\n",
            (long long)kernel->extent);
    text_append(out, "    }\n}\n\n");
}

int64_t cuda_shared_bytes(const Program *program) {
    int64_t most = 0;
    for (int i = 0; i < program->kernel_count; i++) {
        int64_t bytes = kernel_local_bytes(program->kernels[i]);
        most = bytes > most ? bytes : most;
    }
    return most;
}
