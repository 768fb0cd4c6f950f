/* Durations and their percentiles, every one kept (microseconds, 4 bytes each). */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct samples { uint32_t *us; size_t count, room; };

void samples_add(struct samples *, uint64_t nanoseconds);
void samples_print(struct samples *, const char *name);   /* "name":{"p50":…} in ms; sorts */
