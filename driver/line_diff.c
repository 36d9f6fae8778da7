/* TextLines that both texts have stay: the longest common subsequence of what is left when the
 * common beginning and end are off. Where that is too large to search, all of it counts as changed.
 */
#include "driver/line_diff.h"

#include "ir/arena.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { CONTEXT_LINES = 3, MOST_CELLS = 1 << 24 };

typedef struct Line {
    const char *text;
    size_t length;
} Line;

typedef struct TextLines {
    Line *items;
    size_t count;
} TextLines;

static TextLines lines_of(const char *text, Arena *arena) {
    TextLines lines = {0};
    size_t capacity = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        ARENA_GROW(arena, lines.items, lines.count, capacity, 64);
        lines.items[lines.count++] = (Line){text, length};
        text += length + (text[length] == '\n');
    }
    return lines;
}

static bool equal(Line a, Line b) {
    return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

/* A line of the result: '-', '+' or ' ', and how many lines of each text come before it. */
typedef struct DiffLine {
    char sign;
    Line line;
    size_t before, after;
} DiffLine;

typedef struct DiffLines {
    DiffLine *items;
    size_t count, before, after;
} DiffLines;

static void add(DiffLines *entries, char sign, Line line) {
    entries->items[entries->count++] = (DiffLine){sign, line, entries->before, entries->after};
    entries->before += sign != '+';
    entries->after += sign != '-';
}

/* lengths[i * (m + 1) + k]: of the longest subsequence of a from i and b from k on. */
static uint32_t *common_lengths(const Line *a, size_t n, const Line *b, size_t m, Arena *arena) {
    if ((n + 1) > MOST_CELLS / (m + 1))
        return NULL;
    uint32_t *lengths = ARENA_ARRAY(arena, uint32_t, (n + 1) * (m + 1));
    for (size_t i = n; i-- > 0;) {
        for (size_t k = m; k-- > 0;) {
            uint32_t *cell = &lengths[i * (m + 1) + k];
            uint32_t down = cell[m + 1], right = cell[1];
            *cell = equal(a[i], b[k]) ? cell[m + 2] + 1 : down > right ? down : right;
        }
    }
    return lengths;
}

static void add_middle(
    DiffLines *entries, const Line *a, size_t n, const Line *b, size_t m, Arena *arena) {
    const uint32_t *lengths = common_lengths(a, n, b, m, arena);
    size_t i = 0, k = 0;
    while (i < n || k < m) {
        const uint32_t *cell = lengths != NULL ? &lengths[i * (m + 1) + k] : NULL;
        if (cell != NULL && i < n && k < m && equal(a[i], b[k])) {
            add(entries, ' ', a[i]);
            i++;
            k++;
        } else if (i < n && (k == m || cell == NULL || cell[m + 1] >= cell[1])) {
            add(entries, '-', a[i++]);
        } else {
            add(entries, '+', b[k++]);
        }
    }
}

static DiffLines compare(TextLines a, TextLines b, Arena *arena) {
    DiffLines entries = {.items = ARENA_ARRAY(arena, DiffLine, a.count + b.count + 1)};
    size_t first = 0, last = 0;
    while (first < a.count && first < b.count && equal(a.items[first], b.items[first]))
        first++;
    while (last < a.count - first && last < b.count - first &&
           equal(a.items[a.count - 1 - last], b.items[b.count - 1 - last]))
        last++;
    for (size_t i = 0; i < first; i++)
        add(&entries, ' ', a.items[i]);
    add_middle(&entries, a.items + first, a.count - first - last, b.items + first,
        b.count - first - last, arena);
    for (size_t i = a.count - last; i < a.count; i++)
        add(&entries, ' ', a.items[i]);
    return entries;
}

/* From the entry on: behind the last change before 2 * CONTEXT_LINES equal lines or the end. */
static size_t hunk_end(const DiffLines *entries, size_t begin) {
    size_t end = begin, equal_lines = 0;
    for (size_t i = begin; i < entries->count && equal_lines <= 2 * CONTEXT_LINES; i++) {
        bool changed = entries->items[i].sign != ' ';
        equal_lines = changed ? 0 : equal_lines + 1;
        end = changed ? i + 1 : end;
    }
    return end;
}

static void print_hunk(const DiffLines *entries, size_t first, size_t end, Text *text) {
    size_t begin = first < CONTEXT_LINES ? 0 : first - CONTEXT_LINES;
    size_t stop = entries->count - end < CONTEXT_LINES ? entries->count : end + CONTEXT_LINES;
    size_t removed = 0, added = 0;
    for (size_t i = begin; i < stop; i++) {
        removed += entries->items[i].sign != '+';
        added += entries->items[i].sign != '-';
    }
    const DiffLine *at = &entries->items[begin];
    text_format(text, "@@ -%zu,%zu +%zu,%zu @@\n", at->before + (removed > 0), removed,
        at->after + (added > 0), added);
    for (size_t i = begin; i < stop; i++) {
        const DiffLine *entry = &entries->items[i];
        text_format(text, "%c%.*s\n", entry->sign, (int)entry->line.length, entry->line.text);
    }
}

void line_diff_print(const char *before, const char *after, Text *text) {
    Arena *arena = arena_create();
    DiffLines entries = compare(lines_of(before, arena), lines_of(after, arena), arena);
    for (size_t i = 0; i < entries.count; i++) {
        if (entries.items[i].sign == ' ')
            continue;
        size_t end = hunk_end(&entries, i);
        print_hunk(&entries, i, end, text);
        i = end - 1;
    }
    arena_destroy(arena);
}
