/* Networks for Android: its ABIs, and the files of a package. */
#ifndef RIFFLE_DRIVER_ANDROID_H
#define RIFFLE_DRIVER_ANDROID_H

#include "driver/driver.h"
#include "driver/output_files.h"

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
 * include/NAME.h, which includes that of the ABI, cmake/NAMEConfig.cmake and Android.mk. */
void android_add_package_files(
    const char *name, const AndroidAbi *const *abis, size_t abi_count, OutputFiles *files);

#endif
