#include "ledger.h"

#include <stdlib.h>

void ledger_start(struct ledger *l, uint32_t streams, uint32_t posts) {
    *l = (struct ledger){.posts = posts, .streams = streams};
    l->seen = calloc((size_t)streams * posts + 1, 1);
    l->acknowledged = calloc(posts + 1, 1);
    l->rank = calloc(posts + 1, sizeof *l->rank);
    l->last_rank = calloc(streams + 1, sizeof *l->last_rank);
    l->last_id = calloc(streams + 1, sizeof *l->last_id);
}

/* Every stream must see the one order in which the posts first arrived anywhere, and ids that grow. */
static bool in_order(struct ledger *l, uint32_t stream, uint32_t post, uint64_t id) {
    bool right = l->rank[post] > l->last_rank[stream] && (!id || id > l->last_id[stream]);
    l->last_rank[stream] = l->rank[post];
    l->last_id[stream] = id;
    return right;
}

bool ledger_receive(struct ledger *l, uint32_t stream, uint32_t post, uint64_t id) {
    if (post >= l->posts || stream >= l->streams) return l->strangers++, false;
    uint8_t *times = &l->seen[(size_t)stream * l->posts + post];
    l->deliveries++;
    l->identified += id != 0;
    if (*times) return l->doubled++, true;
    *times = 1;
    if (!l->rank[post]) l->rank[post] = ++l->ranked;
    if (!in_order(l, stream, post, id)) l->reordered++;
    return true;
}

uint64_t ledger_lost(const struct ledger *l) {
    uint64_t lost = 0;
    for (uint32_t s = 0; s < l->streams; s++)
        for (uint32_t p = 0; p < l->posts; p++)
            lost += l->acknowledged[p] && !l->seen[(size_t)s * l->posts + p];
    return lost;
}

uint64_t ledger_expected(const struct ledger *l) {
    uint64_t count = 0;
    for (uint32_t p = 0; p < l->posts; p++) count += l->acknowledged[p];
    return count * l->streams;
}
