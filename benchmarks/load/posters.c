#include "posters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "http.h"
#include "ledger.h"
#include "marker.h"
#include "net.h"

enum state { CLOSED, CONNECTING, BUSY, IDLE };

struct poster {
    struct connection connection;     /* first: on_ready gets a pointer to it */
    enum state state;
    char *request;
    size_t length;
    char *marker;                     /* where in the request; NULL where the body has none */
    uint32_t number;
    uint64_t sent_at;
    struct response response;
};

struct post_counts posts;
extern struct ledger ledger;
static struct poster *all;
static int count, under_way, instances;

static void shut(struct poster *p) {
    net_close(&p->connection);
    p->state = CLOSED;
}

static void give_up(struct poster *p) {
    posts.broken++, under_way--;
    shut(p);
}

static void send_request(struct poster *p) {
    p->sent_at = now();
    if (!posts.first_sent) posts.first_sent = p->sent_at;
    if (p->marker) marker_write(p->marker, p->number, p->sent_at);
    response_reset(&p->response);
    p->state = BUSY;
    if (!net_send(&p->connection, p->request, p->length)) give_up(p);
}

static void answered(struct poster *p) {
    uint64_t at = now();
    bool good = p->response.status >= 200 && p->response.status < 300;
    samples_add(&posts.times, at - p->sent_at);
    posts.last_answered = at;
    under_way--;
    if (good) posts.answered++;
    else posts.refused++, posts.last_bad_status = p->response.status;
    if (good && p->number < ledger.posts) ledger.acknowledged[p->number] = 1;
    p->state = IDLE;
    if (p->response.closes) shut(p);
}

static void ignore_body(void *context, const char *bytes, size_t length) {
    (void)context, (void)bytes, (void)length;
}

static void receive(struct poster *p) {
    static char bytes[1 << 17];
    ssize_t length = recv(p->connection.fd, bytes, sizeof bytes, 0);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0 && p->state == BUSY) return give_up(p);
    if (length <= 0 || p->state == IDLE) return shut(p);
    response_feed(&p->response, bytes, (size_t)length, ignore_body, NULL);
    if (p->response.broken) give_up(p);
    else if (p->response.complete && !p->response.skip) answered(p);
}

static void on_ready(struct connection *c) {
    struct poster *p = (struct poster *)c;
    if (p->state == CONNECTING) send_request(p);
    else receive(p);
}

static void write_request(struct poster *p, const struct options *o, const char *method,
                          const char *path, const char *token) {
    char *body = strdup(o->body && strcmp(method, "GET") ? o->body : "");
    char *place = strstr(body, "%m");
    size_t length = strlen(body) + (place ? MARKER_LENGTH - 2 : 0);
    p->request = malloc(length + 4096);
    int head = snprintf(p->request, 4096, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s%s%s", method,
                        path, p->connection.port, token ? "Authorization: Bearer " : "", token ? token : "",
                        token ? "\r\n" : "");
    if (*body)
        head += snprintf(p->request + head, 512, "Content-Type: %s\r\nContent-Length: %zu\r\n",
                         o->post_type, length);
    head += sprintf(p->request + head, "\r\n");
    size_t before = place ? (size_t)(place - body) : length;
    memcpy(p->request + head, body, before);
    if (place) {
        p->marker = p->request + head + before;
        strcpy(p->marker + MARKER_LENGTH, place + 2);
    }
    p->length = (size_t)head + length;
    free(body);
}

void posters_start(const struct options *o, const char *method, const char *path) {
    count = o->connections;
    instances = o->port_count;
    all = calloc((size_t)count, sizeof *all);
    for (int i = 0; i < count; i++) {
        const char *token = o->token_count ? o->tokens[(size_t)i % o->token_count] : NULL;
        all[i].connection = (struct connection){
            .fd = -1, .port = options_port(o, (size_t)i), .on_ready = on_ready};
        write_request(&all[i], o, method, path, token);
    }
}

static struct poster *first_free(int from, int step) {
    for (int i = from; i < count; i += step)
        if (all[i].state == IDLE) return &all[i];
    for (int i = from; i < count; i += step)
        if (all[i].state == CLOSED) return &all[i];
    return NULL;
}

/* The instances in turn, and another's where all of one's connections are busy. */
static struct poster *free_poster(void) {
    struct poster *p = first_free((int)(posts.sent % (uint32_t)instances), instances);
    return p ? p : first_free(0, 1);
}

bool posters_send(void) {
    struct poster *p = free_poster();
    if (!p) return false;
    p->number = posts.sent++;
    under_way++;
    if (p->state == IDLE) return send_request(p), true;
    p->state = CONNECTING;
    if (!net_connect(&p->connection)) give_up(p);
    return true;
}

bool posters_quiet(void) { return under_way == 0; }
