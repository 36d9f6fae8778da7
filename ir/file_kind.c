#include "ir/file_kind.h"

#include "ir/kernel.h"

#include <ctype.h>
#include <string.h>

typedef struct Magic {
    FileKind kind;
    size_t offset, length;
    const char *bytes;
} Magic;

static const Magic magics[] = {
#define FILE_MAGIC(kind, offset, bytes) {FILE_KIND_##kind, offset, sizeof(bytes) - 1, bytes},
#include "ir/file_kinds.def"
};

typedef struct KindRow {
    const char *name, *hint; /* hint may be NULL */
} KindRow;

static const KindRow rows[FILE_KIND_COUNT] = {
    [FILE_KIND_UNKNOWN] = {"a file of an unknown kind", NULL},
#define FILE_KIND(kind, name, hint) [FILE_KIND_##kind] = {name, hint},
#include "ir/file_kinds.def"
};

static bool holds_bytes(const char *bytes, size_t length, size_t offset, const char *wanted) {
    size_t count = strlen(wanted);
    return length >= offset && length - offset >= count &&
           memcmp(bytes + offset, wanted, count) == 0;
}

static FileKind find_magic(const char *bytes, size_t length) {
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        const Magic *magic = &magics[i];
        if (length >= magic->offset + magic->length &&
            memcmp(bytes + magic->offset, magic->bytes, magic->length) == 0)
            return magic->kind;
    }
    return FILE_KIND_UNKNOWN;
}

typedef struct BytesReader {
    const char *at, *end;
} BytesReader;

/* ---- binary files without a magic number ---- */

/* The length of the header, little-endian in eight bytes and at most 100 MB, and its '{'. */
static bool is_safetensors(const char *bytes, size_t length) {
    return length > 8 && memcmp(bytes + 4, "\0\0\0", 4) == 0 && (unsigned char)bytes[3] < 6 &&
           bytes[8] == '{';
}

/* ModelProto as protobuf writes it: field 1, the version of the format, a small number, and behind
 * it the tag of another field of the message. */
static bool is_onnx(const char *bytes, size_t length) {
    static const char tags[] = "\x12\x1a\x22\x28\x32\x3a\x42\x72";
    return length > 3 && bytes[0] == 0x08 && bytes[1] > 0 && bytes[1] < 32 && bytes[2] != 0 &&
           strchr(tags, bytes[2]) != NULL;
}

/* Passes over the tag of a field of protobuf that has a length, and over the length. */
static bool take_field(BytesReader *reader, char tag, size_t *size) {
    if (reader->at == reader->end || *reader->at != tag)
        return false;
    *size = 0;
    for (int shift = 0; ++reader->at < reader->end && shift < 35; shift += 7) {
        *size |= (size_t)(*reader->at & 127) << shift;
        if ((*reader->at & 128) == 0) {
            reader->at++;
            return true;
        }
    }
    return false;
}

/* Passes over such a field that holds a short name. */
static bool take_field_name(BytesReader *reader, char tag) {
    size_t size;
    if (!take_field(reader, tag, &size) || size == 0 || size > 200 ||
        size > (size_t)(reader->end - reader->at))
        return false;
    for (; size > 0; size--, reader->at++)
        if (!isgraph((unsigned char)*reader->at))
            return false;
    return true;
}

/* SavedModel and Core ML's Model begin as ModelProto does, with a version and field 2; but that is
 * a message, which begins with its field 1, and in ONNX the name of a program. Core ML has there
 * the first input: its name, and its type or a remark. */
