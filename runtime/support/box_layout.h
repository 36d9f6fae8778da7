/* What support code knows of an answer with boxes, by place in a row of numbers: these, then for
 * each level the numbers of a level, each followed by those of its parts. */
enum riffle_support_box_number {
    RIFFLE_BOXES_DECODING, /* a riffle_support_decoding */
    RIFFLE_BOXES_HEIGHT,   /* of the input */
    RIFFLE_BOXES_WIDTH,
    RIFFLE_BOXES_LEVELS,    /* of cells */
    RIFFLE_BOXES_LANDMARKS, /* of each box */
    RIFFLE_BOXES_CELLS,     /* of all levels */
    RIFFLE_BOXES_NUMBERS
};

/* Each anchor has a level of its own, whose sizes are 0 where there are no anchors. */
enum riffle_support_level_number {
    RIFFLE_LEVEL_ROWS,
    RIFFLE_LEVEL_COLUMNS,
    RIFFLE_LEVEL_ANCHOR_WIDTH,
    RIFFLE_LEVEL_ANCHOR_HEIGHT,
    RIFFLE_LEVEL_NUMBERS
};

/* Channel c of cell i is number i * CELL_STEP + (FIRST_CHANNEL + c) * CHANNEL_STEP of the output.
 */
enum riffle_support_part_number {
    RIFFLE_PART_OUTPUT, /* its place among the outputs; -1: there is no such part */
    RIFFLE_PART_FIRST_CHANNEL,
    RIFFLE_PART_CHANNELS,
    RIFFLE_PART_CELL_STEP,
    RIFFLE_PART_CHANNEL_STEP,
    RIFFLE_PART_NUMBERS
};

enum { RIFFLE_LEVEL_PARTS = 4, RIFFLE_MOST_CANDIDATES = 4096 };

/* A box of the header, whatever its landmarks are: x and y of each stand behind it. */
struct riffle_support_box {
    float left, top, right, bottom, score;
    int class_index;
};
