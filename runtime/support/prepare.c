#include "runtime/support/prepare.h"
#include "runtime/support/colours.h"
#include "runtime/support/resize.h"

/* Rows are shared out in so many parts. */
enum { RIFFLE_SUPPORT_BANDS = 16, RIFFLE_SUPPORT_MOST_CHROMA_BYTES = 16 };

/* All that is known of one call. */
struct riffle_support_call {
    struct riffle_frame frame; /* all of it set */
    const int32_t *numbers;
    const float *values;
    void *image;
    struct riffle_support_place place;
    /* The part of the input that shows the frame. */
    int32_t first_column, columns, first_row, rows;
    /* The columns and rows of the crop that are looked at. */
    int32_t first_source_column, source_columns, first_source_row, source_rows;
    struct riffle_support_tap *column_taps, *row_taps;
    int32_t *column_weights, *row_weights;
    unsigned char *resized; /* those rows, as wide as the result */
    unsigned char *buffers; /* of the bands; NULL in the scratch's size */
    size_t buffer_bytes;    /* of a band; 0: they share one */
    unsigned char read_done[RIFFLE_SUPPORT_BANDS], write_done[RIFFLE_SUPPORT_BANDS];
};

/* ---- places ---- */

/* Where a centre crop begins: half a pixel is rounded to the even side, as torchvision and PIL do.
 * A picture that is smaller is padded: with an odd remainder one pixel more at the end. */
static int64_t riffle_support_crop_begin(int64_t size, int64_t crop) {
    int64_t rest = size - crop;
    if (rest < 0)
        return -(-rest / 2);
    int64_t half = rest / 2;
    return rest % 2 != 0 && half % 2 != 0 ? half + 1 : half;
}

/* size * numerator / denominator, rounded, at least 1. */
static int64_t riffle_support_scaled(int64_t size, int64_t numerator, int64_t denominator) {
    int64_t scaled = (int64_t)riffle_support_divide(
        (uint64_t)(2 * size * numerator + denominator), 2 * (uint64_t)denominator);
    return scaled > 0 ? scaled : 1;
}

static void riffle_support_find_letterbox(
    int64_t width, int64_t height, const int32_t *numbers, struct riffle_support_place *place) {
    int64_t wide = numbers[RIFFLE_PREPARE_WIDTH], high = numbers[RIFFLE_PREPARE_HEIGHT];
    place->resized_width = wide;
    place->resized_height = high;
    if (wide * height <= high * width)
        place->resized_height = riffle_support_scaled(height, wide, width);
    else
        place->resized_width = riffle_support_scaled(width, high, height);
    place->left = numbers[RIFFLE_PREPARE_CORNER] ? 0 : -((wide - place->resized_width) / 2);
    place->top = numbers[RIFFLE_PREPARE_CORNER] ? 0 : -((high - place->resized_height) / 2);
}

RIFFLE_SUPPORT_SHARED void riffle_support_find_place(
    int64_t width, int64_t height, const int32_t *numbers, struct riffle_support_place *place) {
    int64_t resize = numbers[RIFFLE_PREPARE_RESIZE];
    if (numbers[RIFFLE_PREPARE_LETTERBOX]) {
        riffle_support_find_letterbox(width, height, numbers, place);
        return;
    }
    place->resized_width = resize > 0 ? resize : numbers[RIFFLE_PREPARE_WIDTH];
    place->resized_height = resize > 0 ? resize : numbers[RIFFLE_PREPARE_HEIGHT];
    /* As torchvision: the longer side is rounded down. */
    if (resize > 0 && width <= height)
        place->resized_height =
            (int64_t)riffle_support_divide((uint64_t)(resize * height), (uint64_t)width);
    else if (resize > 0)
        place->resized_width =
            (int64_t)riffle_support_divide((uint64_t)(resize * width), (uint64_t)height);
    place->left = riffle_support_crop_begin(place->resized_width, numbers[RIFFLE_PREPARE_WIDTH]);
    place->top = riffle_support_crop_begin(place->resized_height, numbers[RIFFLE_PREPARE_HEIGHT]);
}

/* Which of `size` places show one of `resized` pixels, of which the first is at -begin. */
static void riffle_support_find_shown(
    int64_t size, int64_t resized, int64_t begin, int32_t *first, int32_t *count) {
    int64_t end = resized - begin;
    *first = (int32_t)(begin < 0 ? -begin : 0);
    *count = (int32_t)((end < size ? end : size) - *first);
}

