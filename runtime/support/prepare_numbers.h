/* What support code knows of an input of pixels, by place in a row of numbers. */
enum riffle_support_prepare_number {
    RIFFLE_PREPARE_CHANNELS, /* 1, 3, or 4, of which the last means nothing */
    RIFFLE_PREPARE_HEIGHT,   /* of the input */
    RIFFLE_PREPARE_WIDTH,
    RIFFLE_PREPARE_BGR,       /* 1: the input has blue first */
    RIFFLE_PREPARE_NHWC,      /* 1: channels are last */
    RIFFLE_PREPARE_BYTES,     /* 1: the input takes the pixels as they are */
    RIFFLE_PREPARE_RESIZE,    /* the shorter side before the crop; 0: to the input's size */
    RIFFLE_PREPARE_LETTERBOX, /* 1: the whole frame in its own proportions */
    RIFFLE_PREPARE_CORNER,    /* 1: letterbox at the right and at the bottom only */
    RIFFLE_PREPARE_FILL,      /* the pixel outside the frame */
    RIFFLE_PREPARE_LARGEST,   /* side of a frame */
    RIFFLE_PREPARE_NUMBERS
};
