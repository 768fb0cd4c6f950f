#define _GNU_SOURCE
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void response_reset(struct response *r) {
    /* All but the head, whose bytes count only up to head_length. */
    memset((char *)r + sizeof r->head, 0, sizeof *r - sizeof r->head);
}

static void read_head(struct response *r) {
    char *length;
    r->head[r->head_length] = 0;
    if (sscanf(r->head, "HTTP/1.%*d %d", &r->status) != 1) r->broken = true;
    r->chunked = strcasestr(r->head, "\r\ntransfer-encoding: chunked") != NULL;
    r->closes = strcasestr(r->head, "\r\nconnection: close") != NULL;
    length = strcasestr(r->head, "\r\ncontent-length:");
    r->remaining = r->chunked ? 0 : length ? atol(length + 17) : -1;
    r->in_body = true;
    r->head_length = 0;
    if (r->status == 204 || r->status == 304 || r->remaining == 0) r->complete = !r->chunked;
}

/* Collect bytes up to and with `end` into head; how many were used. */
static size_t collect(struct response *r, const char *bytes, size_t length, const char *end,
                      bool *found) {
    size_t used = 0, tail = strlen(end);
    *found = false;
    while (used < length && !*found) {
        if (r->head_length + 1 == sizeof r->head) return r->broken = true, length;
        r->head[r->head_length++] = bytes[used++];
        *found = r->head_length >= tail &&
                 !memcmp(r->head + r->head_length - tail, end, tail);
    }
    return used;
}

static size_t feed_head(struct response *r, const char *bytes, size_t length) {
    bool found;
    size_t used = collect(r, bytes, length, "\r\n\r\n", &found);
    if (found) read_head(r);
    return used;
}

static size_t feed_size(struct response *r, const char *bytes, size_t length) {
    bool found;
    size_t used = collect(r, bytes, length, "\r\n", &found);
    if (!found) return used;
    r->head[r->head_length] = 0;
    r->head_length = 0;
    r->remaining = strtol(r->head, NULL, 16);
    /* The last chunk is followed by an empty line; no server here sends trailers. */
    r->complete = r->remaining == 0;
    r->skip = 2;
    return used;
}

static size_t feed_body(struct response *r, const char *bytes, size_t length, body_part part,
                        void *context) {
    size_t take = r->remaining >= 0 && (size_t)r->remaining < length ? (size_t)r->remaining : length;
    part(context, bytes, take);
    if (r->remaining > 0) r->remaining -= (long)take;
    if (!r->chunked && r->remaining == 0) r->complete = true;
    return take;
}

static size_t feed_skip(struct response *r, size_t length) {
    size_t take = (size_t)r->skip < length ? (size_t)r->skip : length;
    r->skip -= (int)take;
    return take;
}

void response_feed(struct response *r, const char *bytes, size_t length, body_part part,
                   void *context) {
    while (length && !r->broken && (!r->complete || r->skip)) {
        size_t used;
        if (!r->in_body) used = feed_head(r, bytes, length);
        else if (r->remaining) used = feed_body(r, bytes, length, part, context);
        else if (r->skip) used = feed_skip(r, length);
        else used = feed_size(r, bytes, length);
        bytes += used, length -= used;
    }
}
