/* Finds faces in the frames of a video: NV12, one after the other, on standard input.
 *     ffmpeg -i VIDEO -f rawvideo -pix_fmt nv12 - | camera WIDTH HEIGHT
 * Prints for each frame its number, and for each face the score and left, top, right and bottom in
 * pixels of the frame; at the end, on standard error, the mean time of each part,
 * and how many frames a second that would be. */
#include "yunet.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_FACES = 50, LARGEST_SIDE = 16384, PREPARE = 0, RUN, FIND, PARTS };

static const float certain = 0.5f, overlap = 0.45f;

static float image[YUNET_INPUT_IMAGE_ELEMENTS];
static _Alignas(YUNET_WORKSPACE_ALIGNMENT) unsigned char workspace[YUNET_WORKSPACE_BYTES];
static float cls_8[YUNET_OUTPUT_CLS_8_ELEMENTS], cls_16[YUNET_OUTPUT_CLS_16_ELEMENTS];
static float cls_32[YUNET_OUTPUT_CLS_32_ELEMENTS], obj_8[YUNET_OUTPUT_OBJ_8_ELEMENTS];
static float obj_16[YUNET_OUTPUT_OBJ_16_ELEMENTS], obj_32[YUNET_OUTPUT_OBJ_32_ELEMENTS];
static float bbox_8[YUNET_OUTPUT_BBOX_8_ELEMENTS], bbox_16[YUNET_OUTPUT_BBOX_16_ELEMENTS];
static float bbox_32[YUNET_OUTPUT_BBOX_32_ELEMENTS], kps_8[YUNET_OUTPUT_KPS_8_ELEMENTS];
static float kps_16[YUNET_OUTPUT_KPS_16_ELEMENTS], kps_32[YUNET_OUTPUT_KPS_32_ELEMENTS];

static const struct yunet_inputs inputs = {.image = image};
static const struct yunet_outputs outputs = {.cls_8 = cls_8,
    .cls_16 = cls_16,
    .cls_32 = cls_32,
    .obj_8 = obj_8,
    .obj_16 = obj_16,
    .obj_32 = obj_32,
    .bbox_8 = bbox_8,
    .bbox_16 = bbox_16,
    .bbox_32 = bbox_32,
    .kps_8 = kps_8,
    .kps_16 = kps_16,
    .kps_32 = kps_32};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Faces of a frame, or less than 0. Adds the time that each part took. */
static int find_faces(const struct yunet_frame *frame, struct yunet_box *faces, void *scratch,
    void *find_scratch, double *times) {
    struct yunet_mapping mapping;
    double begin = seconds();
    int status = yunet_prepare_image(frame, image, &mapping, scratch);
    double prepared = seconds();
    if (status == YUNET_OK)
        status = yunet_run(&inputs, &outputs, workspace);
    double done = seconds();
    if (status != YUNET_OK) {
        fprintf(stderr, "camera: %s\n", yunet_status_text(status));
        return -1;
    }
    int count =
        yunet_find_faces(&outputs, &mapping, certain, overlap, 0, faces, MOST_FACES, find_scratch);
    times[PREPARE] += prepared - begin;
    times[RUN] += done - prepared;
    times[FIND] += seconds() - done;
    return count;
}

int main(int argc, char **argv) {
    int width = argc == 3 ? atoi(argv[1]) : 0, height = argc == 3 ? atoi(argv[2]) : 0;
    if (width < 1 || width > LARGEST_SIDE || height < 1 || height > LARGEST_SIDE) {
        fprintf(stderr, "usage: camera WIDTH HEIGHT <frames of NV12\n");
        return 2;
    }
    size_t light = (size_t)width * (size_t)height;
    size_t bytes = light + (size_t)((width + 1) / 2 * 2) * (size_t)((height + 1) / 2);
    unsigned char *pixels = malloc(bytes);
    void *scratch = malloc(yunet_prepare_image_scratch_bytes(width, height));
    void *find_scratch = malloc(yunet_find_faces_scratch_bytes());
    if (pixels == NULL || scratch == NULL || find_scratch == NULL)
        return 2;
    const struct yunet_frame frame = {.format = YUNET_FRAME_NV12,
        .width = width,
        .height = height,
        .planes = {pixels, pixels + light}};
    struct yunet_box faces[MOST_FACES];
    double times[PARTS] = {0};
    int frames = 0, count = 0;
    for (; fread(pixels, 1, bytes, stdin) == bytes; frames++) {
        count = find_faces(&frame, faces, scratch, find_scratch, times);
        if (count < 0)
            return 2;
        printf("%d", frames);
        for (int i = 0; i < count; i++)
            printf("  %.3f %.1f %.1f %.1f %.1f", (double)faces[i].score, (double)faces[i].left,
                (double)faces[i].top, (double)faces[i].right, (double)faces[i].bottom);
        printf("\n");
    }
    if (frames > 0)
        fprintf(stderr,
            "%d frames; ms for each: prepare %.2f, network %.2f, faces %.2f; %.0f frames a "
            "second\n",
            frames, 1e3 * times[PREPARE] / frames, 1e3 * times[RUN] / frames,
            1e3 * times[FIND] / frames, frames / (times[PREPARE] + times[RUN] + times[FIND]));
    free(pixels);
    free(scratch);
    free(find_scratch);
    return 0;
}
