#include "driver/android.h"

#include "backends/backends.h"
#include <string.h>

typedef struct AbiWithoutCode {
    const char *name, *reason;
} AbiWithoutCode;

static const AndroidAbi abis[] = {
#define ANDROID_ABI(name, platform, macro) {name, platform, macro},
#include "driver/android_abis.def"
#undef ANDROID_ABI
};

static const AbiWithoutCode without_code[] = {
#define ANDROID_ABI_WITHOUT_CODE(name, reason) {name, reason},
#include "driver/android_abis.def"
#undef ANDROID_ABI_WITHOUT_CODE
};

enum {
    ABIS = sizeof abis / sizeof abis[0],
    REFUSED = sizeof without_code / sizeof without_code[0]
};

_Static_assert((int)ABIS <= (int)MOST_ANDROID_ABIS, "a list of ABIs holds all of them");

const AndroidAbi *android_abi_table(size_t *count) {
    *count = ABIS;
    return abis;
}

static const char *list_of_abis(Arena *arena) {
    Text list = {0};
    for (size_t i = 0; i < ABIS; i++)
        text_format(&list, "%s%s", i == 0 ? "" : i + 1 == ABIS ? " and " : ", ", abis[i].name);
    const char *copy = arena_copy_string(arena, list.data);
    text_free(&list);
    return copy;
}

const AndroidAbi *android_abi_find(const char *name, Session *session) {
    const char *names[ABIS];
    for (size_t i = 0; i < ABIS; i++) {
        if (strcmp(abis[i].name, name) == 0)
            return &abis[i];
        names[i] = abis[i].name;
    }
    const char *hint =
        arena_format(session->arena, "there is code for %s", list_of_abis(session->arena));
    for (size_t i = 0; i < REFUSED; i++) {
        if (strcmp(without_code[i].name, name) != 0)
            continue;
        diagnostics_error(session->diagnostics, hint, "there is no code for the ABI '%s': %s", name,
            without_code[i].reason);
        return NULL;
    }
    const char *nearest = closest_word(name, names, ABIS);
    if (nearest != NULL)
        hint = arena_format(session->arena, "did you mean '%s'?", nearest);
    diagnostics_error(session->diagnostics, hint, "'%s' is no ABI of Android", name);
    return NULL;
}

int android_lowest_api_level(void) {
    size_t count;
    const Platform *platforms = platform_table(&count);
    int lowest = 0;
    for (size_t i = 0; i < count; i++) {
        int level = platforms[i].lowest_api_level;
        if (level > 0 && (lowest == 0 || level < lowest))
            lowest = level;
    }
    return lowest;
}

const char *android_target_name(const AndroidAbi *abi, int api_level, Arena *arena) {
    return arena_format(arena, "%s%d", abi->platform, api_level);
}

/* ---- the files of a package ---- */

static void write_header(
    const char *name, const AndroidAbi *const *wanted, size_t count, Text *out) {
    text_format(out,
        "/* %s: a neural network, compiled by riffle for Android. The header of the ABI that this "
        "is\n"
        " * compiled for; those headers document the network. */\n",
        name);
    for (size_t i = 0; i < count; i++)
        text_format(out, "%s defined(%s)\n#include \"%s/%s.h\"\n", i == 0 ? "#if" : "#elif",
            wanted[i]->macro, wanted[i]->name, name);
    text_format(out, "#else\n#error \"%s was not compiled for this ABI\"\n#endif\n", name);
}

static void write_cmake_config(
    const char *name, const AndroidAbi *const *wanted, size_t count, Text *out) {
    text_format(out,
        "# find_package(%s) gives the static library %s::%s for the ABI of the build.\n"
        "set(%s_abi ${CMAKE_ANDROID_ARCH_ABI})\n"
        "if(NOT %s_abi)\n"
        "    set(%s_abi ${ANDROID_ABI})\n"
        "endif()\n"
        "get_filename_component(%s_folder \"${CMAKE_CURRENT_LIST_DIR}/..\" ABSOLUTE)\n",
        name, name, name, name, name, name, name);
    text_format(out,
        "set(%s_library \"${%s_folder}/libs/${%s_abi}/lib%s.a\")\n"
        "if(NOT EXISTS \"${%s_library}\")\n"
        "    set(%s_FOUND FALSE)\n"
        "    set(%s_NOT_FOUND_MESSAGE \"%s was not compiled for the ABI '${%s_abi}', but for",
        name, name, name, name, name, name, name, name, name);
    for (size_t i = 0; i < count; i++)
        text_format(out, "%s %s", i == 0 ? "" : ",", wanted[i]->name);
    text_format(out,
        "\")\n"
        "    return()\n"
        "endif()\n"
        "if(NOT TARGET %s::%s)\n"
        "    add_library(%s::%s STATIC IMPORTED)\n"
        "    set_target_properties(%s::%s PROPERTIES IMPORTED_LOCATION \"${%s_library}\"\n"
        "        INTERFACE_INCLUDE_DIRECTORIES \"${%s_folder}/include\")\n"
        "endif()\n",
        name, name, name, name, name, name, name, name);
}

static void write_android_mk(const char *name, Text *out) {
    text_format(out,
        "# For ndk-build: LOCAL_STATIC_LIBRARIES += %s\n"
        "LOCAL_PATH := $(call my-dir)\n"
        "\n"
        "include $(CLEAR_VARS)\n"
        "LOCAL_MODULE := %s\n"
        "LOCAL_SRC_FILES := libs/$(TARGET_ARCH_ABI)/lib%s.a\n"
        "LOCAL_EXPORT_C_INCLUDES := $(LOCAL_PATH)/include\n"
        "include $(PREBUILT_STATIC_LIBRARY)\n",
        name, name, name);
}

/* What is in the package, for those who ask for licences. */
static void write_notice(const char *name, Text *out) {
    text_format(out,
        "%s\n\n"
        "lib%s.a and its header were made by riffle of a network and its weights. They hold the "
        "weights,\n"
        "whose licence is that of those who made them; no library is linked into them. Where there "
        "are\n"
        "jni/runtime/pool.c and jni/runtime/riffle_runtime.h: they are parts of riffle, under the "
        "Apache\n"
        "License 2.0, which lies beside them.\n",
        name, name);
}

void android_add_package_files(
    const char *name, const AndroidAbi *const *wanted, size_t abi_count, OutputFiles *files) {
    Arena *arena = files->session->arena;
    write_header(name, wanted, abi_count,
        output_files_add(files, arena_format(arena, "include/%s.h", name)));
    write_cmake_config(name, wanted, abi_count,
        output_files_add(files, arena_format(arena, "cmake/%sConfig.cmake", name)));
    write_android_mk(name, output_files_add(files, "Android.mk"));
    write_notice(name, output_files_add(files, "NOTICE"));
}
