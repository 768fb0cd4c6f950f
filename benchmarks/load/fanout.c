#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "modes.h"
#include "net.h"
#include "posters.h"
#include "process.h"
#include "streams.h"

static const struct options *options;
static uint32_t wanted;
static uint64_t begun, latest;

static uint64_t due(uint32_t number) {
    return options->rate > 0 ? begun + (uint64_t)(number * (double)SECOND / options->rate) : begun;
}

static int post_what_is_due(void) {
    while (posts.sent < wanted && due(posts.sent) <= now()) {
        uint64_t late = now() - due(posts.sent);
        if (!posters_send()) break;
        if (late > latest) latest = late;
    }
    if (posts.sent == wanted) return -1;
    uint64_t at = now(), next = due(posts.sent);
    return next > at ? (int)((next - at) / 1000000) : 1;
}

static bool all_answered(void) { return posts.sent == wanted && posters_quiet(); }
static bool all_received(void) { return ledger.deliveries >= ledger_expected(&ledger); }

static void post_all(void) {
    begun = now();
    uint64_t limit = begun + (uint64_t)((options->seconds + options->drain) * SECOND);
    net_run(all_answered, post_what_is_due, limit);
    net_run(all_received, NULL, now() + (uint64_t)(options->drain * SECOND));
}

static void print_deliveries(uint64_t server_cpu_us, uint64_t own_us, double seconds) {
    double each = ledger.deliveries ? (double)ledger.deliveries : 1;
    printf("\"posts\":%u,\"answered\":%u,\"refused\":%u,\"broken\":%u,\"bad_status\":%d,"
           "\"deliveries\":%" PRIu64 ",\"expected\":%" PRIu64 ",\"lost\":%" PRIu64
           ",\"doubled\":%" PRIu64 ",\"reordered\":%" PRIu64 ",\"strangers\":%" PRIu64
           ",\"identified\":%" PRIu64 ",\"resets\":%" PRIu64 ",\"dropped\":%d,",
           posts.sent, posts.answered, posts.refused, posts.broken, posts.last_bad_status,
           ledger.deliveries, ledger_expected(&ledger), ledger_lost(&ledger), ledger.doubled,
           ledger.reordered, ledger.strangers, ledger.identified, streams.resets, streams.dropped);
    printf("\"seconds\":%.3f,\"deliveries_per_second\":%.0f,\"cpu_us_per_delivery\":%.2f,"
           "\"generator_us_per_delivery\":%.2f,\"late_ms\":%.1f,\"bytes_per_delivery\":%.0f,",
           seconds, each / seconds, (double)server_cpu_us / each, (double)own_us / each,
           (double)latest / 1e6, (double)streams.bytes / each);
}

void fanout(const struct options *o) {
    options = o;
    wanted = (uint32_t)(o->rate > 0 ? o->rate * o->seconds : o->burst);
    ledger_start(&ledger, (uint32_t)o->streams, wanted);
    posters_start(o, "POST", o->post_path);
    streams_open(o, 60);
    print_opening(o);
    net_run(NULL, NULL, now() + SECOND);
    streams.bytes = 0;
    struct usage before = usage_of(o->pids, o->pid_count);
    post_all();
    struct usage after = usage_of(o->pids, o->pid_count);
    double seconds = (double)(streams.last_delivery - begun) / SECOND;
    print_deliveries(after.cpu_us - before.cpu_us, after.own_us - before.own_us, ledger.deliveries ? seconds : 1);
    usage_print_others(before, after);
    samples_print(&streams.latencies, "latency_ms");
    samples_print(&posts.times, "post_ms");
}
