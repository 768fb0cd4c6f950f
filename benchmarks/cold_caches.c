/* What a machine's caches keep while it sleeps: cc -O1 -o cold benchmarks/cold_caches.c && ./cold
 *
 * Follows pointers through a ring that fits into the caches, at once again and after sleeps, and
 * prints nanoseconds of CPU a step; beside it a loop that touches no memory, for the clock rate. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 64, ROUNDS = 40, SUMS = 250000 };

static volatile size_t sink;

static double cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* One pointer in each line of memory, all in one ring of random order. */
static size_t *ring_of(size_t lines) {
    size_t *ring = aligned_alloc(LINE, lines * LINE), *order = malloc(lines * sizeof *order);
    size_t step = LINE / sizeof *ring;
    for (size_t i = 0; i < lines; i++) order[i] = i;
    for (size_t i = lines - 1; i > 0; i--) {
        size_t other = (size_t)rand() % (i + 1), kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    for (size_t i = 0; i < lines; i++) ring[order[i] * step] = order[(i + 1) % lines] * step;
    free(order);
    return ring;
}

static double follow(const size_t *ring, size_t lines) {
    double begun = cpu_ns();
    size_t at = 0;
    for (size_t i = 0; i < lines; i++) at = ring[at];
    sink = at;
    return (cpu_ns() - begun) / (double)lines;
}

static double add(void) {
    double begun = cpu_ns();
    unsigned sum = 1;
    for (int i = 0; i < SUMS; i++) sum = sum * 1664525u + 1013904223u;
    sink = sum;
    return (cpu_ns() - begun) / SUMS;
}

int main(void) {
    const unsigned sleeps_ms[] = {0, 5, 20, 50};
    const size_t kilobytes[] = {16, 256};
    for (size_t s = 0; s < 4; s++) {
        printf("after %2u ms:", sleeps_ms[s]);
        for (size_t k = 0; k < 2; k++) {
            size_t lines = kilobytes[k] * 1024 / LINE;
            size_t *ring = ring_of(lines);
            double all = 0;
            follow(ring, lines);
            for (int round = 0; round < ROUNDS; round++) {
                if (sleeps_ms[s]) usleep(sleeps_ms[s] * 1000);
                all += follow(ring, lines);
            }
            printf("  %5.1f ns a step in %3zu KB", all / ROUNDS, kilobytes[k]);
            free(ring);
        }
        double sums = 0;
        for (int round = 0; round < ROUNDS; round++) {
            if (sleeps_ms[s]) usleep(sleeps_ms[s] * 1000);
            sums += add();
        }
        printf("  %4.2f ns a sum\n", sums / ROUNDS);
    }
    return 0;
}
