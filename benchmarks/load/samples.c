#include "samples.h"

#include <stdio.h>
#include <stdlib.h>

void samples_add(struct samples *s, uint64_t nanoseconds) {
    if (s->count == s->room) {
        s->room = s->room ? s->room * 2 : 65536;
        s->us = realloc(s->us, s->room * sizeof *s->us);
        if (!s->us) abort();
    }
    s->us[s->count++] = (uint32_t)(nanoseconds / 1000);
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The nearest rank: the smallest sample that at least `share` of them do not exceed. */
static double at(const struct samples *s, double share) {
    if (!s->count) return 0;
    size_t rank = (size_t)(share * (double)s->count + 0.999999);
    return s->us[rank ? rank - 1 : 0] / 1000.0;
}

void samples_print(struct samples *s, const char *name) {
    double sum = 0;
    if (s->count) qsort(s->us, s->count, sizeof *s->us, ascending);
    for (size_t i = 0; i < s->count; i++) sum += s->us[i];
    printf("\"%s\":{\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f,\"mean\":%.3f,\"count\":%zu},",
           name, at(s, .5), at(s, .9), at(s, .99), at(s, 1),
           s->count ? sum / (double)s->count / 1000 : 0, s->count);
}
