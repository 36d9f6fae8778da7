/* LLVM writes an object file for a few zeros, the stand-in, of which this makes that for all the
 * weights: what lies behind moves, and headers and symbol say how long they are. Everything else
 * stays as LLVM wrote it. The lengths differ by a multiple of every alignment, so nothing moves
 * against anything else. */
#include "backends/output/weights_object.h"
#include "backends/emit/emit.h"
#include "backends/program/levels.h"
#include "backends/program/program.h"
#include "backends/program/summary.h"
#include "backends/target/target.h"
#include "ir/diagnostics.h"
#include "ir/text.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { ALIGNMENT = 64 };

/* ---- little-endian numbers in the file ---- */

static uint64_t number_at(const Text *object, size_t at, size_t bytes) {
    assert(at + bytes <= object->length);
    uint64_t number = 0;
    for (size_t i = bytes; i-- > 0;)
        number = number << 8 | (unsigned char)object->data[at + i];
    return number;
}

static void set_number(Text *object, size_t at, size_t bytes, uint64_t number) {
    assert(at + bytes <= object->length);
    for (size_t i = 0; i < bytes; i++)
        object->data[at + i] = (char)(number >> (8 * i));
}

static void add_to(Text *object, size_t at, size_t bytes, uint64_t more) {
    set_number(object, at, bytes, number_at(object, at, bytes) + more);
}

/* The length of the stand-in becomes that of the weights. */
static void lengthen(Text *object, size_t at, size_t bytes, size_t stand_in, uint64_t more) {
    assert(number_at(object, at, bytes) == stand_in);
    set_number(object, at, bytes, stand_in + more);
}

/* ---- ELF ---- */

/* Where what stands in a file of 32 or 64 bits, and how wide its offsets and sizes are. */
typedef struct ElfLayout {
    size_t word, table, entry_size, count;      /* in the header */
    size_t offset, size;                        /* of a section */
    size_t symbol, symbol_section, symbol_size; /* its length, and in it */
} ElfLayout;

static size_t enlarge_elf(Text *object, size_t stand_in, uint64_t more) {
    static const ElfLayout layouts[] = {
        {4, 0x20, 0x2e, 0x30, 0x10, 0x14, 16, 14, 8}, {8, 0x28, 0x3a, 0x3c, 0x18, 0x20, 24, 6, 16}};
    const ElfLayout *elf = &layouts[object->data[4] == 2];
    size_t table = number_at(object, elf->table, elf->word), symbols = 0, symbols_size = 0;
    size_t entry_size = number_at(object, elf->entry_size, 2);
    size_t count = number_at(object, elf->count, 2);
    for (size_t i = 0; i < count; i++) {
        enum { TYPE = 4, SYMBOL_TABLE = 2 };
        size_t section = table + i * entry_size;
        if (number_at(object, section + TYPE, 4) != SYMBOL_TABLE)
            continue;
        symbols = number_at(object, section + elf->offset, elf->word);
        symbols_size = number_at(object, section + elf->size, elf->word);
    }
    size_t symbol = symbols + symbols_size - elf->symbol; /* the last is the only global one */
    size_t weights = table + number_at(object, symbol + elf->symbol_section, 2) * entry_size;
    size_t begin = number_at(object, weights + elf->offset, elf->word);
    lengthen(object, symbol + elf->symbol_size, elf->word, stand_in, more);
    lengthen(object, weights + elf->size, elf->word, stand_in, more);
    for (size_t i = 0; i < count; i++) {
        size_t offset = table + i * entry_size + elf->offset;
        if (number_at(object, offset, elf->word) >= begin + stand_in)
            add_to(object, offset, elf->word, more);
    }
    add_to(object, elf->table, elf->word, more);
    return begin;
}

/* ---- Mach-O, of 64 bits ---- */

