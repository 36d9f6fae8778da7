/* Pictures from JPEG and PNG files, and how they become the numbers of a network's input. */
#ifndef RIFFLE_DRIVER_IMAGE_H
#define RIFFLE_DRIVER_IMAGE_H

#include "driver/driver.h"
#include "ir/graph.h"
#include "runtime/support/mapping.h"

typedef struct Image {
    int width, height;
    int channels;          /* 3: red, green, blue; 1: gray */
    unsigned char *pixels; /* rows from the top, channels fastest; lives in the session's arena */
    struct riffle_mapping mapping; /* from the input that was made of it; image_prepare sets it */
} Image;

/* Reads a JPEG or PNG file as red, green, blue, whatever it holds: gray, palette, CMYK, 16 bits. An
 * alpha channel is dropped, not blended. False after reporting; pictures of more than 64 megapixels
 * are refused before memory is taken for them. */
bool image_read(const char *path, Session *session, Image *image);

/* Resizes and crops as the input says, and writes the numbers of one picture in the input's layout:
 * channels * height * width floats, or the bytes themselves where the input is of u8. Works on
 * 8-bit pixels, as PIL does. */
bool image_prepare(Image *image, const GraphInput *input, Session *session, void *numbers);

#endif
