/* One clock for everything: CLOCK_MONOTONIC, in nanoseconds. */
#pragma once
#include <stdint.h>
#include <time.h>

#define SECOND 1000000000ull

static inline uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}
