/* What support code knows of the file of weights, by place in a row of numbers: 64 bits in two, the
 * lower 32 first. */
enum riffle_support_weights_number {
    RIFFLE_CHECK_MARK,
    RIFFLE_CHECK_VERSION = RIFFLE_CHECK_MARK + 2,
    RIFFLE_CHECK_LAYOUT = RIFFLE_CHECK_VERSION + 2,
    RIFFLE_CHECK_BYTES = RIFFLE_CHECK_LAYOUT + 2,
    RIFFLE_CHECK_NUMBERS = RIFFLE_CHECK_BYTES + 2
};
