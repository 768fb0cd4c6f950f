/* Cuts a stream's body into events: they end with an empty line, wherever the reads fell. */
#pragma once
#include <stddef.h>

struct splitter { char *carry; size_t length, room; };

typedef void (*event_seen)(void *context, const char *event, size_t length);

void splitter_feed(struct splitter *, const char *bytes, size_t length, event_seen, void *context);
