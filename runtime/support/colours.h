/* A row of a frame as pixels of 4 bytes (red, green, blue, and one without meaning), or as grey of
 * one byte. */
#ifndef RIFFLE_SUPPORT_COLOURS_H
#define RIFFLE_SUPPORT_COLOURS_H

#include "runtime/support/once.h"
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
RIFFLE_SUPPORT_ONCE static void riffle_support_colour_row(const unsigned char *restrict pixels,
    int32_t step, int32_t red, int32_t blue, int32_t count, int32_t grey,
    unsigned char *restrict row) {
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

enum { RIFFLE_SUPPORT_PAIRS = 32 };

/* What U and V add to red, green and blue of `pairs` pixels, with half a step for rounding. U and V
 * lie `step` bytes apart. */
static void riffle_support_chroma(const struct riffle_support_colour *colour,
    const unsigned char *restrict u, const unsigned char *restrict v, int32_t step, int32_t pairs,
    int32_t (*restrict added)[RIFFLE_SUPPORT_PAIRS]) {
    int32_t red = colour->red_of_v, green_of_u = colour->green_of_u;
    int32_t green_of_v = colour->green_of_v, blue = colour->blue_of_u;
    for (int32_t x = 0; x < pairs; x++) {
        int32_t of_u = u[x * step] - 128, of_v = v[x * step] - 128;
        added[0][x] = of_v * red + 0x8000;
        added[1][x] = 0x8000 - of_u * green_of_u - of_v * green_of_v;
        added[2][x] = of_u * blue + 0x8000;
    }
}

/* Two pixels side by side have one U and one V, which lie `step` bytes apart. `first`: 1 when the
 * row begins with the second of two. */
RIFFLE_SUPPORT_ONCE static void riffle_support_yuv_row(const struct riffle_support_colour *colour,
    const unsigned char *restrict y, const unsigned char *restrict u,
    const unsigned char *restrict v, int32_t step, int32_t first, int32_t count,
    unsigned char *restrict row) {
    int32_t black = colour->black, of_y = colour->y;
    for (int32_t begin = -first; begin < count; begin += 2 * RIFFLE_SUPPORT_PAIRS) {
        int32_t added[3][RIFFLE_SUPPORT_PAIRS], both[3][2 * RIFFLE_SUPPORT_PAIRS];
        int32_t end =
            begin + 2 * RIFFLE_SUPPORT_PAIRS < count ? begin + 2 * RIFFLE_SUPPORT_PAIRS : count;
        int32_t pairs = (end - begin + 1) / 2, skipped = begin < 0;
        size_t place = (size_t)((begin + first) / 2) * (size_t)step;
        riffle_support_chroma(colour, u + place, v + place, step, pairs, added);
        for (int32_t c = 0; c < 3; c++)
            for (int32_t x = 0; x < pairs; x++)
                both[c][2 * x] = both[c][2 * x + 1] = added[c][x];
        for (int32_t x = skipped; x < end - begin; x++) {
            int32_t light = (y[begin + x] - black) * of_y;
            unsigned char *pixel = row + 4 * (begin + x);
            pixel[0] = riffle_support_clamp((light + both[0][x]) >> 16);
            pixel[1] = riffle_support_clamp((light + both[1][x]) >> 16);
            pixel[2] = riffle_support_clamp((light + both[2][x]) >> 16);
            pixel[3] = 0;
        }
    }
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
    size_t column = (size_t)(x / 2) * (size_t)frame->chroma_bytes;
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
            frame->planes[1] + (size_t)(y / 2) * frame->row_bytes[1] + column,
            frame->planes[2] + (size_t)(y / 2) * frame->row_bytes[2] + column, frame->chroma_bytes,
            x % 2, count, row);
    else if (frame->format == RIFFLE_FRAME_NV12)
        riffle_support_yuv_row(colour, first + x, frame->planes[1] + chroma,
            frame->planes[1] + chroma + 1, 2, x % 2, count, row);
    else
        riffle_support_yuv_row(colour, first + x, frame->planes[1] + chroma + 1,
            frame->planes[1] + chroma, 2, x % 2, count, row);
}

#endif
