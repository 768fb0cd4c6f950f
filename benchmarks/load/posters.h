/* Keep-alive connections, each with one request under way at most. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "samples.h"

struct post_counts {
    uint32_t sent, answered, refused, broken;   /* refused: a status other than 2xx */
    int last_bad_status;
    uint64_t first_sent, last_answered;
    struct samples times;
};

extern struct post_counts posts;

void posters_start(const struct options *, const char *method, const char *path);
bool posters_send(void);    /* the next request, on an idle connection; false where all are busy */
bool posters_quiet(void);   /* nothing under way */
