/* The event loop: one epoll, and connections to 127.0.0.1 that never block. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection {
    int fd;                                   /* -1 while closed */
    int port;                                 /* on 127.0.0.1 */
    void (*on_ready)(struct connection *);    /* connected, readable or broken */
};

void net_start(void);
bool net_connect(struct connection *);        /* under way; on_ready follows */
bool net_send(struct connection *, const char *bytes, size_t length);
void net_close(struct connection *);          /* with a RST: no TIME_WAIT uses up the ports */

/* Run until done() or the deadline (ns); each round begins with tick(), where given, which
   returns how long (ms) it can wait. False when the deadline came first. */
bool net_run(bool (*done)(void), int (*tick)(void), uint64_t deadline);
