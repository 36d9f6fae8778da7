#include "ir/uri.h"

#include <ctype.h>
#include <string.h>

void uri_append(Text *uri, const char *path) {
    text_append(uri, path[0] == '/' ? "file://" : "");
    for (; *path != '\0'; path++) {
        bool is_plain = isascii((unsigned char)*path) && isalnum((unsigned char)*path);
        if (is_plain || strchr("-._~/", *path) != NULL)
            text_append_bytes(uri, path, 1);
        else
            text_format(uri, "%%%02X", (unsigned char)*path);
    }
}

static int hex_digit(char c) {
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, tolower((unsigned char)c));
    return at == NULL ? -1 : (int)(at - digits);
}

bool uri_path(const char *uri, Text *path) {
    static const char scheme[] = "file://";
    if (strncmp(uri, scheme, sizeof scheme - 1) != 0)
        return false;
    uri += sizeof scheme - 1;
    if (strncmp(uri, "localhost/", 10) == 0)
        uri += 9;
    if (*uri != '/')
        return false;
    for (; *uri != '\0'; uri++) {
        char byte = *uri;
        if (byte == '%') {
            int high = hex_digit(uri[1]), low = high < 0 ? -1 : hex_digit(uri[2]);
            if (low < 0 || high * 16 + low == 0)
                return false;
            byte = (char)(high * 16 + low);
            uri += 2;
        }
        text_append_bytes(path, &byte, 1);
    }
    return true;
}
