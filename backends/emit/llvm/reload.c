/* What an outer loop loads in each round from the same place.
 *
 * LLVM would load it once, before the loop. What does not fit the registers then lies on the stack,
 * from where it takes as long as from where it was: hundreds of vectors, in a kernel whose groups
 * or channels are unrolled. Where there are that many, the addresses are made to look new in each
 * round. */
#include "backends/emit/llvm/kernel.h"
#include "ir/kernel.h"

enum { MOST_SEEN = 128 };

typedef struct Loads {
    const Kernel *kernel;
    int loop_variable;
    int most; /* below MOST_SEEN */
    int count;
    struct {
        int parameter;
        const Expression *offset;
    } seen[MOST_SEEN];
} Loads;

/* Variables are numbered as they appear: those of the loop's body come behind its own. */
static bool is_of_before(const Loads *loads, const Expression *expression) {
    switch (expression->kind) {
    case EXPRESSION_CONSTANT:
        return true;
    case EXPRESSION_VARIABLE:
        return expression->variable < loads->loop_variable;
    case EXPRESSION_ELEMENT:
        return false;
    default:
        return is_of_before(loads, expression->left) && is_of_before(loads, expression->right);
    }
}

static bool only_reads(const Kernel *kernel, int parameter) {
    return parameter < kernel->parameter_count &&
           (kernel->parameters[parameter].role == PARAMETER_READ ||
               kernel->parameters[parameter].role == PARAMETER_WEIGHTS);
}

static void count_load(Loads *loads, const Instruction *instruction) {
    if (instruction_info(instruction->kind)->access != ACCESS_READ ||
        !only_reads(loads->kernel, instruction->parameter) ||
        !is_of_before(loads, instruction->offset))
        return;
    for (int i = 0; i < loads->count; i++)
        if (loads->seen[i].parameter == instruction->parameter &&
            expressions_are_equal(loads->seen[i].offset, instruction->offset))
            return;
    loads->seen[loads->count].parameter = instruction->parameter;
    loads->seen[loads->count++].offset = instruction->offset;
}

static void count_block(Loads *loads, const Block *block) {
    for (const Statement *statement = block->first; statement && loads->count <= loads->most;
        statement = statement->next) {
        if (statement->kind == STATEMENT_INSTRUCTION)
            count_load(loads, &statement->instruction);
        else if (statement->kind != STATEMENT_LET)
            count_block(loads, &statement->body);
    }
}

/* The same address, of which LLVM knows no more than that the loop's variable has a part in it. */
static LLVMValueRef hidden_address(KernelCodegen *k, LLVMValueRef address, LLVMValueRef variable) {
    LLVMTypeRef types[2] = {k->codegen->pointer, k->codegen->index};
    LLVMTypeRef type = LLVMFunctionType(k->codegen->pointer, types, 2, 0);
    LLVMValueRef nothing =
        LLVMGetInlineAsm(type, "", 0, "=r,0,r", 6, 0, 0, LLVMInlineAsmDialectATT, 0);
    LLVMValueRef arguments[2] = {address, variable};
    return LLVMBuildCall2(k->builder, type, nothing, arguments, 2, "");
}

void codegen_hide_addresses(KernelCodegen *k, const Statement *loop) {
    Loads loads = {.kernel = k->kernel,
        .loop_variable = loop->variable,
        .most = 2 * k->codegen->target->registers};
    if (k->kernel->threads > 0 || loads.most >= MOST_SEEN)
        return;
    count_block(&loads, &loop->body);
    if (loads.count <= loads.most)
        return;
    LLVMValueRef variable =
        LLVMBuildLoad2(k->builder, k->codegen->index, k->variables[loop->variable], "");
    for (int i = 0; i < k->kernel->parameter_count; i++)
        if (only_reads(k->kernel, i))
            k->parameters[i] = hidden_address(k, k->parameters[i], variable);
}
