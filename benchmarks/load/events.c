#include "events.h"

#include <stdlib.h>
#include <string.h>

/* One past the empty line that ends the first event; NULL while there is none. */
static const char *end_of_event(const char *bytes, const char *end) {
    const char *at = bytes;
    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        at++;
        if (at < end && *at == '\n') return at + 1;
        if (at + 1 < end && at[0] == '\r' && at[1] == '\n') return at + 2;
    }
    return NULL;
}

static const char *deliver_whole(const char *bytes, const char *end, event_seen seen,
                                 void *context) {
    const char *next;
    while ((next = end_of_event(bytes, end))) {
        seen(context, bytes, (size_t)(next - bytes));
        bytes = next;
    }
    return bytes;
}

static void keep(struct splitter *s, const char *bytes, size_t length) {
    if (s->length + length > s->room) {
        s->room = (s->length + length) * 2;
        s->carry = realloc(s->carry, s->room);
        if (!s->carry) abort();
    }
    memcpy(s->carry + s->length, bytes, length);
    s->length += length;
}

void splitter_feed(struct splitter *s, const char *bytes, size_t length, event_seen seen,
                   void *context) {
    const char *rest;
    if (!s->length) {
        rest = deliver_whole(bytes, bytes + length, seen, context);
        if (rest < bytes + length) keep(s, rest, (size_t)(bytes + length - rest));
        return;
    }
    keep(s, bytes, length);
    rest = deliver_whole(s->carry, s->carry + s->length, seen, context);
    s->length = (size_t)(s->carry + s->length - rest);
    memmove(s->carry, rest, s->length);
}
