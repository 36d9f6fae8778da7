/* The words of the text form of kernels. */
#include "ir/kernel_reader.h"
#include "ir/kernel_lanes.h"
#include "ir/names.h"
#include "ir/quote.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_MESSAGE = 256, LONGEST_SHOWN = 40, MOST_NUMBER = 1 << 20 };

/* The byte there; NUL beyond the end, and the text ends with one. */
static char byte_at(const KernelReader *reader, uint32_t at) {
    return at < reader->file->length ? reader->file->text[at] : '\0';
}

static bool is_word_byte(char c) {
    return is_letter(c) || is_digit(c);
}

static void skip_blanks(KernelReader *reader) {
    for (char c; (c = byte_at(reader, reader->at)) != '\0'; reader->at++) {
        if (c == '#')
            while (
                byte_at(reader, reader->at + 1) != '\n' && byte_at(reader, reader->at + 1) != '\0')
                reader->at++;
        else if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            return;
    }
}

static uint32_t word_end(const KernelReader *reader) {
    uint32_t end = reader->at;
    while (is_word_byte(byte_at(reader, end)))
        end++;
    return end;
}

bool reader_at_end(KernelReader *reader) {
    skip_blanks(reader);
    return reader->at >= reader->file->length;
}

bool reader_report(
    const KernelReader *reader, uint32_t begin, const char *hint, const char *message, ...) {
    char text[LONGEST_MESSAGE];
    va_list arguments;
    va_start(arguments, message);
    vsnprintf(text, sizeof text, message, arguments);
    va_end(arguments);
    SourceRange where = {reader->file, begin, reader->at > begin ? reader->at : begin};
    diagnostics_report(reader->diagnostics, SEVERITY_ERROR, where, hint, "%s", text);
    return false;
}

bool reader_expected(KernelReader *reader, const char *what) {
    skip_blanks(reader);
    uint32_t begin = reader->at, end = word_end(reader);
    if (begin >= reader->file->length)
        return reader_report(reader, begin, NULL, "expected %s, but the text ends", what);
    const char *text = reader->file->text + begin;
    size_t length = end > begin ? end - begin : 1;
    if (length > LONGEST_SHOWN)
        length = quote_cut(text, LONGEST_SHOWN);
    reader->at = begin + (uint32_t)length;
    return reader_report(
        reader, begin, NULL, "expected %s, but got '%.*s'", what, (int)length, text);
}

bool reader_accept(KernelReader *reader, const char *word) {
    skip_blanks(reader);
    size_t length = strlen(word);
    if (reader->file->length - reader->at < length ||
        memcmp(reader->file->text + reader->at, word, length) != 0)
        return false;
    if (is_word_byte(word[length - 1]) &&
        is_word_byte(byte_at(reader, reader->at + (uint32_t)length)))
        return false;
    reader->at += (uint32_t)length;
    return true;
}

bool reader_expect(KernelReader *reader, const char *word) {
    char what[32];
    snprintf(what, sizeof what, "'%s'", word);
    return reader_accept(reader, word) || reader_expected(reader, what);
}

const char *reader_word(KernelReader *reader) {
    skip_blanks(reader);
    uint32_t begin = reader->at, end = word_end(reader);
    if (end == begin || !is_letter(byte_at(reader, begin)))
        return NULL;
    reader->at = end;
    return arena_copy_bytes(reader->arena, reader->file->text + begin, end - begin);
}

/* strtoll and strtod stop at the NUL that ends the text; blanks, which they would pass over, cannot
 * stand where they begin. */
bool reader_integer(KernelReader *reader, int64_t least, int64_t most, int64_t *value) {
    skip_blanks(reader);
    uint32_t begin = reader->at;
    char first = byte_at(reader, begin);
    if (!is_digit(first) && !(first == '-' && is_digit(byte_at(reader, begin + 1))))
        return reader_expected(reader, "an integer");
    char *end;
    errno = 0;
    *value = strtoll(reader->file->text + begin, &end, 10);
    reader->at = (uint32_t)(end - reader->file->text);
    if (errno != 0 || *value < least || *value > most)
        return reader_report(reader, begin, NULL, "the number is not from %lld to %lld",
            (long long)least, (long long)most);
    return true;
}

