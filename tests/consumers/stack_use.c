/* How much stack net_run and net_run_parallel use: they run on a stack that was painted, and what
 * is no longer the colour of the paint was used. Prints the claim of net.h, and both. */
#define _GNU_SOURCE
#include "net.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#ifndef CLAIM
#define CLAIM NET_STACK_BYTES
#endif

enum { STACK_BYTES = 4 << 20, PAINT = 0xA5, MOST_TENSORS = 16 };

typedef enum Work { WORK_NOTHING, WORK_RUN, WORK_RUN_PARALLEL, WORK_COUNT } Work;

static struct {
    float *inputs[MOST_TENSORS], *outputs[MOST_TENSORS];
    void *workspace;
    Work work;
    int status;
    ucontext_t back, there;
} the;

static void one_by_one(void *pool, net_task *task, void *context, size_t count) {
    (void)pool;
    while (count-- > 0)
        task(context, count, count + 1);
}

static void call(void) {
    const struct net_inputs *inputs = (const void *)the.inputs;
    const struct net_outputs *outputs = (const void *)the.outputs;
    if (the.work == WORK_RUN)
        the.status = net_run(inputs, outputs, the.workspace);
    if (the.work == WORK_RUN_PARALLEL)
        the.status = net_run_parallel(inputs, outputs, the.workspace, one_by_one, NULL);
}

static size_t used(unsigned char *stack, Work work) {
    memset(stack, PAINT, STACK_BYTES);
    the.work = work;
    getcontext(&the.there);
    the.there.uc_stack.ss_sp = stack;
    the.there.uc_stack.ss_size = STACK_BYTES;
    the.there.uc_link = &the.back;
    makecontext(&the.there, call, 0);
    swapcontext(&the.back, &the.there);
    size_t left = 0;
    while (left < STACK_BYTES && stack[left] == PAINT)
        left++;
    return STACK_BYTES - left;
}

static float *tensor(const char *elements) {
    size_t count = strtoul(elements, NULL, 10);
    float *numbers = calloc(count, sizeof *numbers);
    for (size_t i = 0; numbers && i < count; i++)
        numbers[i] = (float)(i % 17) / 17;
    return numbers;
}

/* The number of inputs, then the elements of each input and of each output. */
int main(int count, char **words) {
    int inputs = atoi(words[1]);
    for (int i = 2; i < count; i++)
        *(i - 2 < inputs ? &the.inputs[i - 2] : &the.outputs[i - 2 - inputs]) = tensor(words[i]);
    size_t bytes = (NET_WORKSPACE_BYTES + 63) / 64 * 64;
    the.workspace = aligned_alloc(NET_WORKSPACE_ALIGNMENT, bytes);
    unsigned char *stack =
        mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED || the.workspace == NULL)
        return 2;
    size_t use[WORK_COUNT];
    for (Work work = WORK_NOTHING; work < WORK_COUNT; work++) {
        use[work] = used(stack, work);
        if (the.status != NET_OK)
            return 3;
    }
    printf("%ld %ld %ld\n", (long)CLAIM, (long)(use[WORK_RUN] - use[WORK_NOTHING]),
        (long)(use[WORK_RUN_PARALLEL] - use[WORK_NOTHING]));
    return 0;
}
