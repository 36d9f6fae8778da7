/* A frame becomes a picture of its own size by the code that prepares frames in libraries
 * (runtime/support), which does nothing else to it then. */
#include "driver/frame.h"

#include "backends/backends.h"
#include "ir/source_file.h"
#include "runtime/support/prepare.h"

#include <string.h>

enum { OPTION_FORMAT = 4000, OPTION_FRAME_SIZE, OPTION_FRAME_COLOUR };

static const char *const formats[] = {[RIFFLE_FRAME_RGB] = "rgb",
    [RIFFLE_FRAME_BGR] = "bgr",
    [RIFFLE_FRAME_RGBA] = "rgba",
    [RIFFLE_FRAME_BGRA] = "bgra",
    [RIFFLE_FRAME_GREY] = "grey",
    [RIFFLE_FRAME_NV12] = "nv12",
    [RIFFLE_FRAME_NV21] = "nv21",
    [RIFFLE_FRAME_I420] = "i420"};

static const char *const colours[] = {[RIFFLE_FRAME_BT601_VIDEO] = "bt601-video",
    [RIFFLE_FRAME_BT601_FULL] = "bt601-full",
    [RIFFLE_FRAME_BT709_VIDEO] = "bt709-video",
    [RIFFLE_FRAME_BT709_FULL] = "bt709-full"};

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

static bool take_word(Session *session, const char *option, const char *argument,
    const char *const *words, int count, int *choice) {
    Text list = {0};
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], argument) == 0) {
            *choice = i;
            text_free(&list);
            return true;
        }
        text_format(&list, i > 0 ? ", %s" : "%s", words[i]);
    }
    diagnostics_error(session->diagnostics, NULL, "'%s' is no value for %s: give one of %s",
        argument, option, list.data);
    text_free(&list);
    return false;
}

static bool take_size(FrameOptions *options, const char *argument) {
    const char *between = strchr(argument, 'x');
    const char *width = between == NULL ? argument
                                        : arena_copy_bytes(options->session->arena, argument,
                                              (size_t)(between - argument));
    if (between == NULL) {
        diagnostics_error(options->session->diagnostics, NULL,
            "'%s' is no value for --frame-size: give width and height, as in 640x480", argument);
        return false;
    }
    return option_integer(
               options->session, "--frame-size", width, 1, LARGEST_FRAME, &options->width) &&
           option_integer(
               options->session, "--frame-size", between + 1, 1, LARGEST_FRAME, &options->height);
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    FrameOptions *options = state->input;
    bool good = true;
    switch (key) {
    case OPTION_FORMAT:
        options->option = "--format";
        good = options->has_format = take_word(options->session, options->option, argument, formats,
            COUNT_OF(formats), &options->format);
        break;
    case OPTION_FRAME_COLOUR:
        options->option = "--frame-colour";
        good = take_word(options->session, options->option, argument, colours, COUNT_OF(colours),
            &options->colour);
        break;
    case OPTION_FRAME_SIZE:
        options->option = "--frame-size";
        good = take_size(options, argument);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return good ? 0 : EINVAL;
}

static const struct argp_option options_table[] = {
    {"format", OPTION_FORMAT, "NAME", 0,
        "What the bytes of --frame are: rgb, bgr, rgba, bgra, grey, nv12, nv21 or i420", 0},
    {"frame-size", OPTION_FRAME_SIZE, "WIDTHxHEIGHT", 0, "Of --frame, in pixels, as in 640x480", 0},
    {"frame-colour", OPTION_FRAME_COLOUR, "NAME", 0,
        "What Y, U and V of --frame mean: bt601-video (default), bt601-full, bt709-video or "
        "bt709-full",
        0},
    {0}};

const struct argp frame_argp = {.options = options_table, .parser = parse_option};

/* ---- reading ---- */

static size_t pixel_count(const struct riffle_frame *frame) {
    return (size_t)frame->width * (size_t)frame->height;
}

/* Of the planes of U and of V each. */
static size_t chroma_bytes(const struct riffle_frame *frame) {
    return ((size_t)frame->width + 1) / 2 * (((size_t)frame->height + 1) / 2);
}

static size_t frame_bytes(const struct riffle_frame *frame) {
    if (frame->format <= RIFFLE_FRAME_BGR)
        return 3 * pixel_count(frame);
    if (frame->format <= RIFFLE_FRAME_BGRA)
        return 4 * pixel_count(frame);
    if (frame->format == RIFFLE_FRAME_GREY)
        return pixel_count(frame);
    return pixel_count(frame) + 2 * chroma_bytes(frame);
}

/* They follow each other without gaps. */
static void set_planes(struct riffle_frame *frame, const unsigned char *bytes) {
    frame->planes[0] = bytes;
    if (frame->format >= RIFFLE_FRAME_NV12)
        frame->planes[1] = bytes + pixel_count(frame);
    if (frame->format == RIFFLE_FRAME_I420)
        frame->planes[2] = frame->planes[1] + chroma_bytes(frame);
}

/* The input that is the frame itself. */
static void set_numbers(const struct riffle_frame *frame, int channels, int32_t *numbers) {
    numbers[RIFFLE_PREPARE_CHANNELS] = channels;
    numbers[RIFFLE_PREPARE_HEIGHT] = frame->height;
    numbers[RIFFLE_PREPARE_WIDTH] = frame->width;
    numbers[RIFFLE_PREPARE_NHWC] = 1;
    numbers[RIFFLE_PREPARE_BYTES] = 1;
    numbers[RIFFLE_PREPARE_LARGEST] = LARGEST_FRAME;
}

bool frame_read(const char *path, const FrameOptions *options, int channels, Image *image) {
    Session *session = options->session;
    struct riffle_frame frame = {.format = options->format,
        .colour = options->colour,
        .width = (int)options->width,
        .height = (int)options->height};
    size_t bytes = frame_bytes(&frame);
    SourceFile *file =
        source_file_read(path, 4 * bytes + (1 << 20), NULL, session->arena, session->diagnostics);
    if (file == NULL)
        return false;
    if (file->length != bytes) {
        diagnostics_error(session->diagnostics,
            "one frame, its planes one after the other without gaps",
            "'%s' has %zu bytes, but a frame of %d x %d pixels in %s has %zu", path, file->length,
            frame.width, frame.height, formats[frame.format], bytes);
        return false;
    }
    int32_t numbers[RIFFLE_PREPARE_NUMBERS] = {0};
    set_numbers(&frame, channels, numbers);
    set_planes(&frame, (const unsigned char *)file->text);
    *image = (Image){.width = frame.width, .height = frame.height, .channels = channels};
    image->pixels = arena_allocate_array(session->arena, pixel_count(&frame), (size_t)channels);
    void *scratch = arena_allocate(session->arena,
        riffle_support_prepare_scratch_bytes(frame.width, frame.height, numbers, NULL));
    int status = riffle_support_prepare(&frame, image->pixels, NULL, scratch, numbers, NULL);
    if (status != RIFFLE_STATUS_OK) /* all of its rules were asked above */
        diagnostics_error(session->diagnostics, NULL, "the frame cannot be prepared");
    return status == RIFFLE_STATUS_OK;
}
