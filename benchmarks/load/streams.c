#define _GNU_SOURCE
#include "streams.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "events.h"
#include "http.h"
#include "marker.h"
#include "net.h"

enum state { CONNECTING, ASKED, LIVE, ENDED };

struct stream {
    struct connection connection;     /* first: on_ready gets a pointer to it */
    enum state state;
    uint32_t index;
    uint64_t begun, received;
    struct response response;
    struct splitter splitter;
};

struct stream_counts streams;
struct ledger ledger;
static const struct options *options;
static struct stream *all;
static int next;

static void end_stream(struct stream *s) {
    if (s->state == LIVE) streams.live--, streams.dropped++;
    else streams.opening--, streams.failed++;
    if (s->response.in_body && s->response.status != 200)
        streams.last_bad_status = s->response.status;
    s->state = ENDED;
    net_close(&s->connection);
}

static void become_live(struct stream *s) {
    s->state = LIVE;
    streams.opening--, streams.live++;
    streams.last_live = s->received;
    samples_add(&streams.open_times, s->received - s->begun);
    if (options->close) net_close(&s->connection);
}

static bool starts(const char *event, size_t length, const char *with) {
    return length >= strlen(with) && !memcmp(event, with, strlen(with));
}

/* The number after the last '-' of an `id:` line, or 0: other servers' ids mean something else. */
static uint64_t position_in(const char *event, size_t length) {
    const char *id = memmem(event, length < 64 ? length : 64, "id:", 3);
    const char *end = id ? memchr(id, '\n', (size_t)(event + length - id)) : NULL;
    const char *dash = end ? memrchr(id, '-', (size_t)(end - id)) : NULL;
    return dash ? strtoull(dash + 1, NULL, 10) : 0;
}

static void on_event(void *context, const char *event, size_t length) {
    struct stream *s = context;
    uint32_t number;
    uint64_t sent;
    if (starts(event, length, "event: ping")) streams.pings++;
    else if (starts(event, length, "event: reset")) streams.resets++;
    else if (marker_find(event, length, &number, &sent) &&
             ledger_receive(&ledger, s->index, number, position_in(event, length))) {
        streams.last_delivery = s->received;
        samples_add(&streams.latencies, s->received - sent);
    }
}

static void on_body(void *context, const char *bytes, size_t length) {
    struct stream *s = context;
    if (s->response.status != 200) return;
    if (s->state == ASKED) become_live(s);
    splitter_feed(&s->splitter, bytes, length, on_event, s);
}

static void ask(struct stream *s) {
    char text[4096];
    int length = snprintf(text, sizeof text,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/event-stream\r\n",
                          options->path, s->connection.port);
    if (options->token_count)
        length += snprintf(text + length, sizeof text - (size_t)length, "Authorization: Bearer %s\r\n",
                           options->tokens[s->index % options->token_count]);
    length += snprintf(text + length, sizeof text - (size_t)length, "\r\n");
    s->state = ASKED;
    if (!net_send(&s->connection, text, (size_t)length)) end_stream(s);
}

static void receive(struct stream *s) {
    static char bytes[1 << 18];
    ssize_t length = recv(s->connection.fd, bytes, sizeof bytes, 0);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) return end_stream(s);
    s->received = now();
    streams.bytes += (uint64_t)length;
    response_feed(&s->response, bytes, (size_t)length, on_body, s);
    if (s->connection.fd >= 0 && (s->response.broken || s->response.complete)) end_stream(s);
}

static void on_ready(struct connection *c) {
    struct stream *s = (struct stream *)c;
    if (s->state == CONNECTING) ask(s);
    else receive(s);
}

static void begin(struct stream *s) {
    s->connection.on_ready = on_ready;
    s->connection.port = options_port(options, s->index);
    s->begun = now();
    streams.opening++;
    if (!net_connect(&s->connection)) end_stream(s);
}

static int open_more(void) {
    while (next < options->streams && streams.opening < options->in_flight) {
        all[next].index = (uint32_t)next;
        begin(&all[next++]);
    }
    return -1;
}

static bool all_tried(void) { return next == options->streams && streams.opening == 0; }

void streams_open(const struct options *o, double limit_seconds) {
    options = o;
    all = calloc((size_t)o->streams + 1, sizeof *all);
    streams.begun = now();
    net_run(all_tried, open_more, now() + (uint64_t)(limit_seconds * SECOND));
}
