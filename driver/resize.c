#include "driver/resize.h"

#include <math.h>

/* Weights are whole numbers in units of 2^-22, so that a sum of 8-bit pixels fits 32 bits. */
enum { WEIGHT_BITS = 22 };

/* Which source pixels make one pixel of the result, and how much each counts. */
typedef struct ResizeTap {
    int first, count;
    const int32_t *weights;
} ResizeTap;

static double triangle(double x) {
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static ResizeTap make_tap(int position, double scale, int source_size, Arena *arena) {
    double spread = scale > 1 ? scale : 1; /* half the width of the filter, in source pixels */
    double centre = (position + 0.5) * scale;
    int first = (int)fmax(centre - spread + 0.5, 0);
    int end = (int)fmin(centre + spread + 0.5, source_size);
    ResizeTap tap = {.first = first, .count = end - first};
    double *weights = ARENA_ARRAY(arena, double, tap.count), sum = 0;
    for (int i = 0; i < tap.count; i++) {
        weights[i] = triangle((first + i - centre + 0.5) / spread);
        sum += weights[i];
    }
    int32_t *rounded = ARENA_ARRAY(arena, int32_t, tap.count);
    for (int i = 0; i < tap.count; i++)
        rounded[i] = (int32_t)lround(weights[i] / sum * (1 << WEIGHT_BITS));
    tap.weights = rounded;
    return tap;
}

static ResizeTap *make_taps(int source_size, int size, Arena *arena) {
    ResizeTap *taps = ARENA_ARRAY(arena, ResizeTap, size);
    double scale = (double)source_size / size;
    for (int i = 0; i < size; i++)
        taps[i] = make_tap(i, scale, source_size, arena);
    return taps;
}

/* The weighted mean of pixels that lie `step` bytes apart. */
static unsigned char weigh(const unsigned char *pixels, int64_t step, const ResizeTap *tap) {
    int32_t sum = 1 << (WEIGHT_BITS - 1);
    for (int i = 0; i < tap->count; i++)
        sum += pixels[i * step] * tap->weights[i];
    sum >>= WEIGHT_BITS;
    return (unsigned char)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static Image new_image(int width, int height, int channels, Arena *arena) {
    Image image = {.width = width, .height = height, .channels = channels};
    image.pixels = arena_allocate_array(arena, (size_t)width * (size_t)height, (size_t)channels);
    return image;
}

static Image resize_columns(const Image *image, int width, Arena *arena) {
    Image resized = new_image(width, image->height, image->channels, arena);
    const ResizeTap *taps = make_taps(image->width, width, arena);
    int64_t channels = image->channels;
    for (int64_t y = 0; y < image->height; y++) {
        const unsigned char *row = image->pixels + y * image->width * channels;
        unsigned char *out = resized.pixels + y * width * channels;
        for (int x = 0; x < width; x++) {
            for (int64_t c = 0; c < channels; c++)
                out[x * channels + c] =
                    weigh(row + taps[x].first * channels + c, channels, &taps[x]);
        }
    }
    return resized;
}

static Image resize_rows(const Image *image, int height, Arena *arena) {
    Image resized = new_image(image->width, height, image->channels, arena);
    const ResizeTap *taps = make_taps(image->height, height, arena);
    int64_t row_bytes = (int64_t)image->width * image->channels;
    for (int64_t y = 0; y < height; y++) {
        const unsigned char *first_row = image->pixels + taps[y].first * row_bytes;
        for (int64_t x = 0; x < row_bytes; x++)
            resized.pixels[y * row_bytes + x] = weigh(first_row + x, row_bytes, &taps[y]);
    }
    return resized;
}

Image resize_image(const Image *image, int width, int height, Arena *arena) {
    Image wide = width == image->width ? *image : resize_columns(image, width, arena);
    return height == image->height ? wide : resize_rows(&wide, height, arena);
}