/* ---- scratch ---- */

static int32_t riffle_support_pixel_bytes(const int32_t *numbers) {
    return numbers[RIFFLE_PREPARE_CHANNELS] == 1 ? 1 : 4;
}

/* Takes `bytes` of the scratch, or counts them where that is NULL. */
static void *riffle_support_take(unsigned char *scratch, size_t *used, size_t bytes) {
    void *taken = scratch ? scratch + *used : NULL;
    *used += (bytes + 15) / 16 * 16;
    return taken;
}

/* Shares out the scratch for a crop of width x height; returns how much that is. */
static size_t riffle_support_share_scratch(
    struct riffle_support_call *call, int32_t width, int32_t height, unsigned char *scratch) {
    const int32_t *numbers = call->numbers;
    size_t wide = (size_t)numbers[RIFFLE_PREPARE_WIDTH];
    size_t high = (size_t)numbers[RIFFLE_PREPARE_HEIGHT], used = 0;
    size_t pixel = (size_t)riffle_support_pixel_bytes(numbers);
    size_t column = (size_t)riffle_support_most_taps(width, call->place.resized_width);
    size_t row = (size_t)riffle_support_most_taps(height, call->place.resized_height);
    if (scratch)
        scratch += (0 - (uintptr_t)scratch) % 16;
    call->column_taps = riffle_support_take(scratch, &used, wide * sizeof *call->column_taps);
    call->row_taps = riffle_support_take(scratch, &used, high * sizeof *call->row_taps);
    call->column_weights = riffle_support_take(scratch, &used, wide * column * sizeof(int32_t));
    call->row_weights = riffle_support_take(scratch, &used, high * row * sizeof(int32_t));
    call->resized = riffle_support_take(scratch, &used, wide * pixel * (size_t)height);
    size_t longer = wide > (size_t)width ? wide : (size_t)width;
    call->buffer_bytes = (longer * pixel + 63) / 64 * 64;
    call->buffers = riffle_support_take(scratch, &used, RIFFLE_SUPPORT_BANDS * call->buffer_bytes);
    return used + 16; /* to align it */
}

static int riffle_support_is_side(int64_t side, const int32_t *numbers) {
    return side >= 1 && side <= numbers[RIFFLE_PREPARE_LARGEST];
}

RIFFLE_SUPPORT_SHARED size_t riffle_support_prepare_scratch_bytes(
    int width, int height, const int32_t *numbers, const float *values) {
    struct riffle_support_call call;
    (void)values;
    if (!riffle_support_is_side(width, numbers) || !riffle_support_is_side(height, numbers))
        return 0;
    call.numbers = numbers;
    riffle_support_find_place(width, height, numbers, &call.place);
    return riffle_support_share_scratch(&call, width, height, NULL);
}

/* ---- checks ---- */

static int riffle_support_plane_count(int format) {
    return format == RIFFLE_FRAME_I420 ? 3 : format >= RIFFLE_FRAME_NV12 ? 2 : 1;
}

/* What a row of a plane takes, and how many there are. */
static size_t riffle_support_row_bytes(const struct riffle_frame *frame, int plane) {
    size_t width = (size_t)frame->width;
    if (frame->format <= RIFFLE_FRAME_BGR)
        return 3 * width;
    if (frame->format <= RIFFLE_FRAME_BGRA)
        return 4 * width;
    if (plane == 0)
        return width;
    size_t pairs = (width + 1) / 2; /* behind the last, nothing need be there */
    return frame->format == RIFFLE_FRAME_I420 ? (pairs - 1) * (size_t)frame->chroma_bytes + 1
                                              : 2 * pairs;
}

