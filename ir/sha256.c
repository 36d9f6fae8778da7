#include "ir/sha256.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 64 };

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t constants[ROUNDS] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
    0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
    0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t word, int bits) {
    return word >> bits | word << (32 - bits);
}

static void expand(const unsigned char *block, uint32_t words[ROUNDS]) {
    for (int i = 0; i < 16; i++, block += 4)
        words[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 |
                   block[3];
    for (int i = 16; i < ROUNDS; i++) {
        uint32_t early = words[i - 15], late = words[i - 2];
        words[i] = words[i - 16] + words[i - 7] + (turn(early, 7) ^ turn(early, 18) ^ early >> 3) +
                   (turn(late, 17) ^ turn(late, 19) ^ late >> 10);
    }
}

static void take_block(uint32_t state[8], const unsigned char *block) {
    uint32_t words[ROUNDS], v[8];
    expand(block, words);
    memcpy(v, state, sizeof v);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t a = v[0], e = v[4];
        uint32_t choice = (e & v[5]) ^ (~e & v[6]);
        uint32_t majority = (a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]);
        uint32_t first =
            v[7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + constants[i] + words[i];
        uint32_t second = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority;
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += first;
        v[0] = first + second;
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
}

void sha256_begin(Sha256 *hash) {
    *hash = (Sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                         0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_take(Sha256 *hash, const void *bytes, size_t length) {
    const unsigned char *from = bytes;
    while (length > 0) {
        size_t filled = hash->length % sizeof hash->block;
        size_t part = sizeof hash->block - filled;
        part = length < part ? length : part;
        memcpy(hash->block + filled, from, part);
        hash->length += part;
        from += part;
        length -= part;
        if (filled + part == sizeof hash->block)
            take_block(hash->state, hash->block);
    }
}

void sha256_end(Sha256 *hash, char text[SHA256_DIGITS + 1]) {
    static const unsigned char padding[64] = {0x80};
    unsigned char bits[8];
    for (int i = 0; i < 8; i++)
        bits[i] = (unsigned char)(hash->length * 8 >> (56 - 8 * i));
    size_t filled = hash->length % sizeof hash->block;
    sha256_take(hash, padding, (filled < 56 ? 56 : 120) - filled);
    sha256_take(hash, bits, sizeof bits);
    for (int i = 0; i < 8; i++)
        sprintf(text + 8 * i, "%08x", hash->state[i]);
}

static bool take_file(Sha256 *hash, int file) {
    char bytes[65536];
    ssize_t length;
    while ((length = read(file, bytes, sizeof bytes)) > 0)
        sha256_take(hash, bytes, (size_t)length);
    return length == 0;
}

bool sha256_of_file(const char *path, char text[SHA256_DIGITS + 1]) {
    struct stat status;
    Sha256 hash;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is not waited for */
    if (file < 0)
        return false;
    sha256_begin(&hash);
    bool done = fstat(file, &status) == 0 && S_ISREG(status.st_mode) && take_file(&hash, file);
    close(file);
    if (done)
        sha256_end(&hash, text);
    return done;
}
