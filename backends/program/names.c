/* Names in the C code that users see: members of structs, and macros. */
#include "backends/program/names.h"
#include "ir/arena.h"
#include "ir/graph.h"

#include <ctype.h>
#include <string.h>

/* Words that cannot name a struct member in C99 to C23, in C++17 to C++20, or with gcc's predefined
 * macros; such a name gets an underscore. */
static const char *const reserved_words[] = {"alignas", "alignof", "and", "and_eq", "asm", "auto",
    "bitand", "bitor", "bool", "break", "case", "catch", "char", "char16_t", "char32_t", "char8_t",
    "class", "co_await", "co_return", "co_yield", "compl", "concept", "const", "const_cast",
    "consteval", "constexpr", "constinit", "continue", "decltype", "default", "delete", "do",
    "double", "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float",
    "for", "friend", "goto", "i386", "if", "inline", "int", "linux", "long", "mutable", "namespace",
    "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or", "or_eq", "private",
    "protected", "public", "register", "reinterpret_cast", "requires", "restrict", "return",
    "short", "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch",
    "template", "this", "thread_local", "throw", "true", "try", "typedef", "typeid", "typename",
    "typeof", "typeof_unqual", "union", "unix", "unsigned", "using", "virtual", "void", "volatile",
    "wchar_t", "while", "xor", "xor_eq", "weights", "row_bytes"}; /* members of NAME_inputs */

const char *upper_case(Arena *arena, const char *word) {
    char *copy = arena_copy_string(arena, word);
    for (char *at = copy; *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
    return copy;
}

static bool is_reserved(const char *word) {
    for (size_t i = 0; i < sizeof reserved_words / sizeof reserved_words[0]; i++) {
        if (strcmp(reserved_words[i], word) == 0)
            return true;
    }
    return false;
}

/* Names differ in upper case too, since the macros must. */
static bool is_taken(const TensorName *names, int count, const char *macro) {
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i].macro, macro) == 0)
            return true;
    }
    return false;
}

/* `upper`: the network's name in upper case. */
static void name_tensor(
    TensorName *names, int index, const char *name, bool output, const char *upper, Arena *arena) {
    const char *fallback = output ? "output" : "input", *kind = output ? "OUTPUT" : "INPUT";
    char *member = arena_copy_string(arena, name == NULL || *name == '\0' ? fallback : name);
    for (char *at = member; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at))
            *at = '_';
    }
    if (isdigit((unsigned char)member[0]) || is_reserved(member))
        member = arena_format(arena, isdigit((unsigned char)member[0]) ? "t%s" : "%s_", member);
    const char *stem = member;
    for (int i = 2;; i++) {
        const char *macro = arena_format(arena, "%s_%s_%s", upper, kind, upper_case(arena, member));
        if (!is_taken(names, index, macro)) {
            names[index].member = member;
            names[index].macro = macro;
            return;
        }
        member = arena_format(arena, "%s_%d", stem, i);
    }
}

TensorName *tensor_names(const Graph *graph, bool of_outputs, Arena *arena) {
    int count = of_outputs ? graph->output_count : graph->input_count;
    TensorName *names = ARENA_ARRAY(arena, TensorName, count + 1);
    const char *upper = upper_case(arena, graph->name);
    for (int i = 0; i < count; i++)
        name_tensor(names, i, of_outputs ? graph->outputs[i].name : graph->inputs[i].value->name,
            of_outputs, upper, arena);
    return names;
}

const char **header_members(const Graph *graph, bool of_outputs, Arena *arena) {
    const TensorName *names = tensor_names(graph, of_outputs, arena);
    int count = of_outputs ? graph->output_count : graph->input_count;
    const char **members = ARENA_ARRAY(arena, const char *, count + 1);
    for (int i = 0; i < count; i++)
        members[i] = names[i].member;
    return members;
}
