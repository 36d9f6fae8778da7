/* riffle android-package: a network for several ABIs, as a folder that an NDK project takes. All is
 * made in memory first, so that a fault leaves no file behind. */
#include "driver/android.h"
#include "driver/model.h"
#include "driver/provenance.h"
#include "driver/zip.h"
#include "ir/progress.h"

#include <stdio.h>
#include <string.h>

enum {
    OPTION_ABI = 1000,
    OPTION_API,
    OPTION_ZIP,
    OPTION_AAR,
    OPTION_JAVA_PACKAGE,
    OPTION_LANGUAGE,
    OPTION_PRINT_TARGETS
};
enum { HIGHEST_API_LEVEL = 9999 };

typedef struct PackageOptions {
    Session *session;
    ModelOptions model;
    const AndroidAbi *abis[MOST_ANDROID_ABIS];
    size_t abi_count;
    int64_t api_level;
    const char *directory, *zip, *aar; /* NULL: NAME-android, and none */
    const char *java_package;          /* of the class; NULL: none is made */
    JavaLanguage language;
    bool language_given;
    bool print_targets;
} PackageOptions;

/* ---- command line ---- */

static bool take_abi(PackageOptions *options, const char *name) {
    const AndroidAbi *abi = android_abi_find(name, options->session);
    for (size_t i = 0; i < options->abi_count; i++)
        if (options->abis[i] == abi)
            return true;
    if (abi != NULL)
        options->abis[options->abi_count++] = abi;
    return abi != NULL;
}

static bool take_abis(PackageOptions *options, const char *list) {
    char *rest = arena_copy_string(options->session->arena, list);
    bool good = true;
    for (char *name; (name = strsep(&rest, ",")) != NULL;)
        good = take_abi(options, name) && good;
    return good;
}

static bool take_api_level(PackageOptions *options, const char *text) {
    int lowest = android_lowest_api_level();
    if (!option_integer(options->session, "--api", text, 1, HIGHEST_API_LEVEL, &options->api_level))
        return false;
    if (options->api_level >= lowest)
        return true;
    diagnostics_error(options->session->diagnostics,
        arena_format(options->session->arena, "give --api %d, or a higher level", lowest),
        "API level %s is too low: code for Android needs level %d", text, lowest);
    return false;
}

static bool take_language(PackageOptions *options, const char *name) {
    static const char *const names[] = {[LANGUAGE_KOTLIN] = "kotlin", [LANGUAGE_JAVA] = "java"};
    options->language_given = true;
    for (int i = LANGUAGE_KOTLIN; i <= LANGUAGE_JAVA; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        options->language = (JavaLanguage)i;
        return true;
    }
    diagnostics_error(options->session->diagnostics, NULL,
        "'%s' is no value for --language: give kotlin or java", name);
    return false;
}

static bool check_language(const PackageOptions *options) {
    if (!options->language_given || options->java_package != NULL)
        return true;
    diagnostics_error(options->session->diagnostics, "add --java-package NAME",
        "--language is that of the class in a package of Java, and there is none");
    return false;
}

