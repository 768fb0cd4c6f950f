#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "modes.h"
#include "net.h"
#include "process.h"
#include "streams.h"

void print_opening(const struct options *o) {
    double seconds = (double)(streams.last_live - streams.begun) / SECOND;
    size_t opened = streams.open_times.count;
    printf("\"streams\":%d,\"opened\":%zu,\"failed\":%d,\"bad_status\":%d,\"opened_per_second\":%.0f,",
           o->streams, opened, streams.failed, streams.last_bad_status,
           opened ? (double)opened / seconds : 0);
    samples_print(&streams.open_times, "open_ms");
}

void opens(const struct options *o) {
    struct usage before = usage_of(o->pids, o->pid_count);
    streams_open(o, o->seconds);
    struct usage after = usage_of(o->pids, o->pid_count);
    double each = streams.open_times.count ? (double)streams.open_times.count : 1;
    print_opening(o);
    usage_print_others(before, after);
    printf("\"cpu_us_per_open\":%.1f,\"dropped\":%d,",
           (double)(after.cpu_us - before.cpu_us) / each, streams.dropped);
}

void idle(const struct options *o) {
    struct usage before = usage_of(o->pids, o->pid_count);
    streams_open(o, 60);
    print_opening(o);
    net_run(NULL, NULL, now() + 3 * SECOND);
    struct usage settled = usage_of(o->pids, o->pid_count);
    streams.bytes = streams.pings = 0;
    net_run(NULL, NULL, now() + (uint64_t)(o->seconds * SECOND));
    struct usage after = usage_of(o->pids, o->pid_count);
    double live = streams.live ? streams.live : 1, minutes = o->seconds / 60;
    usage_print_others(settled, after);
    printf("\"live\":%d,\"dropped\":%d,\"pss_kb_per_stream\":%.2f,\"rss_kb_per_stream\":%.2f,",
           streams.live, streams.dropped, ((double)settled.pss_kb - (double)before.pss_kb) / live,
           ((double)settled.rss_kb - (double)before.rss_kb) / live);
    printf("\"bytes_per_stream_minute\":%.1f,\"pings_per_stream_minute\":%.2f,"
           "\"cpu_ms_per_minute\":%.1f,",
           (double)streams.bytes / live / minutes, (double)streams.pings / live / minutes,
           (double)(after.cpu_us - settled.cpu_us) / 1000 / minutes);
}