static FileKind versioned_kind(const char *bytes, size_t length) {
    size_t size;
    if (length < 4 || bytes[0] != 0x08 || bytes[1] < 1 || bytes[1] > 31)
        return FILE_KIND_UNKNOWN;
    BytesReader reader = {bytes + 2, bytes + length};
    if (!take_field(&reader, 0x12, &size) || !take_field(&reader, 0x0a, &size))
        return FILE_KIND_UNKNOWN;
    if (take_field_name(&reader, 0x0a) && reader.at < reader.end &&
        (*reader.at == 0x12 || *reader.at == 0x1a))
        return FILE_KIND_COREML;
    return bytes[1] == 1 ? FILE_KIND_TENSORFLOW : FILE_KIND_UNKNOWN;
}

/* GraphDef: its first node, with its name and op. */
static bool is_tensorflow_graph(const char *bytes, size_t length) {
    size_t size;
    BytesReader reader = {bytes, bytes + length};
    return take_field(&reader, 0x0a, &size) && take_field_name(&reader, 0x0a) &&
           reader.at + 2 < reader.end && *reader.at == 0x12 &&
           isupper((unsigned char)reader.at[2]) && take_field_name(&reader, 0x12);
}

/* ProgramDesc: its first block has the number 0 and the parent -1. */
static bool is_paddle(const char *bytes, size_t length) {
    static const char block[] = "\x08\0\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    size_t size;
    BytesReader reader = {bytes, bytes + length};
    return take_field(&reader, 0x0a, &size) &&
           (size_t)(reader.end - reader.at) >= sizeof block - 1 &&
           memcmp(reader.at, block, sizeof block - 1) == 0;
}

/* ---- zip archives ---- */

/* The name of the first entry, whose length is at byte 26, is at byte 30. */
static bool first_entry(const char *bytes, size_t length, const char **name, size_t *size) {
    if (length < 30)
        return false;
    *name = bytes + 30;
    *size = (unsigned char)bytes[26] | (size_t)(unsigned char)bytes[27] << 8;
    return length - 30 >= *size;
}

/* PyTorch's archive begins with NAME/data.pkl, a TorchScript program with NAME/data/0, and packed
 * anew it begins with any of its members. */
static bool is_torch_member(const char *name, size_t size) {
    static const char *const ends[] = {
        "/data.pkl", "/data/0", "/byteorder", "/constants.pkl", "/.format_version"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t length = strlen(ends[i]);
        if (size >= length && memcmp(name + size - length, ends[i], length) == 0)
            return true;
    }
    return false;
}

/* That of Keras begins with metadata.json, not packed. */
static FileKind archive_kind(const char *bytes, size_t length) {
    static const char metadata[] = "metadata.json", key[] = "keras_version";
    enum { LOOKED_AT = 300 };
    const char *name;
    size_t size;
    if (!first_entry(bytes, length, &name, &size))
        return FILE_KIND_ZIP;
    if (is_torch_member(name, size))
        return FILE_KIND_TORCH;
    size_t left = (size_t)(bytes + length - name);
    if (size == sizeof metadata - 1 && memcmp(name, metadata, size) == 0 &&
        memmem(name, left < LOOKED_AT ? left : LOOKED_AT, key, sizeof key - 1) != NULL)
        return FILE_KIND_KERAS;
    return FILE_KIND_ZIP;
}

/* ---- text ---- */

/* Passes over blanks and comments. */
static void skip(BytesReader *reader) {
    while (reader->at < reader->end) {
        if (*reader->at == '#') {
            const char *line = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
            reader->at = line == NULL ? reader->end : line;
        } else if (isspace((unsigned char)*reader->at)) {
            reader->at++;
        } else {
            return;
        }
    }
}

static char next_byte(BytesReader *reader) {
    skip(reader);
    return reader->at < reader->end ? *reader->at : '\0';
}

static size_t word_length(const BytesReader *reader) {
    const char *at = reader->at;
    while (at < reader->end && (isalnum((unsigned char)*at) || *at == '_'))
        at++;
    return (size_t)(at - reader->at);
}

/* Passes over the word, if it is the next. */
static bool take_word(BytesReader *reader, const char *word) {
    skip(reader);
    size_t length = strlen(word);
    if (word_length(reader) != length || memcmp(reader->at, word, length) != 0)
        return false;
    reader->at += length;
    return true;
}

