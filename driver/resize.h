/* Resizing of pictures with the triangle filter, widened where the picture shrinks: "bilinear" of
 * PIL, "antialiased bilinear" of torchvision. */
#ifndef RIFFLE_DRIVER_RESIZE_H
#define RIFFLE_DRIVER_RESIZE_H

#include "driver/image.h"

/* Columns first, then rows, each rounded to 8 bits, as PIL does. Everything is allocated from the
 * arena; sizes are at least 1 and their products fit memory. */
Image resize_image(const Image *image, int width, int height, Arena *arena);

#endif
