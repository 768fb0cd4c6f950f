/* The load generator of scripts/bench: see docs/PERFORMANCE.md. One JSON object on stdout. */
#include <stdio.h>
#include <string.h>

#include "modes.h"
#include "net.h"
#include "process.h"

static const struct { const char *name; void (*run)(const struct options *); } modes[] = {
    {"fanout", fanout}, {"opens", opens}, {"idle", idle}, {"requests", requests},
};

int main(int argc, char **argv) {
    struct options o = options_parse(argc, argv);
    net_start();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(o.mode, modes[i].name)) continue;
        printf("{\"mode\":\"%s\",", o.mode);
        modes[i].run(&o);
        printf("\"generator_cpu_ms\":%.1f}\n", (double)own_cpu_us() / 1000);
        return 0;
    }
    fprintf(stderr, "load: no such mode: %s\n", o.mode);
    return 2;
}
