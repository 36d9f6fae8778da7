/* The text form of a kernel: what `--emit kernels` shows, and what tells two kernels apart. */
#include "ir/kernel.h"
#include <inttypes.h>

typedef struct KernelPrinter {
    const Kernel *kernel;
    const char *const *parameters; /* their names */
    Text *text;
} KernelPrinter;

static void print_expression(const KernelPrinter *printer, const Expression *expression) {
    const Kernel *kernel = printer->kernel;
    Text *text = printer->text;
    static const char *const operators[] = {[EXPRESSION_ADD] = " + ",
        [EXPRESSION_MULTIPLY] = "*",
        [EXPRESSION_DIVIDE] = " / ",
        [EXPRESSION_REMAINDER] = " % "};
    switch (expression->kind) {
    case EXPRESSION_CONSTANT:
        text_format(text, "%" PRId64, expression->constant);
        return;
    case EXPRESSION_VARIABLE:
        text_format(text, "%s%d", kernel->variables[expression->variable], expression->variable);
        return;
    case EXPRESSION_ELEMENT:
        text_format(text, "%s[", printer->parameters[expression->variable]);
        print_expression(printer, expression->left);
        text_append(text, "]");
        return;
    case EXPRESSION_MINIMUM:
    case EXPRESSION_MAXIMUM:
        text_append(text, expression->kind == EXPRESSION_MINIMUM ? "min(" : "max(");
        print_expression(printer, expression->left);
        text_append(text, ", ");
        print_expression(printer, expression->right);
        text_append(text, ")");
        return;
    case EXPRESSION_ADD:
    case EXPRESSION_MULTIPLY:
    case EXPRESSION_DIVIDE:
    case EXPRESSION_REMAINDER:
        text_append(text, "(");
        print_expression(printer, expression->left);
        text_append(text, operators[expression->kind]);
        print_expression(printer, expression->right);
        text_append(text, ")");
        return;
    }
}

static const char *local_name(const Kernel *kernel) {
    return kernel->threads > 0 ? "shared" : "local";
}

static void print_address(const KernelPrinter *printer, const Instruction *instruction) {
    const Kernel *kernel = printer->kernel;
    Text *text = printer->text;
    int local = instruction->parameter - MAX_KERNEL_PARAMETERS;
    if (local >= 0)
        text_format(text, "%s%d[", local_name(kernel), local);
    else
        text_format(text, "%s[", printer->parameters[instruction->parameter]);
    print_expression(printer, instruction->offset);
    text_append(text, "]");
}

/* Floats go without saying. */
static void print_type(LaneType type, Text *text) {
    if (type != LANE_F32)
        text_append(text, lane_type_name(type));
}

static void print_instruction(const KernelPrinter *printer, const Instruction *instruction) {
    const Kernel *kernel = printer->kernel;
    Text *text = printer->text;
    const InstructionInfo *info = instruction_info(instruction->kind);
    if (instruction->kind == INSTRUCTION_barrier) {
        text_append(text, "barrier");
    } else if (instruction->kind == INSTRUCTION_store) {
        int lanes = kernel->register_lanes[instruction->sources[0]];
        text_append(text, "store ");
        print_address(printer, instruction);
        text_format(text, ", v%d.%d", instruction->sources[0], lanes);
        print_type(kernel->register_types[instruction->sources[0]], text);
    } else if (instruction->kind == INSTRUCTION_prefetch) {
        text_append(text, "prefetch ");
        print_address(printer, instruction);
    } else {
        int lanes = kernel->register_lanes[instruction->destination];
        text_format(text, "v%d.%d", instruction->destination, lanes);
        print_type(kernel->register_types[instruction->destination], text);
        text_format(text, " = %s", info->name);
        if (instruction->kind == INSTRUCTION_splat) {
            text_append(text, " ");
            text_append_float(text, instruction->constant);
        }
        if (info->access == ACCESS_READ) {
            text_append(text, " ");
            print_address(printer, instruction);
        }
        for (int i = 0; i < info->source_count; i++)
            text_format(text, "%s v%d", i > 0 ? "," : "", instruction->sources[i]);
        if (instruction->kind == INSTRUCTION_permute) {
            text_append(text, " [");
            for (int lane = 0; lane < lanes; lane++)
                text_format(text, "%s%d", lane > 0 ? " " : "", instruction->indices[lane]);
            text_append(text, "]");
        }
    }
    bool vector_access =
        instruction->kind == INSTRUCTION_load || instruction->kind == INSTRUCTION_store;
    if (vector_access)
        text_format(text, " lanes %d..%d", instruction->first_lane,
            instruction->first_lane + instruction->lane_count - 1);
}

