/* The part of HTTP/1.1 that a reader of answers needs: status, length, chunks. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct response {
    char head[4096];        /* until it is complete; then one chunk's size line at a time */
    size_t head_length;
    bool in_body, chunked, complete, broken, closes;
    int status;
    long remaining;         /* of the body or of the chunk; -1: until the connection ends */
    int skip;               /* CR LF after a chunk */
};

typedef void (*body_part)(void *context, const char *bytes, size_t length);

void response_reset(struct response *);
/* Feed what was received; each stretch of the body goes to `part`. */
void response_feed(struct response *, const char *bytes, size_t length, body_part part, void *context);
