/* Prints the logits of each variant of tiny, computed one after the other in one workspace: of
 * images whose pixels are those of one large pattern. */
#include "tiny.h"
#include <stdio.h>

#define LARGER(a, b) ((a) > (b) ? (a) : (b))

static _Alignas(
    64) unsigned char workspace[LARGER(TINY_32X32_WORKSPACE_BYTES, TINY_PAIR_WORKSPACE_BYTES)];
static float image[TINY_PAIR_INPUT_IMAGE_ELEMENTS], features[TINY_PAIR_OUTPUT_FEATURES_ELEMENTS];
static float logits[TINY_PAIR_OUTPUT_LOGITS_ELEMENTS];

static void print_logits(const char *name, int count) {
    printf("%s", name);
    for (int i = 0; i < count; i++)
        printf(" %a", (double)logits[i]);
    printf("\n");
}

int main(void) {
    for (int i = 0; i < TINY_PAIR_INPUT_IMAGE_ELEMENTS; i++)
        image[i] = (float)(i * 37 % 256) / 128 - 1;
    const struct tiny_32x32_inputs one = {image};
    const struct tiny_32x32_outputs of_one = {features, logits};
    if (tiny_32x32_run(&one, &of_one, workspace) != TINY_32X32_OK)
        return 1;
    print_logits("tiny_32x32", TINY_32X32_OUTPUT_LOGITS_ELEMENTS);
    const struct tiny_pair_inputs pair = {image};
    const struct tiny_pair_outputs of_pair = {features, logits};
    if (tiny_pair_run(&pair, &of_pair, workspace) != TINY_PAIR_OK)
        return 1;
    print_logits("tiny_pair", TINY_PAIR_OUTPUT_LOGITS_ELEMENTS);
    return 0;
}