static error_t parse_option(int key, char *argument, struct argp_state *state) {
    PackageOptions *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        model_options_init(state, &options->model, 4);
        return 0;
    case 'o':
        options->directory = argument;
        return 0;
    case OPTION_ABI:
        return take_abis(options, argument) ? 0 : EINVAL;
    case OPTION_API:
        return take_api_level(options, argument) ? 0 : EINVAL;
    case OPTION_ZIP:
        options->zip = argument;
        return 0;
    case OPTION_AAR:
        options->aar = argument;
        return 0;
    case OPTION_JAVA_PACKAGE:
        options->java_package = argument;
        return android_java_package_is_good(argument, options->session) ? 0 : EINVAL;
    case OPTION_LANGUAGE:
        return take_language(options, argument) ? 0 : EINVAL;
    case ARGP_KEY_END:
        return check_language(options) ? 0 : EINVAL;
    case OPTION_PRINT_TARGETS:
        options->print_targets = options->model.spec_optional = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options_table[] = {
    {"output", 'o', "DIRECTORY", 0,
        "Make the package there; the directory is made when absent (default: NAME-android)", 0},
    {"abi", OPTION_ABI, "LIST", 0,
        "Make code for these ABIs, separated by commas (default: all that there is code for: "
        "arm64-v8a,armeabi-v7a,x86_64)",
        0},
    {"api", OPTION_API, "LEVEL", 0, "Lowest API level that the code must run on (default: 24)", 0},
    {"zip", OPTION_ZIP, "FILE", 0, "Write the package as a .zip, too", 0},
    {"aar", OPTION_AAR, "FILE", 0, "Write an archive for Gradle, too, with libraries by prefab", 0},
    {"java-package", OPTION_JAVA_PACKAGE, "NAME", 0,
        "Make a class of this package that calls the network, and the JNI functions behind it", 0},
    {"language", OPTION_LANGUAGE, "NAME", 0, "Write the class in kotlin (default) or java", 0},
    {"print-targets", OPTION_PRINT_TARGETS, NULL, 0,
        "Only print the target of each ABI, as --target of 'riffle compile' takes it", 0},
    {0}};

static const struct argp_child children[] = {{&spec_argp, 0, NULL, 0}, {&weights_argp, 0, NULL, 0},
    {&passes_argp, 0, NULL, 0}, {&processor_argp, 0, "Processor:", 4}, {0}};

static const struct argp argp = {.options = options_table,
    .parser = parse_option,
    .args_doc = "SPEC",
    .doc =
        "Compiles a network for Android: a folder with libs/ABI/libNAME.a, its headers, a CMake "
        "package and an Android.mk.\v"
        "The libraries are static, position-independent, and need nothing but what the C library "
        "of the API level has. docs/android.md shows how a project takes the package.\n"
        "\n"
        "Examples:\n"
        "  riffle android-package net.rfl --weights net.safetensors -o net-android\n"
        "  riffle android-package net.rfl --weights net.safetensors \\\n"
        "      --abi arm64-v8a --api 26 --zip net.zip\n"
        "  riffle android-package net.rfl --weights net.safetensors --aar net.aar \\\n"
        "      --java-package org.example\n",
    .children = children};

/* ---- making ---- */

static bool make_abi(
    PackageOptions *options, const AndroidAbi *abi, OutputFiles *files, const char **name) {
    Arena *arena = options->session->arena;
    Diagnostics *diagnostics = options->session->diagnostics;
    CompiledModel compiled = {0};
    options->model.target = android_target_name(abi, (int)options->api_level, arena);
    bool done = model_compile(&options->model, false, &compiled);
    if (done) {
        const Graph *graph = compiled.model.graph;
        *name = arena_copy_string(arena, graph->name);
        Splice splice;
        Text *library =
            output_files_add(files, arena_format(arena, "libs/%s/lib%s.a", abi->name, *name));
        done = library_write(graph, compiled.program, library, &splice, diagnostics);
        if (done)
            text_splice(library, &splice); /* the program goes */
        header_write(graph, compiled.program,
            output_files_add(files, arena_format(arena, "include/%s/%s.h", abi->name, *name)));
        Provenance provenance = model_provenance(&options->model);
        metadata_write(graph, compiled.program, &provenance,
            output_files_add(files, arena_format(arena, "libs/%s/%s.json", abi->name, *name)));
        if (abi == options->abis[0] && options->java_package != NULL) /* the same for all */
            done = android_add_sources(
                       graph, compiled.program, options->java_package, options->language, files) &&
                   done;
    }
    compiled_model_close(&compiled);
    return done;
}

static bool make_package(PackageOptions *options, OutputFiles *files, const char **name) {
    int work = progress_begin("making the library of ABI", (int64_t)options->abi_count);
    bool done = true;
    for (size_t i = 0; done && i < options->abi_count; i++) {
        progress_set((int64_t)i + 1);
        progress_detail(options->abis[i]->name);
        done = make_abi(options, options->abis[i], files, name);
    }
    progress_end(work);
    if (done)
        android_add_package_files(*name, options->abis, options->abi_count, files);
    return done;
}

static bool write_zip(const OutputFiles *files, const char *name, Text *out) {
    Arena *arena = files->session->arena;
    ZipFile *entries = ARENA_ARRAY(arena, ZipFile, files->count);
    for (size_t i = 0; i < files->count; i++)
        entries[i] = (ZipFile){
            arena_format(arena, "%s/%s", name, files->items[i].path), &files->items[i].contents};
    return zip_write(files->session, entries, files->count, out);
}

/* Archives of the files so far, as more files that are written with them. */
static bool add_archives(const PackageOptions *options, OutputFiles *files, const char *name) {
    Text zip = {0}, aar = {0};
    if ((options->zip != NULL && !write_zip(files, name, &zip)) ||
        (options->aar != NULL && !android_aar_write(name, options->abis, options->abi_count,
                                     (int)options->api_level, files, &aar))) {
        text_free(&zip);
        text_free(&aar);
        return false;
    }
    if (options->zip != NULL)
        *output_files_add_outside(files, options->zip) = zip;
    if (options->aar != NULL)
        *output_files_add_outside(files, options->aar) = aar;
    return true;
}

static bool package(PackageOptions *options) {
    OutputFiles files = {.session = options->session};
    const char *name = NULL;
    bool done = make_package(options, &files, &name) && add_archives(options, &files, name);
    if (done) {
        const char *directory = options->directory;
        if (directory == NULL)
            directory = arena_format(options->session->arena, "%s-android", name);
        done = output_files_write(&files, directory);
    }
    output_files_free(&files);
    return done;
}

static void print_targets(const PackageOptions *options) {
    for (size_t i = 0; i < options->abi_count; i++)
        puts(android_target_name(
            options->abis[i], (int)options->api_level, options->session->arena));
}

int command_android_package(int argc, char **argv) {
    Session session = session_begin();
    PackageOptions options = {.session = &session, .api_level = android_lowest_api_level()};
    options.model = model_options(&session, NULL);
    if (!command_line_parse(&argp, argc, argv, &options, &session))
        return session_finish(&session, EXIT_USAGE);
    if (options.abi_count == 0) {
        const AndroidAbi *all = android_abi_table(&options.abi_count);
        for (size_t i = 0; i < options.abi_count; i++)
            options.abis[i] = &all[i];
    }
    bool done = true;
    if (options.print_targets)
        print_targets(&options);
    else
        done = require_llvm(&session) && package(&options);
    return session_finish(&session, done ? EXIT_DONE : EXIT_FAILED);
}
