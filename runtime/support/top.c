#include "runtime/support/top.h"
#include "runtime/support/functions.h"

/* Puts the class where it belongs among those found, of which there are `count` and room for
 * `most`. Of equal ones the first stays in front. */
static void riffle_support_insert(
    const float *scores, int32_t index, int *classes, int32_t count, int32_t most) {
    int32_t at = count < most ? count : most - 1;
    while (at > 0 && scores[classes[at - 1]] < scores[index]) {
        classes[at] = classes[at - 1];
        at--;
    }
    classes[at] = index;
}

/* Of logits: their softmax. */
static void riffle_support_set_probabilities(const float *scores, int32_t all, const int *classes,
    int32_t count, int are_probabilities, float *probabilities) {
    double largest = scores[classes[0]], sum = 0;
    for (int32_t i = 0; i < all && !are_probabilities; i++)
        sum += riffle_support_exp(scores[i] - largest);
    for (int32_t i = 0; i < count; i++)
        probabilities[i] = are_probabilities
                               ? scores[classes[i]]
                               : (float)(riffle_support_exp(scores[classes[i]] - largest) / sum);
}

RIFFLE_SUPPORT_SHARED int riffle_support_top(const float *scores, int *classes,
    float *probabilities, int most, const int32_t *numbers, const float *values) {
    int32_t all = numbers[RIFFLE_TOP_CLASSES], count = 0;
    (void)values;
    if (scores == NULL || classes == NULL)
        return -RIFFLE_STATUS_NULL_POINTER;
    if (most < 1)
        return 0;
    for (int32_t i = 0; i < all; i++) {
        if (scores[i] != scores[i] || (count == most && !(scores[i] > scores[classes[count - 1]])))
            continue;
        riffle_support_insert(scores, i, classes, count, most);
        count += count < most;
    }
    if (count > 0 && probabilities != NULL)
        riffle_support_set_probabilities(
            scores, all, classes, count, numbers[RIFFLE_TOP_ARE_PROBABILITIES], probabilities);
    return count;
}
