/* Runs a network named "net" that has levels, without any library: writes what net_level says, and
 * the outputs of net_run and of the levels from FIRST_LEVEL to LAST_LEVEL on made up inputs; no
 * other number is a level. With LACKS_GETAUXVAL the program has no such function. */
#include "net.h"
#include <stdbool.h>

static long call(long number, long a, long b, long c) {
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}

enum { CALL_WRITE = 64, CALL_EXIT = 93 };

static const unsigned long *auxiliary;

#ifndef LACKS_GETAUXVAL
unsigned long getauxval(unsigned long type);
unsigned long getauxval(unsigned long type) {
    for (const unsigned long *entry = auxiliary; entry[0] != 0; entry += 2)
        if (entry[0] == type)
            return entry[1];
    return 0;
}
#endif

static float input[NET_INPUT_IMAGE_ELEMENTS], output[NET_OUTPUT_RESULT_ELEMENTS];
static _Alignas(64) unsigned char workspace[NET_WORKSPACE_BYTES];

static void say(const void *bytes, unsigned long length) {
    call(CALL_WRITE, 1, (long)bytes, (long)length);
}

__attribute__((used)) void start_here(const unsigned long *stack) {
    const unsigned long *at = stack + 1 + stack[0] + 1; /* behind the arguments, */
    while (*at != 0)
        at++;
    auxiliary = at + 1; /* and the environment */
    for (int i = 0; i < NET_INPUT_IMAGE_ELEMENTS; i++)
        input[i] = (float)(i * 37 % 101 - 50) / 50;
    const struct net_inputs inputs = {.image = input};
    const struct net_outputs outputs = {.result = output};
    int level = net_level(), status = net_run(&inputs, &outputs, workspace);
    say(&level, sizeof level);
    say(output, sizeof output);
    for (int i = FIRST_LEVEL; i <= LAST_LEVEL; i++) {
        status += net_run_level(i, &inputs, &outputs, workspace);
        say(output, sizeof output);
    }
    int low = net_run_level(NET_LEVEL_NONE, &inputs, &outputs, workspace);
    int high = net_run_level(HIGHEST_LEVEL + 1, &inputs, &outputs, workspace);
    bool refused = low == NET_ERROR_PROCESSOR && high == NET_ERROR_PROCESSOR;
    call(CALL_EXIT, status != 0 ? 1 : refused ? 0 : 2, 0, 0);
    for (;;) {
    }
}

__asm__(
    ".globl _start\n_start:\n mov x29, #0\n mov x30, #0\n mov x0, sp\n bl start_here\n brk #1\n");
