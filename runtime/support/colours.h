/* A row of a frame as pixels of 4 bytes (red, green, blue, and one without meaning), or as grey of
 * one byte. */
#ifndef RIFFLE_SUPPORT_COLOURS_H
#define RIFFLE_SUPPORT_COLOURS_H

#include "runtime/support/prepare.h"

/* Red, green and blue of Y, U and V, in units of 2^-16: those of ITU-R BT.601 and BT.709, with Y
 * and chroma stretched from 219 and 224 steps to 255 where the range is that of video. */
struct riffle_support_colour {
    int32_t black, y, red_of_v, green_of_u, green_of_v, blue_of_u;
};

static const struct riffle_support_colour riffle_support_colours[4] = {
    {16, 76309, 104597, 25675, 53279, 132201},
    {0, 65536, 91881, 22553, 46802, 116130},
    {16, 76309, 117489, 13975, 34925, 138438},
    {0, 65536, 103206, 12276, 30679, 121609},
};

static unsigned char riffle_support_clamp(int32_t number) {
    return (unsigned char)(number < 0 ? 0 : number > 255 ? 255 : number);
}

/* Grey as PIL weighs it: ITU-R BT.601, in units of 2^-16. */
static unsigned char riffle_support_grey(uint32_t red, uint32_t green, uint32_t blue) {
    return (unsigned char)((19595u * red + 38470u * green + 7471u * blue + 0x8000u) >> 16);
}

/* Pixels of `step` bytes, red at `red` and blue at `blue`. */
static void riffle_support_colour_row(const unsigned char *restrict pixels, int32_t step,
    int32_t red, int32_t blue, int32_t count, int32_t grey, unsigned char *restrict row) {
    if (grey) {
        for (int32_t x = 0; x < count; x++)
            row[x] = riffle_support_grey(
                pixels[x * step + red], pixels[x * step + 1], pixels[x * step + blue]);
        return;
    }
    for (int32_t x = 0; x < count; x++) {
        row[4 * x] = pixels[x * step + red];
        row[4 * x + 1] = pixels[x * step + 1];
        row[4 * x + 2] = pixels[x * step + blue];
        row[4 * x + 3] = 0;
    }
}

static void riffle_support_grey_row(const unsigned char *restrict pixels, int32_t count,
    int32_t grey, unsigned char *restrict row) {
    for (int32_t x = 0; grey && x < count; x++)
        row[x] = pixels[x];
    for (int32_t x = 0; !grey && x < count; x++) {
        row[4 * x] = pixels[x];
        row[4 * x + 1] = pixels[x];
        row[4 * x + 2] = pixels[x];
        row[4 * x + 3] = 0;
    }
}

static void riffle_support_store_colour(const struct riffle_support_colour *colour, int32_t y,
    int32_t u, int32_t v, unsigned char *pixel) {
    int32_t light = (y - colour->black) * colour->y + 0x8000;
    pixel[0] = riffle_support_clamp((light + v * colour->red_of_v) >> 16);
    pixel[1] =
        riffle_support_clamp((light - u * colour->green_of_u - v * colour->green_of_v) >> 16);
    pixel[2] = riffle_support_clamp((light + u * colour->blue_of_u) >> 16);
    pixel[3] = 0;
}

/* Two pixels side by side have one U and one V, which lie `step` bytes apart. `first`: 1 when the
 * row begins with the second of two. */
static void riffle_support_yuv_row(const struct riffle_support_colour *colour,
    const unsigned char *restrict y, const unsigned char *restrict u,
    const unsigned char *restrict v, int32_t step, int32_t first, int32_t count,
    unsigned char *restrict row) {
    if (first && count > 0) {
        riffle_support_store_colour(colour, y[0], u[0] - 128, v[0] - 128, row);
        y++;
        u += step;
        v += step;
        row += 4;
        count--;
    }
    int32_t pairs = count / 2;
    for (int32_t x = 0; x < pairs; x++) {
        int32_t blue = u[x * step] - 128, red = v[x * step] - 128;
        riffle_support_store_colour(colour, y[2 * x], blue, red, row + 8 * x);
        riffle_support_store_colour(colour, y[2 * x + 1], blue, red, row + 8 * x + 4);
    }
    if (count % 2 != 0)
        riffle_support_store_colour(
            colour, y[2 * pairs], u[pairs * step] - 128, v[pairs * step] - 128, row + 8 * pairs);
}

/* Grey of Y alone. */
static void riffle_support_light_row(const struct riffle_support_colour *colour,
    const unsigned char *restrict y, int32_t count, unsigned char *restrict row) {
    for (int32_t x = 0; x < count; x++)
        row[x] = riffle_support_clamp(((y[x] - colour->black) * colour->y + 0x8000) >> 16);
}

/* `count` pixels from (x, y) on, of a frame whose row_bytes are set. */
static void riffle_support_read_row(const struct riffle_frame *frame, int32_t x, int32_t y,
    int32_t count, int32_t grey, unsigned char *restrict row) {
    const unsigned char *first = frame->planes[0] + (size_t)y * frame->row_bytes[0];
    const struct riffle_support_colour *colour = &riffle_support_colours[frame->colour];
    size_t chroma = (size_t)(y / 2) * frame->row_bytes[1] + (size_t)(x / 2) * 2;
    switch (frame->format) {
    case RIFFLE_FRAME_RGB:
        riffle_support_colour_row(first + (size_t)x * 3, 3, 0, 2, count, grey, row);
        return;
    case RIFFLE_FRAME_BGR:
        riffle_support_colour_row(first + (size_t)x * 3, 3, 2, 0, count, grey, row);
        return;
    case RIFFLE_FRAME_RGBA:
        riffle_support_colour_row(first + (size_t)x * 4, 4, 0, 2, count, grey, row);
        return;
    case RIFFLE_FRAME_BGRA:
        riffle_support_colour_row(first + (size_t)x * 4, 4, 2, 0, count, grey, row);
        return;
    case RIFFLE_FRAME_GREY:
        riffle_support_grey_row(first + x, count, grey, row);
        return;
    default:
        break;
    }
    if (grey)
        riffle_support_light_row(colour, first + x, count, row);
    else if (frame->format == RIFFLE_FRAME_I420)
        riffle_support_yuv_row(colour, first + x,
            frame->planes[1] + (size_t)(y / 2) * frame->row_bytes[1] + x / 2,
            frame->planes[2] + (size_t)(y / 2) * frame->row_bytes[2] + x / 2, 1, x % 2, count, row);
    else if (frame->format == RIFFLE_FRAME_NV12)
        riffle_support_yuv_row(colour, first + x, frame->planes[1] + chroma,
            frame->planes[1] + chroma + 1, 2, x % 2, count, row);
    else
        riffle_support_yuv_row(colour, first + x, frame->planes[1] + chroma + 1,
            frame->planes[1] + chroma, 2, x % 2, count, row);
}

#endif
