/* What support code knows of an output with a number for each class, by place in a row of numbers.
 */
enum riffle_support_top_number {
    RIFFLE_TOP_CLASSES,
    RIFFLE_TOP_ARE_PROBABILITIES, /* 0: logits */
    RIFFLE_TOP_NUMBERS
};
