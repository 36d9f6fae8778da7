#include "driver/image.h"

#include "driver/resize.h"

enum { MOST_RESIZED_PIXELS = 64 << 20 };

/* Gray as PIL weighs it: ITU-R 601, in sixteenths of a bit. */
static Image to_gray(const Image *image, Arena *arena) {
    size_t count = (size_t)image->width * (size_t)image->height;
    Image gray = {.width = image->width, .height = image->height, .channels = 1};
    gray.pixels = arena_allocate(arena, count);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *pixel = image->pixels + 3 * i;
        gray.pixels[i] =
            (unsigned char)((19595u * pixel[0] + 38470u * pixel[1] + 7471u * pixel[2] + 0x8000u) >>
                            16);
    }
    return gray;
}

/* The size that the picture is resized to before the crop. As torchvision: the longer side is
 * rounded down. */
static void size_before_crop(
    const Image *image, const GraphInput *input, int64_t *width, int64_t *height) {
    int64_t resize = input->preprocessing.resize;
    if (resize <= 0) {
        *height = input->value->type.dims[2];
        *width = input->value->type.dims[3];
    } else if (image->width <= image->height) {
        *width = resize;
        *height = resize * image->height / image->width;
    } else {
        *height = resize;
        *width = resize * image->width / image->height;
    }
}

/* Between the passes of the resizing the picture is as wide as the result and as high as it was. */
static bool size_is_allowed(const Image *image, int64_t width, int64_t height, Session *session) {
    int64_t highest = height > image->height ? height : image->height;
    if (width <= MOST_RESIZED_PIXELS / highest)
        return true;
    diagnostics_error(session->diagnostics, NULL,
        "the picture of %d x %d pixels would grow to %lld x %lld before the crop", image->width,
        image->height, (long long)width, (long long)height);
    return false;
}

/* Where the centre crop begins: half a pixel is rounded to the even side, as torchvision and PIL do
 * (Python's round). A picture that is smaller is padded, as torchvision does: with an odd remainder
 * one pixel more at the right and at the bottom. */
static int64_t crop_begin(int64_t size, int64_t crop) {
    int64_t rest = size - crop;
    if (rest < 0)
        return -(-rest / 2);
    int64_t half = rest / 2;
    return rest % 2 != 0 && half % 2 != 0 ? half + 1 : half;
}

/* Outside the picture (a crop larger than it) pixels are 0. */
static double pixel_at(const Image *image, int64_t row, int64_t column, int64_t channel) {
    if (row < 0 || row >= image->height || column < 0 || column >= image->width)
        return 0;
    return image->pixels[(row * image->width + column) * image->channels + channel];
}

/* What the input takes of a pixel: the number, or its byte. */
static void store_pixel(
    const GraphInput *input, int64_t channel, double pixel, int64_t place, void *numbers) {
    const Preprocessing *preprocessing = &input->preprocessing;
    if (input->value->type.element == ELEMENT_U8)
        ((unsigned char *)numbers)[place] = (unsigned char)pixel;
    else
        ((float *)numbers)[place] =
            (float)((pixel * preprocessing->scale - preprocessing->mean[channel]) /
                    preprocessing->std[channel]);
}

static void normalise(const Image *image, const GraphInput *input, void *numbers) {
    int64_t channels = input->value->type.dims[1];
    int64_t height = input->value->type.dims[2], width = input->value->type.dims[3];
    int64_t top = crop_begin(image->height, height), left = crop_begin(image->width, width);
    for (int64_t c = 0; c < channels; c++) {
        int64_t source = input->preprocessing.bgr ? channels - 1 - c : c;
        for (int64_t y = 0; y < height; y++) {
            for (int64_t x = 0; x < width; x++) {
                double pixel = pixel_at(image, top + y, left + x, source);
                int64_t place = input->layout == LAYOUT_NHWC ? (y * width + x) * channels + c
                                                             : (c * height + y) * width + x;
                store_pixel(input, c, pixel, place, numbers);
            }
        }
    }
}

bool image_prepare(const Image *image, const GraphInput *input, Session *session, void *numbers) {
    const TensorType *type = &input->value->type;
    if (type->rank != 4 || (type->dims[1] != 1 && type->dims[1] != 3)) {
        diagnostics_error(session->diagnostics, "give the numbers with --input",
            "input '%s' is no picture of 1 or 3 channels", input->value->name);
        return false;
    }
    if (!input->has_preprocessing) {
        diagnostics_error(session->diagnostics,
            "write '= pixels(...)' after the input's type in the spec, or give numbers with "
            "--input",
            "input '%s' does not say how pixels become numbers", input->value->name);
        return false;
    }
    Image picture = type->dims[1] == 1 ? to_gray(image, session->arena) : *image;
    int64_t width, height;
    size_before_crop(&picture, input, &width, &height);
    if (!size_is_allowed(&picture, width, height, session))
        return false;
    Image resized = resize_image(&picture, (int)width, (int)height, session->arena);
    normalise(&resized, input, numbers);
    return true;
}

ImagePlace image_place(const Image *image, const GraphInput *input) {
    int64_t width, height;
    size_before_crop(image, input, &width, &height);
    return (ImagePlace){.left = (double)crop_begin(width, input->value->type.dims[3]),
        .top = (double)crop_begin(height, input->value->type.dims[2]),
        .scale_x = image->width / (double)width,
        .scale_y = image->height / (double)height};
}
