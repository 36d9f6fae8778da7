/* The part of a kernel that is spelt alike in C and in the languages that grew out of it: names,
 * integer expressions, loops, conditions, and where the variables of registers are declared. What
 * one instruction computes is spelt by the printer that uses this. */
#ifndef RIFFLE_BACKENDS_EMIT_C_SYNTAX_H
#define RIFFLE_BACKENDS_EMIT_C_SYNTAX_H

#include "ir/arena.h"
#include "ir/kernel.h"
#include "ir/kernel_lanes.h"
#include "ir/text.h"

typedef struct Syntax Syntax;

/* What differs between languages. */
typedef struct Dialect {
    const char *index_type;        /* a signed integer: "ptrdiff_t" */
    const char *minimum, *maximum; /* functions of two indices: "smaller", "larger" */
    const char *table;             /* a function of a table and an index; NULL: table[index] */
    const char *before_loop;       /* a line of its own before each `for`; NULL for none */
    const char *before_inner_loop; /* that before a `for` without another in it */
    const char
        *before_short_loop; /* that before one worth unrolling as a whole, whose trips are known */
    /* Appends the type of a register: "float", "f32x8". */
    void (*type)(Syntax *syntax, int index);
    /* Appends the value of an instruction that has a destination, as an expression. */
    void (*value)(Syntax *syntax, const Instruction *instruction);
    /* Appends a statement, without its semicolon, for an instruction that has none:
     * "f32x8_store(&output[4], v3)". */
    void (*effect)(Syntax *syntax, const Instruction *instruction);
} Dialect;

/* One kernel on its way to text. Make it with syntax_begin; the names may be changed before
 * anything is printed. */
struct Syntax {
    const Dialect *dialect;
    const Kernel *kernel;
    Arena *arena;
    Text *out;
    void *user; /* the printer's own */
    const char *
        *variables; /* name of each variable, "begin" and "end" first: unique in the kernel */
    const char **parameters; /* name of each parameter */
    const char *locals[MAX_KERNEL_LOCALS];
    /* What the kernel's body reads and writes: what does not occur needs no name in the function's
     * head, or a cast to void. */
    bool *variable_is_used, *parameter_is_used;
    bool *parameter_is_entry; /* of a table: the only entry itself, not a pointer to it */
    LaneMask *used_lanes;     /* of each register; 0: nothing that is stored depends on it */
    const Block **homes;      /* the block that declares each register; NULL: the function */
    bool *declared;           /* registers that a statement has declared so far */
};

Syntax syntax_begin(const Dialect *dialect, const Kernel *kernel, Arena *arena, Text *out);

/* The declarations of the registers that no statement declares. */
void syntax_declarations(Syntax *syntax, int indent);
/* All statements of the kernel's body, indented by so many spaces. */
void syntax_body(Syntax *syntax, int indent);

void syntax_expression(Syntax *syntax, const Expression *expression);
/* "input[row * 48 + 8]". */
void syntax_element(Syntax *syntax, int parameter, const Expression *offset);
/* "&input[row * 48 + 8]", of what the instruction accesses. */
void syntax_address(Syntax *syntax, const Instruction *instruction);
/* Of a register. */
int syntax_lanes(const Syntax *syntax, int index);
/* "v7". */
void syntax_register(Syntax *syntax, int index);
/* A float constant: "0.5f", "-INFINITY" (of <math.h>). */
void syntax_float(Text *out, float value);
/* Text for the inside of a comment, which it cannot end: paths and labels of layers. */
void syntax_comment(Text *out, const char *words);

#endif
