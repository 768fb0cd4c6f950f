#include "process.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t cpu_us(int pid) {
    char path[64], text[1024] = "";
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    /* Fields 14 and 15; counted from the ')' since a command's name may hold spaces. */
    char *rest = strrchr(text, ')');
    if (rest) sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    return (user + system) * 1000000ull / (uint64_t)sysconf(_SC_CLK_TCK);
}

static void add_memory(int pid, struct usage *u) {
    char path[64], line[256];
    unsigned long kb;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *file = fopen(path, "r");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "Pss: %lu", &kb) == 1) u->pss_kb += kb;
        if (sscanf(line, "Rss: %lu", &kb) == 1) u->rss_kb += kb;
    }
    fclose(file);
}

struct usage usage_of(const int *pids, int count) {
    struct usage u = {0};
    for (int i = 0; i < count; i++) {
        u.cpu_us += cpu_us(pids[i]);
        add_memory(pids[i], &u);
    }
    return u;
}

uint64_t own_cpu_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}
