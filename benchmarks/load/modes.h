/* What can be measured; each prints the fields of one JSON object. */
#pragma once
#include "options.h"

void fanout(const struct options *);    /* streams receive what is posted at a rate or in a burst */
void opens(const struct options *);     /* streams opened as fast as they come */
void idle(const struct options *);      /* streams on which nothing happens: memory, bytes, CPU */
void requests(const struct options *);  /* the same request again and again on each connection */

void print_opening(const struct options *);
