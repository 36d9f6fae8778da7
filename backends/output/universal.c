/* Files of several architectures in one, as Apple's tools read them: a head in big-endian numbers,
 * with the place of each part, then the parts, each where a page of any processor may begin. */
#include "backends/output/output.h"
#include "backends/target/target.h"
#include "ir/text.h"

#include <assert.h>

enum { MAGIC = 0xcafebabe, PART_BYTES = 20, HEAD_BYTES = 8, ALIGNMENT_BITS = 14 };
enum { PROCESSOR_X86_64 = 0x01000007, PROCESSOR_ARM64 = 0x0100000c };
enum { ANY_X86_64 = 3, ANY_ARM64 = 0 };

static void append_number(Text *out, size_t number) {
    assert(number <= UINT32_MAX);
    for (int shift = 24; shift >= 0; shift -= 8) {
        unsigned char byte = (unsigned char)(number >> shift);
        text_append_bytes(out, &byte, 1);
    }
}

static size_t aligned(size_t size) {
    size_t alignment = (size_t)1 << ALIGNMENT_BITS;
    return (size + alignment - 1) / alignment * alignment;
}

bool universal_fits(const UniversalPart *parts, size_t count) {
    size_t at = aligned(HEAD_BYTES + PART_BYTES * count);
    for (size_t i = 0; i < count; i++)
        at = aligned(at + parts[i].contents->length);
    return at <= UINT32_MAX;
}

void universal_write(const UniversalPart *parts, size_t count, Text *out) {
    size_t at = aligned(HEAD_BYTES + PART_BYTES * count);
    append_number(out, MAGIC);
    append_number(out, count);
    for (size_t i = 0; i < count; i++) {
        bool is_arm = parts[i].architecture == ARCHITECTURE_AARCH64;
        append_number(out, is_arm ? PROCESSOR_ARM64 : PROCESSOR_X86_64);
        append_number(out, is_arm ? ANY_ARM64 : ANY_X86_64);
        append_number(out, at);
        append_number(out, parts[i].contents->length);
        append_number(out, ALIGNMENT_BITS);
        at = aligned(at + parts[i].contents->length);
    }
    for (size_t i = 0; i < count; i++) {
        static const char zeros[1 << ALIGNMENT_BITS];
        text_append_bytes(out, zeros, aligned(out->length) - out->length);
        text_append_bytes(out, parts[i].contents->data, parts[i].contents->length);
    }
}
