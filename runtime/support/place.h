/* Sizes and places of a frame of width x height on its way to the input: it is resized to
 * resized_width x resized_height, and the input's first pixel is (left, top) of that; what of the
 * input lies outside is filled. */
struct riffle_support_place {
    int64_t resized_width, resized_height, left, top;
};
