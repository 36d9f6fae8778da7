#include "tests/fuzz/picture_seeds.h"

#include <png.h>
#include <stdlib.h>
#include <turbojpeg.h>

enum { SIDE = 9, MOST_CHANNELS = 4 };

static void draw(unsigned char pixels[SIDE * SIDE * MOST_CHANNELS]) {
    for (int i = 0; i < SIDE * SIDE * MOST_CHANNELS; i++)
        pixels[i] = (unsigned char)(i * 37);
}

static void append_png(Text *seed, const unsigned char *pixels, unsigned format) {
    png_image png = {.version = PNG_IMAGE_VERSION, .width = SIDE, .height = SIDE, .format = format};
    png_alloc_size_t length = 0;
    char *bytes = NULL;
    if (!png_image_write_get_memory_size(png, length, 0, pixels, 0, NULL) ||
        (bytes = malloc(length)) == NULL ||
        !png_image_write_to_memory(&png, bytes, &length, 0, pixels, 0, NULL))
        abort();
    text_append_bytes(seed, bytes, length);
    free(bytes);
}

static void append_jpeg(
    Text *seed, const unsigned char *pixels, int format, int sampling, int flags) {
    unsigned char *bytes = NULL;
    unsigned long length = 0;
    tjhandle encoder = tjInitCompress();
    if (encoder == NULL || tjCompress2(encoder, pixels, SIDE, 0, SIDE, format, &bytes, &length,
                               sampling, 75, flags) != 0)
        abort();
    text_append_bytes(seed, bytes, length);
    tjFree(bytes);
    tjDestroy(encoder);
}

int picture_seeds(Text *seeds, int most) {
    static const unsigned png_formats[] = {PNG_FORMAT_RGB, PNG_FORMAT_GRAY, PNG_FORMAT_RGBA};
    static const struct {
        int format, sampling, flags;
    } jpegs[] = {
        {TJPF_RGB, TJSAMP_420, 0},
        {TJPF_GRAY, TJSAMP_GRAY, 0},
        {TJPF_RGB, TJSAMP_444, TJFLAG_PROGRESSIVE},
        {TJPF_CMYK, TJSAMP_444, 0},
    };
    unsigned char pixels[SIDE * SIDE * MOST_CHANNELS];
    int count = 0;
    draw(pixels);
    for (size_t i = 0; i < sizeof png_formats / sizeof *png_formats && count < most; i++)
        append_png(&seeds[count++], pixels, png_formats[i]);
    for (size_t i = 0; i < sizeof jpegs / sizeof *jpegs && count < most; i++)
        append_jpeg(&seeds[count++], pixels, jpegs[i].format, jpegs[i].sampling, jpegs[i].flags);
    return count;
}
