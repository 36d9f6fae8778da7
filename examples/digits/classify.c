/* Classifies the held-out digits, one by one, with the compiled network. Run it where they lie. */
#include "digits.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { IMAGES = 360 };
static float images[IMAGES][DIGITS_INPUT_IMAGE_ELEMENTS];
static unsigned char labels[IMAGES];
static _Alignas(DIGITS_WORKSPACE_ALIGNMENT) unsigned char workspace[DIGITS_WORKSPACE_BYTES];

static int compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

int main(void) {
    FILE *image_file = fopen("heldout.f32", "rb"), *label_file = fopen("heldout_labels.u8", "rb");
    if (image_file == NULL || fread(images, sizeof images, 1, image_file) != 1 ||
        label_file == NULL || fread(labels, sizeof labels, 1, label_file) != 1) {
        fprintf(stderr, "heldout.f32 or heldout_labels.u8 is missing here, or too short\n");
        return 2;
    }
    double microseconds[IMAGES];
    int correct = 0;
    for (int i = 0; i < IMAGES; i++) {
        float logits[DIGITS_OUTPUT_LOGITS_ELEMENTS];
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        int status = digits_run(&(struct digits_inputs){.image = images[i]},
            &(struct digits_outputs){.logits = logits}, workspace);
        clock_gettime(CLOCK_MONOTONIC, &end);
        if (status != DIGITS_OK) {
            fprintf(stderr, "digits_run: %s\n", digits_status_text(status));
            return 2;
        }
        microseconds[i] =
            1e6 * difftime(end.tv_sec, start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e3;
        int answer = 0;
        for (int digit = 1; digit < DIGITS_OUTPUT_LOGITS_ELEMENTS; digit++)
            answer = logits[digit] > logits[answer] ? digit : answer;
        correct += answer == labels[i];
    }
    qsort(microseconds, IMAGES, sizeof *microseconds, compare);
    printf("%d of %d held-out digits right (%.2f %%), median %.1f microseconds per image\n",
        correct, IMAGES, 100.0 * correct / IMAGES, microseconds[IMAGES / 2]);
    return correct >= 0.97 * IMAGES ? 0 : 1;
}
