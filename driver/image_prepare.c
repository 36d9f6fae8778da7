/* Pictures as libraries prepare frames: by the same code (runtime/support). */
#include "backends/backends.h"
#include "driver/image.h"
#include "runtime/support/prepare.h"

enum { MOST_RESIZED_PIXELS = 64 << 20, LARGEST_SIDE = 1 << 23 };

static struct riffle_support_place find_place(
    const Image *image, const SupportConstants *constants) {
    struct riffle_support_place place;
    riffle_support_find_place(image->width, image->height, constants->numbers, &place);
    return place;
}

static bool size_is_allowed(
    const Image *image, const SupportConstants *constants, Session *session) {
    struct riffle_support_place place = find_place(image, constants);
    int64_t highest = place.resized_height > image->height ? place.resized_height : image->height;
    if (image->width > LARGEST_SIDE || image->height > LARGEST_SIDE) {
        diagnostics_error(session->diagnostics, NULL,
            "the picture of %d x %d pixels is longer than %d pixels", image->width, image->height,
            LARGEST_SIDE);
        return false;
    }
    if (place.resized_width <= MOST_RESIZED_PIXELS / highest)
        return true;
    diagnostics_error(session->diagnostics, NULL,
        "the picture of %d x %d pixels would grow to %lld x %lld before the crop", image->width,
        image->height, (long long)place.resized_width, (long long)place.resized_height);
    return false;
}

static bool is_picture(const GraphInput *input, Session *session) {
    if (support_prepares(input))
        return true;
    const TensorType *type = &input->value->type;
    if (type->rank != 4 || (type->dims[1] != 1 && type->dims[1] != 3))
        diagnostics_error(session->diagnostics, "give the numbers with --input",
            "input '%s' is no picture of 1 or 3 channels", input->value->name);
    else if (!input->has_preprocessing)
        diagnostics_error(session->diagnostics,
            "write '= pixels(...)' after the input's type in the spec, or give numbers with "
            "--input",
            "input '%s' does not say how pixels become numbers", input->value->name);
    else
        diagnostics_error(session->diagnostics, "give the numbers with --input",
            "input '%s' or the size before its crop is too large for a picture",
            input->value->name);
    return false;
}

bool image_prepare(Image *image, const GraphInput *input, Session *session, void *numbers) {
    if (!is_picture(input, session))
        return false;
    SupportConstants constants = support_constants(input, LARGEST_SIDE, session->arena);
    if (!size_is_allowed(image, &constants, session))
        return false;
    struct riffle_frame frame = {
        .format = image->channels == 1 ? RIFFLE_FRAME_GREY : RIFFLE_FRAME_RGB,
        .width = image->width,
        .height = image->height,
        .planes = {image->pixels}};
    size_t bytes = riffle_support_prepare_scratch_bytes(
        image->width, image->height, constants.numbers, constants.values);
    int status = riffle_support_prepare(&frame, numbers, &image->mapping,
        arena_allocate(session->arena, bytes), constants.numbers, constants.values);
    if (status != RIFFLE_STATUS_OK) /* all of its rules were asked above */
        diagnostics_error(session->diagnostics, NULL, "the picture cannot be prepared");
    return status == RIFFLE_STATUS_OK;
}
