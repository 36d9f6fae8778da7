/* Prints how many instructions a run of `net` takes, of which the input is `x` and the output `y`:
 * the processor's trap flag makes a signal of each. Not callgrind: Debian's knows no AVX-512. Not
 * ptrace: two switches between processes for each step took fifty times as long. */
#include "net.h"

#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static float x[NET_INPUT_X_ELEMENTS], y[NET_OUTPUT_Y_ELEMENTS];
_Alignas(NET_WORKSPACE_ALIGNMENT) static unsigned char workspace[NET_WORKSPACE_BYTES + 1];
static volatile uint64_t steps;

static void count_step(int number) {
    (void)number;
    steps = steps + 1;
}

/* Bit 8 of the flags. What the processor has begun is done before it traps. */
#define TRAP_EACH_STEP()                                                                           \
    __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc")
#define TRAP_NO_STEP()                                                                             \
    __asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc")

int main(void) {
    struct sigaction action = {.sa_handler = count_step};
    struct net_inputs inputs = {x};
    struct net_outputs outputs = {y};
    for (int i = 0; i < NET_INPUT_X_ELEMENTS; i++)
        x[i] = (float)(i % 17 - 8) / 8;
    if (net_run(&inputs, &outputs, workspace) != NET_OK || sigaction(SIGTRAP, &action, NULL) != 0)
        return EXIT_FAILURE;
    TRAP_EACH_STEP();
    int status = net_run(&inputs, &outputs, workspace);
    TRAP_NO_STEP();
    if (status != NET_OK)
        return EXIT_FAILURE;
    printf("%" PRIu64 "\n", steps);
    return EXIT_SUCCESS;
}
