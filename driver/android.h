/* Networks for Android: its ABIs, and the files of a package. */
#ifndef RIFFLE_DRIVER_ANDROID_H
#define RIFFLE_DRIVER_ANDROID_H

#include "backends/program/summary.h"
#include "driver/driver.h"
#include "driver/output_files.h"
#include "ir/graph.h"

/* A row of android_abis.def. */
typedef struct AndroidAbi {
    const char *name, *platform, *macro;
} AndroidAbi;

enum { MOST_ANDROID_ABIS = 8 };

/* The rows; *count is set. */
const AndroidAbi *android_abi_table(size_t *count);
/* NULL after reporting, when there is no code for the ABI. */
const AndroidAbi *android_abi_find(const char *name, Session *session);
/* The lowest level of all platforms with one. */
int android_lowest_api_level(void);
/* As --target takes it. */
const char *android_target_name(const AndroidAbi *abi, int api_level, Arena *arena);

/* Adds the files of a package that do not depend on what the network computes, for these ABIs:
 * include/NAME.h, which includes that of the ABI, cmake/NAMEConfig.cmake, Android.mk and NOTICE. */
void android_add_package_files(
    const char *name, const AndroidAbi *const *abis, size_t abi_count, OutputFiles *files);

typedef enum JavaLanguage { LANGUAGE_KOTLIN, LANGUAGE_JAVA } JavaLanguage;

/* Reports and returns false when it cannot be a package of Java. */
bool android_java_package_is_good(const char *package, Session *session);
/* Adds what calls the network from a class of that package: the class, and in jni/ its native
 * functions, the pool of threads and a CMake project that builds them. False after reporting. */
bool android_add_sources(const Graph *graph, const Program *program, const char *package,
    JavaLanguage language, OutputFiles *files);

/* Appends an archive for Gradle, made of these files. False after reporting. */
bool android_aar_write(const char *name, const AndroidAbi *const *abis, size_t abi_count,
    int api_level, const OutputFiles *files, Text *out);

#endif