/* Sets the defaults of a frame, and checks it. */
static int riffle_support_check_planes(struct riffle_frame *frame) {
    if (frame->chroma_bytes == 0)
        frame->chroma_bytes = 1;
    if (frame->format == RIFFLE_FRAME_I420 &&
        (frame->chroma_bytes < 0 || frame->chroma_bytes > RIFFLE_SUPPORT_MOST_CHROMA_BYTES))
        return RIFFLE_STATUS_FRAME_ROWS;
    for (int i = 0; i < riffle_support_plane_count(frame->format); i++) {
        size_t bytes = riffle_support_row_bytes(frame, i);
        size_t rows = i == 0 ? (size_t)frame->height : ((size_t)frame->height + 1) / 2;
        if (frame->planes[i] == NULL)
            return RIFFLE_STATUS_NULL_POINTER;
        if (frame->row_bytes[i] == 0)
            frame->row_bytes[i] = bytes;
        if (frame->row_bytes[i] < bytes)
            return RIFFLE_STATUS_FRAME_ROWS;
        /* Rows are fewer than 2^24, so this does not overflow; no object is as large. */
        if ((uint64_t)frame->row_bytes[i] >> 39)
            return RIFFLE_STATUS_FRAME_ROWS;
        uint64_t needed = (uint64_t)frame->row_bytes[i] * (rows - 1) + bytes;
        if (needed > PTRDIFF_MAX)
            return RIFFLE_STATUS_FRAME_ROWS;
        if (frame->plane_bytes[i] != 0 && frame->plane_bytes[i] < needed)
            return RIFFLE_STATUS_FRAME_ROWS;
    }
    return RIFFLE_STATUS_OK;
}

static int riffle_support_check_frame(struct riffle_frame *frame, const int32_t *numbers) {
    if (frame->format < RIFFLE_FRAME_RGB || frame->format > RIFFLE_FRAME_I420 ||
        frame->colour < RIFFLE_FRAME_BT601_VIDEO || frame->colour > RIFFLE_FRAME_BT709_FULL)
        return RIFFLE_STATUS_FRAME_FORMAT;
    if (!riffle_support_is_side(frame->width, numbers) ||
        !riffle_support_is_side(frame->height, numbers))
        return RIFFLE_STATUS_FRAME_SIZE;
    if (frame->crop_x == 0 && frame->crop_y == 0 && frame->crop_width == 0 &&
        frame->crop_height == 0) {
        frame->crop_width = frame->width;
        frame->crop_height = frame->height;
    }
    if (frame->crop_x < 0 || frame->crop_y < 0 || frame->crop_width < 1 || frame->crop_height < 1 ||
        frame->crop_width > frame->width || frame->crop_height > frame->height ||
        frame->crop_x > frame->width - frame->crop_width ||
        frame->crop_y > frame->height - frame->crop_height)
        return RIFFLE_STATUS_FRAME_CROP;
    return riffle_support_check_planes(frame);
}

/* ---- the work ---- */

static int32_t riffle_support_band(int32_t count, size_t band) {
    return (
        int32_t)((uint32_t)count / RIFFLE_SUPPORT_BANDS * (uint32_t)band +
                 (uint32_t)count % RIFFLE_SUPPORT_BANDS * (uint32_t)band / RIFFLE_SUPPORT_BANDS);
}

/* The columns that are shown, of some rows of the crop. */
RIFFLE_SUPPORT_ONCE static void riffle_support_read_bands(void *context, size_t begin, size_t end) {
    struct riffle_support_call *call = context;
    const struct riffle_frame *frame = &call->frame;
    int32_t pixel = riffle_support_pixel_bytes(call->numbers);
    for (size_t band = begin; band < end; band++) {
        int32_t last = riffle_support_band(call->source_rows, band + 1);
        unsigned char *buffer = call->buffers + band * call->buffer_bytes;
        for (int32_t y = riffle_support_band(call->source_rows, band); y < last; y++) {
            size_t bytes = (size_t)call->columns * (size_t)pixel;
            unsigned char *row = call->resized + (size_t)y * bytes;
            riffle_support_read_row(frame, frame->crop_x + call->first_source_column,
                frame->crop_y + call->first_source_row + y, call->source_columns, pixel == 1,
                buffer);
            if (pixel == 1)
                riffle_support_resize_greys(
                    buffer, call->column_taps, call->column_weights, call->columns, row);
            else
                riffle_support_resize_colours(
                    buffer, call->column_taps, call->column_weights, call->columns, row);
        }
        call->read_done[band] = 1;
    }
}

/* One channel of a row: `pixels` lie `pixel` bytes apart, the numbers `step`. */
static void riffle_support_write_numbers(const float *restrict values,
    const unsigned char *restrict pixels, int32_t pixel, float *restrict out, int32_t step,
    int32_t count) {
    if (step == 1 && pixel == 4)
        for (int32_t x = 0; x < count; x++)
            out[x] = values[pixels[4 * x]];
    else
        for (int32_t x = 0; x < count; x++)
            out[(size_t)x * (size_t)step] = values[pixels[x * pixel]];
}

