/* NAME_weights.S: the weights as a symbol, from the file NAME_weights.bin. Assembly, since a C
 * compiler takes minutes and gigabytes for an array of millions of numbers. */
#include "backends/emit/c/source.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "ir/text.h"

void c_weights_write(const Program *program, Text *out) {
    const char *name = program->name;
    text_format(out,
        "/* The weights of the network %s: the bytes of %s_weights.bin, for %s.c.\n"
        " *\n"
        " * The file is looked for in the working directory and in the folders of -I. */\n"
        "#if defined(__APPLE__)\n"
        "        .const\n"
        "        .private_extern _%s_weights\n"
        "        .globl  _%s_weights\n"
        "        .p2align 6\n"
        "_%s_weights:\n"
        "        .incbin \"%s_weights.bin\"\n"
        "#elif defined(__ELF__)\n"
        "        .section .rodata.%s_weights, \"a\", %%progbits\n"
        "        .hidden %s_weights\n"
        "        .globl  %s_weights\n"
        "        .type   %s_weights, %%object\n"
        "        .size   %s_weights, %zu\n"
        "        .p2align 6\n"
        "%s_weights:\n"
        "        .incbin \"%s_weights.bin\"\n"
        "        .section .note.GNU-stack, \"\", %%progbits\n"
        "#else\n"
        "        .section .rdata, \"dr\"\n"
        "        .globl  %s_weights\n"
        "        .p2align 6\n"
        "%s_weights:\n"
        "        .incbin \"%s_weights.bin\"\n"
        "#endif\n",
        name, name, name, name, name, name, name, name, name, name, name, name,
        program->weights.length, name, name, name, name, name);
}