bool reader_float(KernelReader *reader, float *value) {
    static const struct {
        const char *word;
        float value;
    } words[] = {{"inf", INFINITY}, {"-inf", -INFINITY}, {"nan", NAN}, {"-nan", -NAN}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (reader_accept(reader, words[i].word)) {
            *value = words[i].value;
            return true;
        }
    uint32_t begin = reader->at;
    char first = byte_at(reader, begin);
    if (!is_digit(first) && !(first == '-' && is_digit(byte_at(reader, begin + 1))))
        return reader_expected(reader, "a number");
    char *end;
    *value = strtof(reader->file->text + begin, &end);
    reader->at = (uint32_t)(end - reader->file->text);
    return isfinite(*value) || reader_report(reader, begin, NULL, "the number is too large");
}

bool reader_lane_type(KernelReader *reader, LaneType *type) {
    for (*type = 0; *type < LANE_TYPE_COUNT; ++*type)
        if (reader_accept(reader, lane_type_name(*type)))
            return true;
    return false;
}

/* ---- names with numbers ---- */

bool reader_numbered(
    KernelReader *reader, const char *what, int most, const char **name, int *number) {
    skip_blanks(reader);
    uint32_t begin = reader->at;
    const char *word = reader_word(reader);
    if (word == NULL)
        return reader_expected(reader, what);
    size_t length = strlen(word), digits = 0;
    while (digits < length && is_digit(word[length - digits - 1]))
        digits++;
    const char *number_text = word + length - digits;
    if (digits == 0 || (digits > 1 && *number_text == '0') || digits == length)
        return reader_report(reader, begin, NULL, "'%.40s' is not %s", word, what);
    long value = digits > 9 ? MOST_NUMBER : strtol(number_text, NULL, 10);
    if (value >= most)
        return reader_report(
            reader, begin, NULL, "the number of '%.40s' is not below %d", word, most);
    *name = arena_copy_bytes(reader->arena, word, length - digits);
    *number = (int)value;
    return true;
}

/* Room for `count` more numbers than there are, of registers and variables. */
static bool take_room(KernelReader *reader, uint32_t begin, int64_t count) {
    reader->numbers_left -= count;
    return reader->numbers_left >= 0 ||
           reader_report(reader, begin, NULL, "the file has too many registers and variables");
}

static bool make_variable_room(KernelReader *reader, uint32_t begin, int variable) {
    if (variable < reader->variable_room)
        return true;
    int room = variable + 1 + variable / 2 + 16;
    if (!take_room(reader, begin, room))
        return false;
    Kernel *kernel = reader->builder.kernel;
    const char **names = ARENA_ARRAY(reader->arena, const char *, room);
    bool *is_defined = ARENA_ARRAY(reader->arena, bool, room);
    for (int i = 0; i < room; i++)
        names[i] = "";
    memcpy(names, kernel->variables, (size_t)kernel->variable_count * sizeof *names);
    if (reader->variable_room > 0)
        memcpy(is_defined, reader->is_defined, (size_t)reader->variable_room);
    else
        is_defined[VARIABLE_BEGIN] = is_defined[VARIABLE_END] = true;
    kernel->variables = names;
    kernel->variable_capacity = room;
    reader->is_defined = is_defined;
    reader->variable_room = room;
    return true;
}

bool reader_new_variable(KernelReader *reader, int *variable) {
    skip_blanks(reader);
    uint32_t begin = reader->at;
    const char *name;
    if (!reader_numbered(reader, "a new variable such as row2", MOST_NUMBER, &name, variable) ||
        !make_variable_room(reader, begin, *variable))
        return false;
    Kernel *kernel = reader->builder.kernel;
    if (*kernel->variables[*variable] != '\0')
        return reader_report(reader, begin, "the number behind a name tells variables apart",
            "the variable %d is '%s%d' already", *variable, kernel->variables[*variable],
            *variable);
    kernel->variables[*variable] = name;
    if (*variable >= kernel->variable_count)
        kernel->variable_count = *variable + 1;
    return true;
}

bool reader_variable(KernelReader *reader, int *variable) {
    skip_blanks(reader);
    uint32_t begin = reader->at;
    const char *name;
    if (!reader_numbered(reader, "a variable such as row2", MOST_NUMBER, &name, variable) ||
        !make_variable_room(reader, begin, VARIABLE_END))
        return false;
    const Kernel *kernel = reader->builder.kernel;
    if (*variable >= kernel->variable_count || !reader->is_defined[*variable] ||
        strcmp(kernel->variables[*variable], name) != 0)
        return reader_report(reader, begin, "loops and lets define variables, for their block",
            "no variable '%s%d' is known here", name, *variable);
    return true;
}

/* ---- registers ---- */

static bool make_register_room(KernelReader *reader, uint32_t begin, int index) {
    Kernel *kernel = reader->builder.kernel;
    if (index >= kernel->register_capacity) {
        int room = index + 1 + index / 2 + 32;
        if (!take_room(reader, begin, room))
            return false;
        int *lanes = ARENA_ARRAY(reader->arena, int, room);
        LaneType *types = ARENA_ARRAY(reader->arena, LaneType, room);
        if (kernel->register_count > 0) {
            memcpy(lanes, kernel->register_lanes, (size_t)kernel->register_count * sizeof *lanes);
            memcpy(types, kernel->register_types, (size_t)kernel->register_count * sizeof *types);
        }
        kernel->register_lanes = lanes;
        kernel->register_types = types;
        kernel->register_capacity = room;
    }
    if (index >= kernel->register_count)
        kernel->register_count = index + 1;
    return true;
}

static bool take_register(KernelReader *reader, int *index) {
    skip_blanks(reader);
    uint32_t begin = reader->at;
    const char *name;
    if (!reader_numbered(reader, "a register such as v3", MOST_NUMBER, &name, index))
        return false;
    return strcmp(name, "v") == 0 ||
           reader_report(reader, begin, NULL, "'%.40s%d' is no register such as v3", name, *index);
}

bool reader_source(KernelReader *reader, int *index) {
    skip_blanks(reader);
    uint32_t begin = reader->at;
    if (!take_register(reader, index))
        return false;
    const Kernel *kernel = reader->builder.kernel;
    return (*index < kernel->register_count && kernel->register_lanes[*index] > 0) ||
           reader_report(reader, begin, NULL, "nothing before has written v%d", *index);
}

bool reader_register(KernelReader *reader, int *index) {
    skip_blanks(reader);
    uint32_t begin = reader->at;
    int64_t lanes;
    LaneType type = LANE_F32;
    if (!take_register(reader, index) || !reader_expect(reader, ".") ||
        !reader_integer(reader, 1, MOST_LANES, &lanes))
        return false;
    if (is_letter(byte_at(reader, reader->at)) && !reader_lane_type(reader, &type))
        return reader_expected(reader, "a type of lanes such as u8");
    if (!make_register_room(reader, begin, *index))
        return false;
    Kernel *kernel = reader->builder.kernel;
    int *known = &kernel->register_lanes[*index];
    if (*known != 0 && (*known != lanes || kernel->register_types[*index] != type))
        return reader_report(reader, begin, "a register has the same lanes all the time",
            "v%d has %d lanes of %s, not %d of %s", *index, *known,
            lane_type_name(kernel->register_types[*index]), (int)lanes, lane_type_name(type));
    *known = (int)lanes;
    kernel->register_types[*index] = type;
    return true;
}

/* ---- buffers ---- */

bool reader_buffer(KernelReader *reader, int *parameter) {
    skip_blanks(reader);
    uint32_t begin = reader->at;
    const Kernel *kernel = reader->builder.kernel;
    const char *word = reader_word(reader);
    if (word == NULL)
        return reader_expected(reader, "a parameter or a local");
    for (*parameter = 0; *parameter < kernel->parameter_count; ++*parameter)
        if (strcmp(word, reader->names[*parameter]) == 0)
            return true;
    const char *local = kernel->threads > 0 ? "shared" : "local";
    for (int i = 0; i < kernel->local_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s%d", local, i);
        *parameter = MAX_KERNEL_PARAMETERS + i;
        if (strcmp(word, name) == 0)
            return true;
    }
    return reader_report(reader, begin, NULL, "the kernel has no parameter or local '%.40s'", word);
}
