/* Many SSE streams, opened a few at a time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "ledger.h"
#include "options.h"
#include "samples.h"

struct stream_counts {
    int live, opening, failed, dropped;   /* dropped: were live, and ended before we wanted it */
    int last_bad_status;
    uint64_t bytes, pings, resets, begun, last_live, last_delivery;
    struct samples open_times, latencies;
};

extern struct stream_counts streams;
extern struct ledger ledger;

/* Open all of them, or as many as possible by the deadline; each is live at its first byte of body. */
void streams_open(const struct options *, double limit_seconds);
