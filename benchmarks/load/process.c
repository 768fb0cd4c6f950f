#include "process.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

static uint64_t ticks_us(unsigned long ticks) {
    return ticks * 1000000ull / (uint64_t)sysconf(_SC_CLK_TCK);
}

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
    return ticks_us(user + system);
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

static uint64_t busy_us(void) {
    unsigned long user = 0, nice = 0, system = 0, irq = 0, softirq = 0, steal = 0;
    FILE *file = fopen("/proc/stat", "r");
    if (!file) return 0;
    if (fscanf(file, "cpu %lu %lu %lu %*u %*u %lu %lu %lu", &user, &nice, &system, &irq, &softirq,
               &steal) < 3)
        user = 0;
    fclose(file);
    return ticks_us(user + nice + system + irq + softirq + steal);
}

struct usage usage_of(const int *pids, int count) {
    struct usage u = {.at = now(), .busy_us = busy_us(), .own_us = own_cpu_us()};
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

void usage_print_others(struct usage before, struct usage after) {
    double whole = (double)(after.at - before.at) / 1000 * (double)sysconf(_SC_NPROCESSORS_ONLN);
    double ours = (double)(after.cpu_us - before.cpu_us) + (double)(after.own_us - before.own_us);
    double others = (double)(after.busy_us - before.busy_us) - ours;
    printf("\"others_percent\":%.1f,", others > 0 ? others / whole * 100 : 0);
}
