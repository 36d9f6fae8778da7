/* Boxes drawn into pictures. */
#ifndef RIFFLE_DRIVER_DRAW_H
#define RIFFLE_DRIVER_DRAW_H

#include "driver/boxes.h"
#include "driver/image.h"
#include "ir/text.h"

/* Draws frames in the colour of their class, the most certain on top, and a dot for each landmark,
 * into a picture of 3 channels. What lies beyond its borders is left out. */
void draw_boxes(const Image *image, const Boxes *boxes);

/* Appends the picture as a PNG file. */
void image_write_png(const Image *image, Text *text);

#endif
