#include "driver/image.h"

#include "ir/ending.h"
#include "ir/source_file.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

enum { MOST_PIXELS = 64 << 20, LARGEST_FILE = 256 << 20 };

static bool size_is_allowed(const char *path, int64_t width, int64_t height, Session *session) {
    if (width >= 1 && height >= 1 && width <= MOST_PIXELS / height)
        return true;
    diagnostics_error(session->diagnostics, NULL,
        "'%s' has %lld x %lld pixels: at least one and at most %d are allowed", path,
        (long long)width, (long long)height, (int)MOST_PIXELS);
    return false;
}

/* Says what the library said of the file, but that it lacked memory, which is not the file's fault:
 * "Out of memory", "IDAT: insufficient memory", "Memory allocation failure". */
static void complain_of_picture(const SourceFile *file, const char *format, const char *hint,
    const char *message, Session *session) {
    if (strstr(message, "emory") != NULL)
        out_of_memory();
    diagnostics_error(
        session->diagnostics, hint, "'%s' cannot be read as %s: %s", file->name, format, message);
}

/* The inks are stored inverted, as Adobe's programs and most decoders have it: 255 is no ink. */
static void pixels_from_cmyk(const unsigned char *cmyk, size_t count, unsigned char *rgb) {
    for (size_t i = 0; i < count; i++) {
        unsigned black = cmyk[4 * i + 3];
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] = (unsigned char)((cmyk[4 * i + c] * black + 127) / 255);
    }
}

static bool decompress_jpeg(
    tjhandle decoder, const SourceFile *file, Session *session, Image *image) {
    int subsampling, colours;
    const unsigned char *bytes = (const unsigned char *)file->text;
    if (tjDecompressHeader3(decoder, bytes, file->length, &image->width, &image->height,
            &subsampling, &colours) != 0) {
        complain_of_picture(file, "JPEG", NULL, tjGetErrorStr2(decoder), session);
        return false;
    }
    if (!size_is_allowed(file->name, image->width, image->height, session))
        return false;
    bool is_cmyk = colours == TJCS_CMYK || colours == TJCS_YCCK;
    size_t count = (size_t)image->width * (size_t)image->height;
    unsigned char *decoded = arena_allocate_array(session->arena, count, is_cmyk ? 4 : 3);
    if (tjDecompress2(decoder, bytes, file->length, decoded, image->width, 0, image->height,
            is_cmyk ? TJPF_CMYK : TJPF_RGB, TJFLAG_LIMITSCANS) != 0) {
        complain_of_picture(file, "JPEG", "is the file whole?", tjGetErrorStr2(decoder), session);
        return false;
    }
    image->pixels = decoded;
    if (is_cmyk) {
        image->pixels = arena_allocate_array(session->arena, count, 3);
        pixels_from_cmyk(decoded, count, image->pixels);
    }
    return true;
}

static bool read_jpeg(const SourceFile *file, Session *session, Image *image) {
    tjhandle decoder = tjInitDecompress();
    if (decoder == NULL) /* it asks for memory, and nothing else */
        out_of_memory();
    bool done = decompress_jpeg(decoder, file, session, image);
    tjDestroy(decoder);
    return done;
}

static void drop_alpha(unsigned char *pixels, size_t count) {
    for (size_t i = 0; i < count; i++)
        memmove(pixels + 3 * i, pixels + 4 * i, 3);
}

static bool finish_png(png_image *png, const SourceFile *file, Session *session, Image *image) {
    if (!size_is_allowed(file->name, png->width, png->height, session))
        return false;
    /* Sixteen bits without a word about gamma mean what eight bits do. */
    png->flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    bool has_alpha = (png->format & PNG_FORMAT_FLAG_ALPHA) != 0;
    png->format = has_alpha ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB;
    image->width = (int)png->width;
    image->height = (int)png->height;
    size_t count = (size_t)png->width * (size_t)png->height;
    image->pixels = arena_allocate_array(session->arena, count, has_alpha ? 4 : 3);
    if (!png_image_finish_read(png, NULL, image->pixels, 0, NULL)) {
        complain_of_picture(file, "PNG", "is the file whole?", png->message, session);
        return false;
    }
    if (has_alpha)
        drop_alpha(image->pixels, count);
    return true;
}

static bool read_png(const SourceFile *file, Session *session, Image *image) {
    png_image png = {.version = PNG_IMAGE_VERSION};
    bool done = false;
    if (png_image_begin_read_from_memory(&png, file->text, file->length))
        done = finish_png(&png, file, session, image);
    else
        complain_of_picture(file, "PNG", NULL, png.message, session);
    png_image_free(&png);
    return done;
}

bool image_read(const char *path, Session *session, Image *image) {
    static const WantedFile wanted = {"a JPEG or PNG picture", {FILE_KIND_JPEG, FILE_KIND_PNG}};
    SourceFile *file =
        source_file_read(path, LARGEST_FILE, &wanted, session->arena, session->diagnostics);
    if (file == NULL)
        return false;
    *image = (Image){.channels = 3}; /* a JPEG of tables alone leaves the size as it was */
    FileKind kind = file_kind(file->text, file->length);
    if (kind == FILE_KIND_JPEG)
        return read_jpeg(file, session, image);
    if (kind == FILE_KIND_PNG)
        return read_png(file, session, image);
    diagnostics_error(session->diagnostics, "convert the picture, or give its numbers with --input",
        "'%s' is neither JPEG nor PNG", path);
    return false;
}
