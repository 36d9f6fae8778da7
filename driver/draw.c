#include "driver/draw.h"

#include "ir/ending.h"

#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char colours[][3] = {
    {0, 220, 90}, {255, 80, 60}, {60, 140, 255}, {255, 200, 0}, {200, 80, 255}, {0, 210, 220}};
enum { COLOUR_COUNT = sizeof colours / sizeof *colours };

/* To a whole pixel of 0 to `limit`; the coordinates are finite. */
static int pixel_of(double coordinate, int limit) {
    return coordinate <= 0 ? 0 : coordinate >= limit ? limit : (int)lround(coordinate);
}

/* The pixels of these columns and rows, the ends left out. */
static void fill(
    const Image *image, const double begin[2], const double end[2], const unsigned char colour[3]) {
    int left = pixel_of(begin[0], image->width), right = pixel_of(end[0], image->width);
    int top = pixel_of(begin[1], image->height), bottom = pixel_of(end[1], image->height);
    size_t channels = (size_t)image->channels;
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++)
            memcpy(image->pixels + channels * ((size_t)y * (size_t)image->width + (size_t)x),
                colour, channels);
}

static void draw_box(const Image *image, const Box *box, double thickness) {
    const unsigned char *colour = colours[box->class_index % COLOUR_COUNT];
    double left = box->corners[0].x, top = box->corners[0].y;
    double right = box->corners[1].x, bottom = box->corners[1].y;
    fill(image, (double[]){left, top}, (double[]){right, top + thickness}, colour);
    fill(image, (double[]){left, bottom - thickness}, (double[]){right, bottom}, colour);
    fill(image, (double[]){left, top}, (double[]){left + thickness, bottom}, colour);
    fill(image, (double[]){right - thickness, top}, (double[]){right, bottom}, colour);
    for (int i = 0; i < box->landmark_count; i++) {
        Point dot = box->landmarks[i];
        fill(image, (double[]){dot.x - thickness, dot.y - thickness},
            (double[]){dot.x + thickness, dot.y + thickness},
            colours[(box->class_index + 1) % COLOUR_COUNT]);
    }
}

void draw_boxes(const Image *image, const Boxes *boxes) {
    int shorter = image->width < image->height ? image->width : image->height;
    double thickness = shorter < 400 ? 1 : round(shorter / 200.0);
    for (int i = boxes->count - 1; i >= 0; i--)
        draw_box(image, &boxes->items[i], thickness);
}

void image_write_png(const Image *image, Text *text) {
    png_image png = {.version = PNG_IMAGE_VERSION,
        .width = (png_uint_32)image->width,
        .height = (png_uint_32)image->height,
        .format = image->channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
    void *memory = allocate_or_end(size);
    /* Its size is allowed and its buffer large enough: all it can lack is memory. */
    if (!png_image_write_to_memory(&png, memory, &size, 0, image->pixels, 0, NULL))
        out_of_memory();
    text_append_bytes(text, memory, size);
    free(memory);
}
