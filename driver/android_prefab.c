/* An archive for Android (.aar) that Gradle's prefab takes: the network as the module of a package,
 * with a library and a header for each ABI, described in JSON. */
#include "driver/android.h"

#include "backends/output/json_writer.h"
#include "driver/zip.h"

#include <assert.h>
#include <string.h>

enum { SCHEMA = 2, NDK = 26 /* the oldest that the libraries are for */ };

/* Of the package: prefab asks for one. */
static const char version[] = "1.0.0";

typedef struct Aar {
    const char *name;
    OutputFiles own; /* what the folder does not have */
    ZipFile *entries;
    size_t count;
} Aar;

static void add_entry(Aar *aar, const char *path, const Text *contents) {
    aar->entries[aar->count++] = (ZipFile){path, contents};
}

/* A text of its own; it is an entry when all are there. */
static Text *add_own(Aar *aar, const char *path) {
    return output_files_add(&aar->own, path);
}

/* A file that the folder has. */
static const Text *file_of_folder(const OutputFiles *files, const char *path) {
    size_t i = 0;
    while (i < files->count && strcmp(files->items[i].path, path) != 0)
        i++;
    assert(i < files->count);
    return &files->items[i].contents;
}

/* ---- texts ---- */

static void write_manifest(const Aar *aar, int api_level, Text *out) {
    text_format(out,
        "<manifest xmlns:android=\"http://schemas.android.com/apk/res/android\" "
        "package=\"riffle.networks.%s\">\n"
        "    <uses-sdk android:minSdkVersion=\"%d\"/>\n"
        "</manifest>\n",
        aar->name, api_level);
}

static void write_package(const Aar *aar, Text *out) {
    JsonWriter writer = {.out = out};
    json_write_object(&writer, NULL, JSON_LINES);
    json_write_integer(&writer, "schema_version", SCHEMA);
    json_write_string(&writer, "name", aar->name);
    json_write_string(&writer, "version", version);
    json_write_array(&writer, "dependencies", JSON_INLINE);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    json_write_end(&writer);
}

static void write_module(Text *out) {
    JsonWriter writer = {.out = out};
    json_write_object(&writer, NULL, JSON_LINES);
    json_write_array(&writer, "export_libraries", JSON_INLINE);
    json_write_array_end(&writer);
    json_write_object(&writer, "android", JSON_INLINE);
    json_write_object_end(&writer);
    json_write_object_end(&writer);
    json_write_end(&writer);
}

static void write_abi(const AndroidAbi *abi, int api_level, Text *out) {
    JsonWriter writer = {.out = out};
    json_write_object(&writer, NULL, JSON_LINES);
    json_write_string(&writer, "abi", abi->name);
    json_write_integer(&writer, "api", api_level);
    json_write_integer(&writer, "ndk", NDK);
    json_write_string(&writer, "stl", "none");
    json_write_flag(&writer, "static", true);
    json_write_object_end(&writer);
    json_write_end(&writer);
}

/* ---- all ---- */

static void add_abi(Aar *aar, const AndroidAbi *abi, int api_level, const OutputFiles *files) {
    Arena *arena = files->session->arena;
    const char *name = aar->name;
    const char *folder = arena_format(arena, "prefab/modules/%s/libs/android.%s", name, abi->name);
    add_entry(aar, arena_format(arena, "%s/lib%s.a", folder, name),
        file_of_folder(files, arena_format(arena, "libs/%s/lib%s.a", abi->name, name)));
    add_entry(aar, arena_format(arena, "%s/include/%s.h", folder, name),
        file_of_folder(files, arena_format(arena, "include/%s/%s.h", abi->name, name)));
    write_abi(abi, api_level, add_own(aar, arena_format(arena, "%s/abi.json", folder)));
}

bool android_aar_write(const char *name, const AndroidAbi *const *abis, size_t abi_count,
    int api_level, const OutputFiles *files, Text *out) {
    enum { OF_PACKAGE = 4, OF_ABI = 3 };
    Session *session = files->session;
    Aar aar = {.name = name,
        .own = {.session = session},
        .entries = ARENA_ARRAY(session->arena, ZipFile, OF_PACKAGE + OF_ABI * abi_count)};
    write_manifest(&aar, api_level, add_own(&aar, "AndroidManifest.xml"));
    add_entry(&aar, "META-INF/NOTICE", file_of_folder(files, "NOTICE"));
    write_package(&aar, add_own(&aar, "prefab/prefab.json"));
    write_module(
        add_own(&aar, arena_format(session->arena, "prefab/modules/%s/module.json", name)));
    for (size_t i = 0; i < abi_count; i++)
        add_abi(&aar, abis[i], api_level, files);
    for (size_t i = 0; i < aar.own.count; i++)
        add_entry(&aar, aar.own.items[i].path, &aar.own.items[i].contents);
    bool done = zip_write(session, aar.entries, aar.count, out);
    output_files_free(&aar.own);
    return done;
}
