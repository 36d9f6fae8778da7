#include "driver/apple.h"

#include <assert.h>
#include <string.h>

static const AppleSlice table[] = {
#define APPLE_SLICE(name, folder, platform, variant, ...)                                          \
    {name, folder, platform, variant, {__VA_ARGS__}},
#include "driver/apple.def"
};

typedef struct AppleArchitecture {
    Architecture architecture;
    const char *name, *macro;
} AppleArchitecture;

static const AppleArchitecture architectures[] = {
#define APPLE_ARCHITECTURE(identifier, name, macro) {ARCHITECTURE_##identifier, name, macro},
#include "driver/apple.def"
};

enum {
    SLICES = sizeof table / sizeof *table,
    ARCHITECTURES = sizeof architectures / sizeof *architectures
};

_Static_assert((int)SLICES <= (int)MOST_SLICES, "a list of slices holds all of them");

/* ---- names ---- */

static const AppleArchitecture *find_architecture(Architecture architecture) {
    size_t i = 0;
    while (i < ARCHITECTURES && architectures[i].architecture != architecture)
        i++;
    assert(i < ARCHITECTURES);
    return &architectures[i];
}

const char *apple_architecture_name(Architecture architecture) {
    return find_architecture(architecture)->name;
}

/* Of a row of PLATFORM. */
static const AppleArchitecture *architecture_of(const char *target) {
    size_t count, i = 0;
    const Platform *platforms = platform_table(&count);
    while (i < count && strcmp(platforms[i].name, target) != 0)
        i++;
    assert(i < count);
    return find_architecture(platforms[i].architecture);
}

static const AppleSlice *find_slice(const char *name, Session *session) {
    const char *names[SLICES];
    Text list = {0};
    for (size_t i = 0; i < SLICES; i++) {
        if (strcmp(table[i].name, name) == 0) {
            text_free(&list);
            return &table[i];
        }
        names[i] = table[i].name;
        text_format(&list, "%s%s", i == 0 ? "" : i + 1 == SLICES ? " and " : ", ", names[i]);
    }
    const char *nearest = closest_word(name, names, SLICES);
    const char *hint = nearest != NULL ? arena_format(session->arena, "did you mean '%s'?", nearest)
                                       : arena_format(session->arena, "there are %s", list.data);
    text_free(&list);
    diagnostics_error(session->diagnostics, hint, "'%s' is no platform of Apple", name);
    return NULL;
}

/* An .xcframework has one library for each platform and variant. */
static bool excludes(const AppleSlice *slice, const AppleSlice *other) {
    return strcmp(slice->platform, other->platform) == 0 &&
           strcmp(slice->variant, other->variant) == 0;
}

size_t apple_slices_parse(
    const char *list, const AppleSlice *slices[MOST_SLICES], Session *session) {
    size_t count = 0;
    char *rest = arena_copy_string(session->arena, list);
    for (char *name; (name = strsep(&rest, ",")) != NULL;) {
        const AppleSlice *slice = find_slice(name, session);
        if (slice == NULL)
            return 0;
        bool is_there = false;
        for (size_t i = 0; i < count; i++) {
            is_there = is_there || slices[i] == slice;
            if (slices[i] == slice || !excludes(slices[i], slice))
                continue;
            diagnostics_error(session->diagnostics, NULL,
                "--platform %s and %s exclude each other: both are of one platform",
                slices[i]->name, slice->name);
            return 0;
        }
        if (!is_there)
            slices[count++] = slice;
    }
    return count;
}

/* ---- texts ---- */

static void write_string(const char *indent, const char *key, const char *value, Text *out) {
    text_format(out, "%s<key>%s</key>\n%s<string>%s</string>\n", indent, key, indent, value);
}

static void write_slice(const char *library, const AppleSlice *slice, Text *out) {
    static const char indent[] = "\t\t\t";
    text_append(out, "\t\t<dict>\n");
    write_string(indent, "BinaryPath", library, out);
    write_string(indent, "HeadersPath", "Headers", out);
    write_string(indent, "LibraryIdentifier", slice->folder, out);
    write_string(indent, "LibraryPath", library, out);
    text_format(out, "%s<key>SupportedArchitectures</key>\n%s<array>\n", indent, indent);
    for (int i = 0; i < MOST_SLICE_TARGETS && slice->targets[i] != NULL; i++)
        text_format(
            out, "%s\t<string>%s</string>\n", indent, architecture_of(slice->targets[i])->name);
    text_format(out, "%s</array>\n", indent);
    write_string(indent, "SupportedPlatform", slice->platform, out);
    if (*slice->variant != '\0')
        write_string(indent, "SupportedPlatformVariant", slice->variant, out);
    text_append(out, "\t\t</dict>\n");
}

static void write_info(
    const char *library, const AppleSlice *const *slices, size_t count, Text *out) {
    text_append(out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
        "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
        "<plist version=\"1.0\">\n<dict>\n\t<key>AvailableLibraries</key>\n\t<array>\n");
    for (size_t i = 0; i < count; i++)
        write_slice(library, slices[i], out);
    text_append(out, "\t</array>\n");
    write_string("\t", "CFBundlePackageType", "XFWK", out);
    write_string("\t", "XCFrameworkFormatVersion", "1.0", out);
    text_append(out, "</dict>\n</plist>\n");
}

static void write_module_map(const char *name, const AppleSlice *slice, Text *out) {
    text_format(out, "module %s {\n    header \"%s.h\"\n", name, name);
    for (int i = 0; slice->targets[1] != NULL && i < MOST_SLICE_TARGETS; i++)
        text_format(out, "    textual header \"%s/%s.h\"\n",
            architecture_of(slice->targets[i])->name, name);
    text_append(out, "    export *\n}\n");
}

/* The header of the architecture that is compiled for. */
static void write_header_choice(const char *name, const AppleSlice *slice, Text *out) {
    text_format(out,
        "/* %s: a neural network, compiled by riffle for several architectures, whose headers\n"
        " * document it. */\n",
        name);
    for (int i = 0; i < MOST_SLICE_TARGETS; i++) {
        const AppleArchitecture *architecture = architecture_of(slice->targets[i]);
        text_format(out, "%s defined(%s)\n#include \"%s/%s.h\"\n", i == 0 ? "#if" : "#elif",
            architecture->macro, architecture->name, name);
    }
    text_format(out, "#else\n#error \"%s was not compiled for this architecture\"\n#endif\n", name);
}

const char *apple_header_folder(const AppleSlice *slice, const char *name, Arena *arena) {
    return arena_format(arena, "%s/Headers/%s", slice->folder, name);
}

void apple_add_files(
    const char *name, const AppleSlice *const *slices, size_t count, OutputFiles *files) {
    Arena *arena = files->session->arena;
    write_info(
        arena_format(arena, "lib%s.a", name), slices, count, output_files_add(files, "Info.plist"));
    for (size_t i = 0; i < count; i++) {
        const char *headers = apple_header_folder(slices[i], name, arena);
        write_module_map(name, slices[i],
            output_files_add(files, arena_format(arena, "%s/module.modulemap", headers)));
        if (slices[i]->targets[1] != NULL)
            write_header_choice(name, slices[i],
                output_files_add(files, arena_format(arena, "%s/%s.h", headers, name)));
    }
}
