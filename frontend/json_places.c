#include "frontend/json.h"

#include <string.h>

typedef struct PlaceWalk {
    const char *text;
    uint32_t length, position;
    Arena *arena;
} PlaceWalk;

static void skip_blanks(PlaceWalk *walk) {
    while (walk->position < walk->length && strchr(" \t\r\n,:", walk->text[walk->position])) {
        walk->position++;
    }
}

static char current(const PlaceWalk *walk) {
    return walk->position < walk->length ? walk->text[walk->position] : '\0';
}

static void skip_string(PlaceWalk *walk) {
    walk->position++;
    while (current(walk) != '"' && current(walk) != '\0') {
        walk->position += current(walk) == '\\' ? 2 : 1;
    }
    walk->position++;
}

static JsonPlace *walk_value(PlaceWalk *walk, int depth);

static bool walk_children(PlaceWalk *walk, JsonPlace *place, char close, int depth) {
    JsonPlace **link = &place->first_child;
    walk->position++;
    for (skip_blanks(walk); current(walk) != close && current(walk) != '\0'; skip_blanks(walk)) {
        uint32_t key_begin = walk->position + 1, key_end = key_begin;
        if (close == '}') {
            skip_string(walk);
            key_end = walk->position - 1;
            skip_blanks(walk);
        }
        JsonPlace *child = walk_value(walk, depth + 1);
        if (!child) {
            return false;
        }
        child->key_begin = key_begin;
        child->key_end = key_end;
        *link = child;
        link = &child->next;
    }
    walk->position++;
    return true;
}

static JsonPlace *walk_value(PlaceWalk *walk, int depth) {
    if (depth > JSON_DEPTH_LIMIT) {
        return NULL;
    }
    skip_blanks(walk);
    JsonPlace *place = ARENA_NEW(walk->arena, JsonPlace);
    place->begin = walk->position;
    char first = current(walk);
    if (first == '{' || first == '[') {
        if (!walk_children(walk, place, first == '{' ? '}' : ']', depth)) {
            return NULL;
        }
    } else if (first == '"') {
        skip_string(walk);
    } else {
        do { /* a number or word; at least one byte, so that the walk ends */
            walk->position++;
        } while (current(walk) != '\0' && !strchr(" \t\r\n,:]}", current(walk)));
    }
    place->end = walk->position < walk->length ? walk->position : walk->length;
    return place;
}

JsonPlace *json_places(const SourceFile *file, Arena *arena) {
    PlaceWalk walk = {file->text, (uint32_t)file->length, 0, arena};
    return walk_value(&walk, 0);
}

const JsonPlace *json_place_member(
    const SourceFile *file, const JsonPlace *place, const char *key) {
    size_t length = strlen(key);
    for (const JsonPlace *child = place->first_child; child; child = child->next) {
        if (child->key_end - child->key_begin == length &&
            memcmp(file->text + child->key_begin, key, length) == 0) {
            return child;
        }
    }
    return place;
}

const JsonPlace *json_place_item(const JsonPlace *place, size_t index) {
    const JsonPlace *child = place->first_child;
    for (size_t i = 0; child && i < index; i++) {
        child = child->next;
    }
    return child ? child : place;
}