static size_t enlarge_macho(Text *object, size_t stand_in, uint64_t more) {
    enum { COUNT = 16, FIRST = 32, SEGMENT = 0x19, SYMBOLS = 2 };
    enum { MEMORY_SIZE = 32, FILE_SIZE = 48, SECTION_COUNT = 64, SECTIONS = 72, SECTION = 80 };
    enum { SECTION_SIZE = 40, SECTION_OFFSET = 48, SYMBOLS_OFFSET = 8, STRINGS_OFFSET = 16 };
    size_t begin = 0, command = FIRST;
    for (uint64_t left = number_at(object, COUNT, 4); left > 0; left--) {
        uint64_t kind = number_at(object, command, 4);
        if (kind == SEGMENT) { /* the weights are its last section */
            size_t section =
                command + SECTIONS + (number_at(object, command + SECTION_COUNT, 4) - 1) * SECTION;
            begin = number_at(object, section + SECTION_OFFSET, 4);
            lengthen(object, section + SECTION_SIZE, 8, stand_in, more);
            add_to(object, command + MEMORY_SIZE, 8, more);
            add_to(object, command + FILE_SIZE, 8, more);
        } else if (kind == SYMBOLS) {
            add_to(object, command + SYMBOLS_OFFSET, 4, more);
            add_to(object, command + STRINGS_OFFSET, 4, more);
        }
        command += number_at(object, command + 4, 4);
    }
    return begin;
}

/* ---- COFF ---- */

/* CRC-32 without the usual inversions. */
static uint32_t checksum(const char *bytes, size_t length) {
    uint32_t table[256], sum = 0;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
    }
    for (size_t i = 0; i < length; i++)
        sum = sum >> 8 ^ table[(sum ^ (unsigned char)bytes[i]) & 0xff];
    return sum;
}

static size_t enlarge_coff(Text *object, size_t stand_in, uint64_t more, const Splice *weights) {
    enum { SECTION_COUNT = 2, SYMBOLS = 8, SYMBOL_COUNT = 12, SECTIONS = 20, SECTION = 40 };
    enum { SIZE = 16, OFFSET = 20, SYMBOL = 18, SYMBOL_SECTION = 12, AUXILIARY_COUNT = 17 };
    enum { AUXILIARY_SIZE = 0, AUXILIARY_CHECKSUM = 8 };
    uint64_t count = number_at(object, SECTION_COUNT, 2);
    size_t section = SECTIONS + (count - 1) * SECTION; /* the weights are the last one */
    size_t begin = number_at(object, section + OFFSET, 4);
    lengthen(object, section + SIZE, 4, stand_in, more);
    size_t symbol = number_at(object, SYMBOLS, 4);
    for (uint64_t left = number_at(object, SYMBOL_COUNT, 4); left > 0;) {
        uint64_t auxiliary = number_at(object, symbol + AUXILIARY_COUNT, 1);
        if (auxiliary > 0 && number_at(object, symbol + SYMBOL_SECTION, 2) == count) {
            add_to(object, symbol + SYMBOL + AUXILIARY_SIZE, 4, more);
            set_number(object, symbol + SYMBOL + AUXILIARY_CHECKSUM, 4,
                checksum(weights->bytes, weights->length));
        }
        symbol += (1 + auxiliary) * SYMBOL;
        left -= 1 + auxiliary;
    }
    add_to(object, SYMBOLS, 4, more);
    return begin;
}

/* ---- WebAssembly ---- */

/* Numbers are LEB128: 7 bits a byte. Sizes of sections take 5 bytes, others as few as they need. */
static uint64_t leb_at(const Text *object, size_t at, size_t *bytes) {
    uint64_t number = 0;
    *bytes = 0;
    do
        number |= (number_at(object, at + *bytes, 1) & 0x7f) << (7 * *bytes);
    while (number_at(object, at + (*bytes)++, 1) >= 0x80);
    return number;
}

static void add_to_size(Text *object, size_t at, uint64_t more) {
    enum { BYTES = 5 };
    size_t bytes;
    uint64_t number = leb_at(object, at, &bytes) + more;
    assert(bytes == BYTES);
    for (size_t i = 0; i < BYTES; i++)
        object->data[at + i] = (char)((number >> (7 * i) & 0x7f) | (i + 1 < BYTES ? 0x80 : 0));
}

static void replace(Text *object, size_t at, size_t length, const char *by, size_t by_length) {
    Text result = {0};
    text_append_bytes(&result, object->data, at);
    text_append_bytes(&result, by, by_length);
    text_append_bytes(&result, object->data + at + length, object->length - at - length);
    text_free(object);
    *object = result;
}

