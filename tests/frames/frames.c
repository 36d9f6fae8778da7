/* Prepares one frame by the library of the network `seen`: once alone, once with parallel_for.
 *     frames IMAGE FORMAT COLOUR WIDTH HEIGHT ROW ROW ROW X Y CROP_WIDTH CROP_HEIGHT PLANE...
 * A plane is a file, or - for none; ROW is the bytes from row to row. Prints the two statuses,
 * whether both images are the same, and the mapping; writes the image. Behind every buffer lies a
 * page that nobody may touch, and the scratch is at an odd address. */
#include "seen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PLANES = 3, FIRST_PLANE = 13, IMAGE_ELEMENTS = SEEN_INPUT_IMAGE_ELEMENTS };

/* Bytes that end where a page begins that nobody may touch. */
static unsigned char *guarded(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) / page * page;
    unsigned char *memory =
        mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + whole, page, PROT_NONE) != 0)
        exit(EXIT_FAILURE);
    return memory + whole - bytes;
}

static const unsigned char *read_plane(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        exit(EXIT_FAILURE);
    size_t bytes = (size_t)ftell(file);
    unsigned char *plane = guarded(bytes);
    rewind(file);
    if (fread(plane, 1, bytes, file) != bytes)
        exit(EXIT_FAILURE);
    fclose(file);
    return plane;
}

/* The last item first: any order is allowed. */
static void backwards(void *pool, seen_task *task, void *context, size_t count) {
    (void)pool;
    for (size_t i = count; i-- > 0;)
        task(context, i, i + 1);
}

static void nothing(void *pool, seen_task *task, void *context, size_t count) {
    (void)pool, (void)task, (void)context, (void)count;
}

int main(int argc, char **argv) {
    if (argc < FIRST_PLANE || argc > FIRST_PLANE + PLANES)
        return EXIT_FAILURE;
    int number[FIRST_PLANE] = {0};
    for (int i = 2; i < FIRST_PLANE; i++)
        number[i] = atoi(argv[i]);
    struct seen_frame frame = {.format = number[2],
        .colour = number[3],
        .width = number[4],
        .height = number[5],
        .crop_x = number[9],
        .crop_y = number[10],
        .crop_width = number[11],
        .crop_height = number[12]};
    if (argc > FIRST_PLANE && getenv("PLANE_BYTES") != NULL)
        frame.plane_bytes[0] = (size_t)atoi(getenv("PLANE_BYTES"));
    if (getenv("CHROMA_BYTES") != NULL)
        frame.chroma_bytes = atoi(getenv("CHROMA_BYTES"));
    for (int i = 0; i < PLANES; i++)
        frame.row_bytes[i] = (size_t)number[6 + i];
    for (int i = FIRST_PLANE; i < argc; i++)
        if (strcmp(argv[i], "-") != 0)
            frame.planes[i - FIRST_PLANE] = read_plane(argv[i]);
    int whole = frame.crop_width == 0 && frame.crop_height == 0;
    size_t bytes = seen_prepare_image_scratch_bytes(
        whole ? frame.width : frame.crop_width, whole ? frame.height : frame.crop_height);
    /* Where the sizes are wrong there is no scratch, and none is touched. */
    unsigned char *scratch = guarded(bytes + 1);
    PIXEL *image = (PIXEL *)(void *)guarded(IMAGE_ELEMENTS * sizeof(PIXEL));
    PIXEL *shared = (PIXEL *)(void *)guarded(IMAGE_ELEMENTS * sizeof(PIXEL));
    struct seen_mapping mapping = {0};
    int alone = seen_prepare_image(&frame, image, &mapping, scratch);
    int both = seen_prepare_image_parallel(&frame, shared, NULL, scratch, backwards, NULL);
    int undone = seen_prepare_image_parallel(&frame, shared, NULL, scratch, nothing, NULL);
    int null = seen_prepare_image(NULL, image, NULL, scratch);
    printf("%d %d %d %d %d %a %a %a %a\n", alone, both, undone, null,
        memcmp(image, shared, IMAGE_ELEMENTS * sizeof(PIXEL)) == 0, (double)mapping.scale_x,
        (double)mapping.scale_y, (double)mapping.offset_x, (double)mapping.offset_y);
    FILE *file = fopen(argv[1], "wb");
    if (file == NULL || fwrite(image, sizeof(PIXEL), IMAGE_ELEMENTS, file) != IMAGE_ELEMENTS)
        return EXIT_FAILURE;
    return fclose(file) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
