#include <stdio.h>

#include "clock.h"
#include "modes.h"
#include "net.h"
#include "posters.h"
#include "process.h"

static uint64_t stop;

static int send_on_all(void) {
    while (now() < stop && posters_send()) continue;
    return -1;
}

static bool finished(void) { return now() >= stop && posters_quiet(); }

void requests(const struct options *o) {
    struct usage before = usage_of(o->pids, o->pid_count);
    posters_start(o, o->method, o->path);
    stop = now() + (uint64_t)(o->seconds * SECOND);
    net_run(finished, send_on_all, stop + (uint64_t)(o->drain * SECOND));
    struct usage after = usage_of(o->pids, o->pid_count);
    double seconds = (double)(posts.last_answered - posts.first_sent) / SECOND;
    double each = posts.answered ? posts.answered : 1;
    printf("\"answered\":%u,\"refused\":%u,\"broken\":%u,\"bad_status\":%d,"
           "\"requests_per_second\":%.0f,\"cpu_us_per_request\":%.1f,",
           posts.answered, posts.refused, posts.broken, posts.last_bad_status,
           posts.answered / seconds, (double)(after.cpu_us - before.cpu_us) / each);
    usage_print_others(before, after);
    samples_print(&posts.times, "request_ms");
}
