#define _GNU_SOURCE
#include "marker.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void marker_write(char *at, uint32_t number, uint64_t time) {
    char text[MARKER_LENGTH + 1];
    snprintf(text, sizeof text, "n=%08" PRIu32 ";t=%020" PRIu64 ";", number % 100000000, time);
    memcpy(at, text, MARKER_LENGTH);
}

static uint64_t digits(const char *at, int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; i++) value = value * 10 + (uint64_t)(at[i] - '0');
    return value;
}

bool marker_find(const char *bytes, size_t length, uint32_t *number, uint64_t *time) {
    const char *middle = memmem(bytes, length, ";t=", 3);
    if (!middle || middle - bytes < 10 || bytes + length - middle < 24) return false;
    *number = (uint32_t)digits(middle - 8, 8);
    *time = digits(middle + 3, 20);
    return true;
}
