/* The server's own accounting, read from /proc. */
#pragma once
#include <stdint.h>

struct usage { uint64_t cpu_us, pss_kb, rss_kb; };

struct usage usage_of(const int *pids, int count);
uint64_t own_cpu_us(void);
