/* ---- frames ---- */

/* How the bytes of a frame stand for pixels. */
enum riffle_frame_format {
    RIFFLE_FRAME_RGB = 0, /* planes[0]: red, green, blue of each pixel */
    RIFFLE_FRAME_BGR = 1,
    RIFFLE_FRAME_RGBA = 2, /* the fourth byte is not read */
    RIFFLE_FRAME_BGRA = 3,
    RIFFLE_FRAME_GREY = 4,
    RIFFLE_FRAME_NV12 = 5, /* planes[0]: Y; planes[1]: U and V in turn, for 2 x 2 pixels */
    RIFFLE_FRAME_NV21 = 6, /* the same, V before U */
    RIFFLE_FRAME_I420 =
        7 /* planes[0]: Y; planes[1]: U; planes[2]: V; also YUV_420_888 of Android */
};

/* What Y, U and V mean; of the other formats it is not read. */
enum riffle_frame_colour {
    RIFFLE_FRAME_BT601_VIDEO = 0, /* Y from 16 to 235: most cameras */
    RIFFLE_FRAME_BT601_FULL = 1,  /* Y from 0 to 255: JPEG, Android's cameras */
    RIFFLE_FRAME_BT709_VIDEO = 2, /* video in HD */
    RIFFLE_FRAME_BT709_FULL = 3
};

/* A frame as a camera or decoder gives it. Begin with {0}: what is 0 is left to its default. */
struct riffle_frame {
    int format;        /* a riffle_frame_format */
    int colour;        /* a riffle_frame_colour */
    int width, height; /* in pixels, 1 to 16384 */
    const unsigned char *planes[3];
    size_t row_bytes[3];   /* from a row of a plane to the next; 0: there are no gaps */
    size_t plane_bytes[3]; /* what may be read of a plane; 0: all that its rows need */
    /* The part that the network looks at; all 0: the whole frame. */
    int crop_x, crop_y, crop_width, crop_height;
    int chroma_bytes; /* of I420, from a U to the next and from a V to the next, at most 16; 0: 1 */
};
