/* SHA-256 (FIPS 180-4) of bytes that come in pieces, and of files. */
#ifndef RIFFLE_IR_SHA256_H
#define RIFFLE_IR_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Sha256 {
    uint32_t state[8];
    uint64_t length; /* in bytes, so far */
    unsigned char block[64];
} Sha256;

enum { SHA256_DIGITS = 64 }; /* hexadecimal */

void sha256_begin(Sha256 *hash);
void sha256_take(Sha256 *hash, const void *bytes, size_t length);
/* Writes the digits and a zero byte behind them. */
void sha256_end(Sha256 *hash, char text[SHA256_DIGITS + 1]);

/* The same for a regular file; false when it is none or cannot be read. */
bool sha256_of_file(const char *path, char text[SHA256_DIGITS + 1]);

#endif
