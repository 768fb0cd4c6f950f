/* The server's own accounting, read from /proc. */
#pragma once
#include <stdint.h>

/* busy_us: of the whole machine; own_us: of the generator. */
struct usage { uint64_t at, cpu_us, busy_us, own_us, pss_kb, rss_kb; };

struct usage usage_of(const int *pids, int count);
uint64_t own_cpu_us(void);
/* The share of the machine that neither the server nor the generator used: whether it was quiet. */
void usage_print_others(struct usage before, struct usage after);
