/* Raw frames of cameras and decoders, as pictures: the bytes that NAME_prepare_... takes. */
#ifndef RIFFLE_DRIVER_FRAME_H
#define RIFFLE_DRIVER_FRAME_H

#include "driver/image.h"

/* What the bytes of a frame are. */
typedef struct FrameOptions {
    Session *session;
    const char *option; /* one of these that was given, or NULL */
    int format, colour; /* riffle_frame_format and riffle_frame_colour */
    bool has_format;
    int64_t width, height; /* 0: not given */
} FrameOptions;

extern const struct argp frame_argp; /* its input is a FrameOptions */

/* Reads a file with one frame, its planes one after the other without gaps, as red, green, blue or,
 * for networks of one channel, as grey: what libraries make of the same bytes, bit for bit. False
 * after reporting. */
bool frame_read(const char *path, const FrameOptions *options, int channels, Image *image);

#endif