/* The same where the input takes the pixels as they are. */
static void riffle_support_write_bytes(const unsigned char *restrict pixels, int32_t pixel,
    unsigned char *restrict out, int32_t step, int32_t count) {
    for (int32_t x = 0; x < count; x++)
        out[(size_t)x * (size_t)step] = pixels[x * pixel];
}

/* All of them at once, for a row of three bytes a pixel: `red` is where the first of them lies. */
static void riffle_support_write_pixels(
    const unsigned char *restrict pixels, int32_t red, unsigned char *restrict out, int32_t count) {
    for (int32_t x = 0; x < count; x++) {
        out[3 * x] = pixels[4 * x + red];
        out[3 * x + 1] = pixels[4 * x + 1];
        out[3 * x + 2] = pixels[4 * x + 2 - red];
    }
}

/* What lies outside the frame: `count` places, from `at` on. */
static void riffle_support_fill(const struct riffle_support_call *call, const float *values,
    size_t at, int32_t step, int32_t count) {
    int32_t pixel = call->numbers[RIFFLE_PREPARE_FILL];
    for (int32_t x = 0; x < count; x++) {
        size_t place = at + (size_t)x * (size_t)step;
        if (call->numbers[RIFFLE_PREPARE_BYTES])
            ((unsigned char *)call->image)[place] = (unsigned char)pixel;
        else
            ((float *)call->image)[place] = values[pixel];
    }
}

/* A row of the input, shown from first_column on; `pixels` NULL: not at all. */
static void riffle_support_write_row(
    const struct riffle_support_call *call, int32_t y, const unsigned char *pixels) {
    const int32_t *numbers = call->numbers;
    int32_t channels = numbers[RIFFLE_PREPARE_CHANNELS], width = numbers[RIFFLE_PREPARE_WIDTH];
    int32_t pixel = riffle_support_pixel_bytes(numbers);
    int32_t step = numbers[RIFFLE_PREPARE_NHWC] ? channels : 1;
    int32_t begin = pixels ? call->first_column : width,
            end = pixels ? begin + call->columns : width;
    for (int32_t c = 0; c < channels; c++) {
        const float *values = numbers[RIFFLE_PREPARE_BYTES] ? NULL : call->values + 256 * c;
        int32_t source = numbers[RIFFLE_PREPARE_BGR] && channels >= 3 && c < 3 ? 2 - c : c;
        size_t rows_before = (size_t)(step == 1 ? c * numbers[RIFFLE_PREPARE_HEIGHT] + y : y);
        size_t row = rows_before * (size_t)width * (size_t)step + (size_t)(step == 1 ? 0 : c);
        size_t shown = row + (size_t)begin * (size_t)step;
        riffle_support_fill(call, values, row, step, begin);
        if (pixels && numbers[RIFFLE_PREPARE_BYTES] && step == 3 && pixel == 4) {
            if (c == 0)
                riffle_support_write_pixels(
                    pixels, source, (unsigned char *)call->image + shown, call->columns);
        } else if (pixels && numbers[RIFFLE_PREPARE_BYTES])
            riffle_support_write_bytes(
                pixels + source, pixel, (unsigned char *)call->image + shown, step, call->columns);
        else if (pixels)
            riffle_support_write_numbers(
                values, pixels + source, pixel, (float *)call->image + shown, step, call->columns);
        riffle_support_fill(call, values, row + (size_t)end * (size_t)step, step, width - end);
    }
}

/* Some rows of the input. */
RIFFLE_SUPPORT_ONCE static void riffle_support_write_bands(
    void *context, size_t begin, size_t end) {
    struct riffle_support_call *call = context;
    int32_t height = call->numbers[RIFFLE_PREPARE_HEIGHT];
    size_t bytes = (size_t)call->columns * (size_t)riffle_support_pixel_bytes(call->numbers);
    for (size_t band = begin; band < end; band++) {
        int32_t last = riffle_support_band(height, band + 1);
        unsigned char *buffer = call->buffers + band * call->buffer_bytes;
        for (int32_t y = riffle_support_band(height, band); y < last; y++) {
            int32_t row = y - call->first_row;
            if (row < 0 || row >= call->rows) {
                riffle_support_write_row(call, y, NULL);
                continue;
            }
            const struct riffle_support_tap *tap = &call->row_taps[row];
            riffle_support_resize_rows(call->resized + (size_t)tap->first * bytes, bytes,
                call->row_weights + tap->weights, tap->count, buffer);
            riffle_support_write_row(call, y, buffer);
        }
        call->write_done[band] = 1;
    }
}

