#include "tests/fuzz/mutate.h"

#include <ctype.h>
#include <string.h>

Random random_begin(uint64_t seed, uint64_t round) {
    Random random = {seed * 0x9e3779b97f4a7c15u ^ (round + 1) * 0xbf58476d1ce4e5b9u};
    random_below(&random, 2);
    return random;
}

size_t random_below(Random *random, size_t below) { /* splitmix64 */
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return below == 0 ? 0 : (size_t)(z % below);
}

/* ---- one edit ---- */

/* Puts bytes in place of `dropped` bytes at `at`. */
static void replace(Text *file, size_t at, size_t dropped, const char *bytes, size_t length) {
    Text result = {0};
    text_append_bytes(&result, file->data, at);
    text_append_bytes(&result, bytes, length);
    text_append_bytes(&result, file->data + at + dropped, file->length - at - dropped);
    text_free(file);
    *file = result;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static void change_byte(Text *file, Random *random) {
    char byte = (char)random_below(random, 256);
    replace(file, random_below(random, file->length), 1, &byte, 1);
}

static void change_bit(Text *file, Random *random) {
    size_t at = random_below(random, file->length);
    file->data[at] = (char)(file->data[at] ^ 1 << random_below(random, 8));
}

static void drop_stretch(Text *file, Random *random) {
    size_t at = random_below(random, file->length);
    replace(file, at, smaller(1 + random_below(random, 40), file->length - at), "", 0);
}

static void cut_off(Text *file, Random *random) {
    size_t at = random_below(random, file->length);
    replace(file, at, file->length - at, "", 0);
}

/* Words that mean something to a reader, and some that must not. */
static void insert_word(Text *file, Random *random) {
    static const char *const words[] = {"(", ")", "[", "]", "{", "}", "\"", ",", ".", "..", ":",
        "=", "@", "%", "|>", "#", "/", "//", "*", "-", "\n", "if ", "for ", "repeat 3 {", "let ",
        "output ", "input ", "return ", "import \"", "nhwc", "f32", "true", "null", "nan", "inf",
        "->", "weight ", "concat", "split", "route", "\\u0000", "\xff", "\x1b[31m"};
    const char *word = words[random_below(random, sizeof words / sizeof *words)];
    replace(file, random_below(random, file->length), 0, word, strlen(word));
}

/* Another number where one stands; nothing happens when none is near. */
static void change_number(Text *file, Random *random) {
    static const char *const numbers[] = {"0", "1", "2", "3", "4", "5", "7", "8", "16", "-1", "0.5",
        "65536", "1048577", "2147483647", "4294967296", "9223372036854775807",
        "18446744073709551616", "1e308", "1e-400"};
    size_t at = random_below(random, file->length);
    while (at < file->length && !isdigit((unsigned char)file->data[at]))
        at++;
    size_t end = at;
    while (end < file->length && isdigit((unsigned char)file->data[end]))
        end++;
    const char *number = numbers[random_below(random, sizeof numbers / sizeof *numbers)];
    if (end > at)
        replace(file, at, end - at, number, strlen(number));
}

static size_t line_begin(const Text *file, size_t at) {
    while (at > 0 && file->data[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(const Text *file, size_t at) {
    while (at < file->length && file->data[at] != '\n')
        at++;
    return at < file->length ? at + 1 : at;
}

/* A line, or some bytes of a long one, from another place or file. */
static void copy_line(Text *file, const Text *other, Random *random) {
    if (other->length == 0)
        return;
    size_t from = line_begin(other, random_below(random, other->length));
    size_t length = smaller(line_end(other, from) - from, 400);
    Text line = {0};
    text_append_bytes(&line, other->data + from, length);
    replace(file, line_begin(file, random_below(random, file->length)), 0, line.data, line.length);
    text_free(&line);
}

static void drop_line(Text *file, Random *random) {
    size_t from = line_begin(file, random_below(random, file->length));
    replace(file, from, smaller(line_end(file, from) - from, 400), "", 0);
}

/* The same few bytes very often: depth, length. */
static void repeat_stretch(Text *file, Random *random) {
    size_t at = random_below(random, file->length);
    size_t length = smaller(1 + random_below(random, 12), file->length - at);
    Text stretch = {0};
    for (size_t count = (size_t)2 << random_below(random, 10); count > 0; count--)
        text_append_bytes(&stretch, file->data + at, length);
    replace(file, at, length, stretch.data, stretch.length);
    text_free(&stretch);
}

void mutate(Text *file, const Text *other, Random *random) {
    size_t most = random_below(random, 2) == 0 ? 1 : 5;
    for (size_t edits = 1 + random_below(random, most); edits > 0 && file->length > 0; edits--) {
        switch (random_below(random, 16)) {
        case 0:
            change_byte(file, random);
            break;
        case 1:
            change_bit(file, random);
            break;
        case 2:
            drop_stretch(file, random);
            break;
        case 3:
        case 4:
            insert_word(file, random);
            break;
        case 5:
            drop_line(file, random);
            break;
        case 6:
        case 7:
            copy_line(file, file, random);
            break;
        case 8:
            copy_line(file, other, random);
            break;
        case 9:
            if (random_below(random, 4) == 0)
                cut_off(file, random);
            else
                repeat_stretch(file, random);
            break;
        default:
            change_number(file, random);
            break;
        }
    }
}