/* Passes over a name; the byte behind it. */
static char take_name(BytesReader *reader) {
    skip(reader);
    size_t length = word_length(reader);
    reader->at += length;
    return length == 0 ? '\0' : next_byte(reader);
}

/* kernel NAME( and the role of a parameter, or program NAME for TARGET. */
static bool is_kernels(BytesReader reader) {
    BytesReader program = reader;
    if (take_word(&program, "program"))
        return take_name(&program) != '\0' && take_word(&program, "for");
    if (!take_word(&reader, "kernel") || take_name(&reader) != '(')
        return false;
    reader.at++;
    for (int role = 0; role < PARAMETER_ROLE_COUNT; role++)
        if (take_word(&reader, parameter_role_name((ParameterRole)role)))
            return true;
    return next_byte(&reader) == ')';
}

/* graph NAME { and a line of it. */
static bool is_graph(BytesReader reader) {
    if (!take_word(&reader, "graph") || take_name(&reader) != '{')
        return false;
    reader.at++;
    if (next_byte(&reader) == '%')
        return true;
    BytesReader line = reader;
    return (take_word(&line, "input") && next_byte(&line) == '%') ||
           (take_word(&reader, "weight") && next_byte(&reader) == '@') ||
           take_word(&reader, "output");
}

static FileKind text_kind(const char *bytes, size_t length) {
    BytesReader reader = {bytes, bytes + length};
    if (holds_bytes(bytes, length, 0, "\xef\xbb\xbf")) /* a byte order mark */
        reader.at += 3;
    if (next_byte(&reader) == '{') {
        reader.at++;
        char next = next_byte(&reader);
        return next == '"' || next == '}' ? FILE_KIND_JSON : FILE_KIND_UNKNOWN;
    }
    if (is_graph(reader))
        return FILE_KIND_IR;
    if (is_kernels(reader))
        return FILE_KIND_KERNELS;
    if (take_word(&reader, "import"))
        return next_byte(&reader) == '"' ? FILE_KIND_SPEC : FILE_KIND_UNKNOWN;
    if (!take_word(&reader, "network") && !take_word(&reader, "unit"))
        return FILE_KIND_UNKNOWN;
    char next = take_name(&reader);
    return next == '(' || next == '{' ? FILE_KIND_SPEC : FILE_KIND_UNKNOWN;
}

FileKind file_kind(const void *bytes, size_t length) {
    if (length == 0)
        return FILE_KIND_UNKNOWN;
    if (is_safetensors(bytes, length)) /* its length may look like a magic number */
        return FILE_KIND_SAFETENSORS;
    FileKind kind = find_magic(bytes, length);
    if (kind == FILE_KIND_ZIP)
        return archive_kind(bytes, length);
    if (kind == FILE_KIND_UNKNOWN)
        kind = versioned_kind(bytes, length);
    if (kind != FILE_KIND_UNKNOWN)
        return kind;
    if (is_tensorflow_graph(bytes, length))
        return FILE_KIND_TENSORFLOW;
    if (is_paddle(bytes, length))
        return FILE_KIND_PADDLE;
    return is_onnx(bytes, length) ? FILE_KIND_ONNX : text_kind(bytes, length);
}

bool file_is_wanted(const char *path, const void *bytes, size_t length, const WantedFile *wanted,
    Diagnostics *diagnostics) {
    FileKind kind = file_kind(bytes, length);
    bool fits = kind == FILE_KIND_UNKNOWN;
    for (size_t i = 0; i < sizeof wanted->kinds / sizeof wanted->kinds[0]; i++)
        fits = fits || kind == wanted->kinds[i];
    if (!fits)
        diagnostics_error(diagnostics, rows[kind].hint, "'%s' is %s, not %s", path, rows[kind].name,
            wanted->what);
    return fits;
}