static void print_block(const KernelPrinter *printer, const Block *block, int indent) {
    const Kernel *kernel = printer->kernel;
    Text *text = printer->text;
    for (const Statement *statement = block->first; statement; statement = statement->next) {
        text_format(text, "%*s", indent, "");
        if (statement->kind == STATEMENT_INSTRUCTION) {
            print_instruction(printer, &statement->instruction);
            text_append(text, "\n");
            continue;
        }
        if (statement->kind == STATEMENT_LET) {
            text_format(
                text, "let %s%d = ", kernel->variables[statement->variable], statement->variable);
            print_expression(printer, statement->begin);
            text_append(text, "\n");
            continue;
        }
        if (statement->kind == STATEMENT_FOR) {
            text_format(
                text, "for %s%d = ", kernel->variables[statement->variable], statement->variable);
            print_expression(printer, statement->begin);
            text_append(text, " .. ");
            print_expression(printer, statement->end);
            if (statement->step != 1)
                text_format(text, " step %" PRId64, statement->step);
        } else {
            text_append(text, "if ");
            print_expression(printer, statement->begin);
            text_append(text, " < ");
            print_expression(printer, statement->end);
        }
        text_append(text, " {\n");
        print_block(printer, &statement->body, indent + 2);
        text_format(text, "%*s}\n", indent, "");
    }
}

void kernel_print_instruction(const Kernel *kernel, const Instruction *instruction, Text *text) {
    KernelPrinter printer = {kernel, kernel_parameter_names(kernel, kernel->arena), text};
    print_instruction(&printer, instruction);
}

static void print_local(const Kernel *kernel, int local, Text *text) {
    LaneType element = kernel->local_elements[local];
    text_format(text, "  %s%d = %" PRId64 " floats", local_name(kernel), local,
        kernel->local_floats[local]);
    if (element != LANE_F32)
        text_format(text, " of room for %s", lane_type_name(element));
    text_append(text, kernel->local_packs[local] ? " packed" : "");
    text_append(text, kernel->local_is_scratch[local] ? " scratch\n" : "\n");
}

void kernel_print(const Kernel *kernel, Text *text) {
    KernelPrinter printer = {kernel, kernel_parameter_names(kernel, kernel->arena), text};
    text_format(text, "kernel %s(", kernel->name);
    for (int i = 0; i < kernel->parameter_count; i++) {
        const KernelParameter *parameter = &kernel->parameters[i];
        text_format(text, "%s%s ", i > 0 ? ", " : "", parameter_role_name(parameter->role));
        print_type(parameter->element, text);
        text_format(text, "%s%s", parameter->element == LANE_F32 ? "" : " ", printer.parameters[i]);
    }
    text_format(text, ") items %" PRId64, kernel->extent);
    if (kernel->threads > 0)
        text_format(text, " threads %d as %s%d", kernel->threads,
            kernel->variables[kernel->thread_variable], kernel->thread_variable);
    text_append(text, " {\n");
    for (int i = 0; i < kernel->local_count; i++)
        print_local(kernel, i, text);
    print_block(&printer, &kernel->body, 2);
    text_append(text, "}\n");
}
