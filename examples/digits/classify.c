/* Classifies the held-out digits, one by one, with the compiled network, where they lie; or the
 * pictures that are named: PGM of 8 bits without comments, of any size. */
#include "digits.h"

#include <stdbool.h>
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

/* The network's input for a picture, by the library's own function. */
static bool read_picture(const char *path, float *image) {
    int width = 0, height = 0, most = 0;
    FILE *file = fopen(path, "rb");
    bool good = file != NULL && fscanf(file, "P5 %d %d %d", &width, &height, &most) == 3 &&
                most == 255 && fgetc(file) != EOF;
    size_t scratch_bytes = good ? digits_prepare_image_scratch_bytes(width, height) : 0;
    size_t bytes = scratch_bytes > 0 ? (size_t)width * (size_t)height : 0;
    unsigned char *pixels = malloc(bytes + 1), *scratch = malloc(scratch_bytes + 1);
    struct digits_frame frame = {
        .format = DIGITS_FRAME_GREY, .width = width, .height = height, .planes = {pixels}};
    good = bytes > 0 && pixels != NULL && fread(pixels, bytes, 1, file) == 1 &&
           digits_prepare_image(&frame, image, NULL, scratch) == DIGITS_OK;
    free(pixels);
    free(scratch);
    if (file != NULL)
        fclose(file);
    return good;
}

static int classify_pictures(char **paths) {
    for (; *paths != NULL; paths++) {
        float image[DIGITS_INPUT_IMAGE_ELEMENTS], logits[DIGITS_OUTPUT_LOGITS_ELEMENTS], share;
        int digit;
        if (!read_picture(*paths, image)) {
            fprintf(stderr, "%s is no PGM of 8 bits, or is cut short\n", *paths);
            return 2;
        }
        int status = digits_run(&(struct digits_inputs){.image = image},
            &(struct digits_outputs){.logits = logits}, workspace);
        if (status != DIGITS_OK || digits_top_logits(logits, &digit, &share, 1) != 1) {
            fprintf(stderr, "digits_run: %s\n", digits_status_text(status));
            return 2;
        }
        printf("%s: %d (%.1f %%)\n", *paths, digit, 100.0 * (double)share);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1)
        return classify_pictures(argv + 1);
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