/* Returns by how many bytes the number grew. */
static size_t add_to_leb(Text *object, size_t at, uint64_t more) {
    char digits[10];
    size_t old, count = 0;
    uint64_t number = leb_at(object, at, &old) + more;
    do {
        digits[count++] = (char)((number & 0x7f) | (number >= 0x80 ? 0x80 : 0));
        number >>= 7;
    } while (number > 0);
    replace(object, at, old, digits, count);
    return count - old;
}

/* Where a section begins: its kind, then its size. A custom one is the first of that kind. */
static size_t wasm_section(const Text *object, uint64_t kind) {
    enum { FIRST = 8 };
    size_t at = FIRST, bytes;
    while (number_at(object, at, 1) != kind) {
        uint64_t size = leb_at(object, at + 1, &bytes);
        at += 1 + bytes + size;
    }
    return at;
}

/* Adds to the number at the end of a section. */
static size_t add_to_last(Text *object, size_t section, size_t end, uint64_t more) {
    size_t number = end - 1; /* the last byte of a number has no mark */
    while (number_at(object, number - 1, 1) >= 0x80)
        number--;
    size_t grown = add_to_leb(object, number, more);
    add_to_size(object, section + 1, grown);
    return grown;
}

/* Three sections tell the length: the import of a memory of so many pages; the data, in one
 * segment, with a flag, an address (a constant and its end) and the length before them; and the
 * table of symbols in "linking". The last is changed first: then none has moved. */
static size_t enlarge_wasm(Text *object, size_t stand_in, uint64_t more) {
    enum { CUSTOM = 0, IMPORT = 2, DATA = 11, PAGE = 65536 };
    enum { SIZE_BYTES = 5, HEAD = 1 + SIZE_BYTES, NAME_AND_VERSION = 1 + 7 + 1 };
    enum { SEGMENT_LENGTH = HEAD + 1 + 1 + 3 };
    size_t bytes, linking = wasm_section(object, CUSTOM);
    size_t table = linking + HEAD + NAME_AND_VERSION;
    assert(memcmp(object->data + linking + HEAD, "\7linking", 8) == 0);
    size_t size = leb_at(object, table + 1, &bytes);
    size_t grown = add_to_last(object, table, table + HEAD + size, more);
    add_to_size(object, linking + 1, grown);

    size_t data = wasm_section(object, DATA), length = data + SEGMENT_LENGTH;
    uint64_t old = leb_at(object, length, &bytes);
    assert(old == stand_in);
    (void)old;
    grown = add_to_leb(object, length, more);
    add_to_size(object, data + 1, grown + more);
    length += bytes + grown;

    size_t import = wasm_section(object, IMPORT);
    size = leb_at(object, import + 1, &bytes);
    uint64_t pages = (stand_in + more + PAGE - 1) / PAGE - 1;
    return length + add_to_last(object, import, import + HEAD + size, pages);
}

/* ---- all ---- */

/* Makes the object that has a stand-in one for all the weights, and takes out the stand-in. */
static void enlarge(ObjectFormat format, Text *object, size_t stand_in, Splice *weights) {
    uint64_t more = weights->length - stand_in;
    switch (format) {
    case FORMAT_ELF:
        weights->at = enlarge_elf(object, stand_in, more);
        break;
    case FORMAT_COFF:
        weights->at = enlarge_coff(object, stand_in, more, weights);
        break;
    case FORMAT_MACHO:
        weights->at = enlarge_macho(object, stand_in, more);
        break;
    case FORMAT_WASM:
        weights->at = enlarge_wasm(object, stand_in, more);
        break;
    }
    replace(object, weights->at, stand_in, "", 0);
}

bool weights_object_write(
    const Program *program, Text *out, Splice *weights, Diagnostics *diagnostics) {
    const RestingBytes *packed = program_weights(program);
    size_t length = packed->length, stand_in = ALIGNMENT + length % ALIGNMENT;
    if (stand_in > length)
        stand_in = length;
    *weights = (Splice){.bytes = packed->data, .length = length, .rests = packed->rests};
    if (!llvm_emit_blank_weights(program, stand_in, out, diagnostics))
        return false;
    enlarge(program->target->format, out, stand_in, weights);
    return true;
}