/* Checks, and all that comes before the work. */
RIFFLE_SUPPORT_ONCE static int riffle_support_begin(struct riffle_support_call *call,
    const struct riffle_frame *frame, void *image, struct riffle_mapping *mapping, void *scratch,
    const int32_t *numbers, const float *values) {
    if (frame == NULL || image == NULL || scratch == NULL)
        return RIFFLE_STATUS_NULL_POINTER;
    call->frame = *frame;
    call->numbers = numbers;
    call->values = values;
    call->image = image;
    int status = riffle_support_check_frame(&call->frame, numbers);
    if (status != RIFFLE_STATUS_OK)
        return status;
    frame = &call->frame;
    struct riffle_support_place *place = &call->place;
    riffle_support_find_place(frame->crop_width, frame->crop_height, numbers, place);
    riffle_support_share_scratch(call, frame->crop_width, frame->crop_height, scratch);
    riffle_support_find_shown(numbers[RIFFLE_PREPARE_WIDTH], place->resized_width, place->left,
        &call->first_column, &call->columns);
    riffle_support_find_shown(numbers[RIFFLE_PREPARE_HEIGHT], place->resized_height, place->top,
        &call->first_row, &call->rows);
    riffle_support_make_taps(frame->crop_width, place->resized_width,
        place->left + call->first_column, call->columns, call->column_taps, call->column_weights);
    riffle_support_make_taps(frame->crop_height, place->resized_height,
        place->top + call->first_row, call->rows, call->row_taps, call->row_weights);
    riffle_support_count_from_first(
        call->column_taps, call->columns, &call->first_source_column, &call->source_columns);
    riffle_support_count_from_first(
        call->row_taps, call->rows, &call->first_source_row, &call->source_rows);
    if (mapping) {
        mapping->scale_x = (float)frame->crop_width / (float)(int32_t)place->resized_width;
        mapping->scale_y = (float)frame->crop_height / (float)(int32_t)place->resized_height;
        mapping->offset_x = (float)frame->crop_x + (float)(int32_t)place->left * mapping->scale_x;
        mapping->offset_y = (float)frame->crop_y + (float)(int32_t)place->top * mapping->scale_y;
    }
    return RIFFLE_STATUS_OK;
}

RIFFLE_SUPPORT_SHARED int riffle_support_prepare(const struct riffle_frame *frame, void *image,
    struct riffle_mapping *mapping, void *scratch, const int32_t *numbers, const float *values) {
    struct riffle_support_call call;
    int status = riffle_support_begin(&call, frame, image, mapping, scratch, numbers, values);
    if (status != RIFFLE_STATUS_OK)
        return status;
    call.buffer_bytes = 0; /* one buffer stays in the cache */
    riffle_support_read_bands(&call, 0, RIFFLE_SUPPORT_BANDS);
    riffle_support_write_bands(&call, 0, RIFFLE_SUPPORT_BANDS);
    return RIFFLE_STATUS_OK;
}

static int riffle_support_is_done(const unsigned char *done) {
    int all = 1;
    for (int band = 0; band < RIFFLE_SUPPORT_BANDS; band++)
        all &= done[band];
    return all;
}

RIFFLE_SUPPORT_SHARED int riffle_support_prepare_parallel(const struct riffle_frame *frame,
    void *image, struct riffle_mapping *mapping, void *scratch, riffle_parallel_for *parallel_for,
    void *pool, const int32_t *numbers, const float *values) {
    struct riffle_support_call call;
    if (parallel_for == NULL)
        return RIFFLE_STATUS_NULL_POINTER;
    int status = riffle_support_begin(&call, frame, image, mapping, scratch, numbers, values);
    if (status != RIFFLE_STATUS_OK)
        return status;
    for (int band = 0; band < RIFFLE_SUPPORT_BANDS; band++)
        call.read_done[band] = call.write_done[band] = 0;
    parallel_for(pool, riffle_support_read_bands, &call, RIFFLE_SUPPORT_BANDS);
    if (!riffle_support_is_done(call.read_done))
        return RIFFLE_STATUS_PARALLEL_FOR;
    parallel_for(pool, riffle_support_write_bands, &call, RIFFLE_SUPPORT_BANDS);
    return riffle_support_is_done(call.write_done) ? RIFFLE_STATUS_OK : RIFFLE_STATUS_PARALLEL_FOR;
}
