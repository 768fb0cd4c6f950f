/* What arrived where: lost, doubled, out of order, and how long it took. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct ledger {
    uint32_t posts, streams;
    uint8_t *seen;          /* [stream][post] times received */
    uint8_t *acknowledged;  /* [post] */
    uint32_t *rank;         /* [post] the order in which posts first arrived anywhere, from 1 */
    uint32_t *last_rank;    /* [stream] */
    uint64_t *last_id;      /* [stream] the number after the last '-' of the event's id */
    uint32_t ranked;
    uint64_t deliveries, identified, doubled, reordered, strangers;   /* identified: had an id */
};

void ledger_start(struct ledger *, uint32_t streams, uint32_t posts);
/* A post reached a stream; `id` is 0 where the server gives none. False for a post unknown. */
bool ledger_receive(struct ledger *, uint32_t stream, uint32_t post, uint64_t id);
uint64_t ledger_lost(const struct ledger *);    /* acknowledged, and not received by a stream */
uint64_t ledger_expected(const struct ledger *);
