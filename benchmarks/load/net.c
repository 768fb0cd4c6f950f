#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

static int poller;

void net_start(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    poller = epoll_create1(0);
}

bool net_connect(struct connection *c) {
    int one = 1;
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr_in server = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)c->port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) return false;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) {
        net_close(c);
        return false;
    }
    /* Writable once: that is how a connection under way reports that it is made. */
    struct epoll_event wanted = {.events = EPOLLOUT | EPOLLONESHOT, .data.ptr = c};
    return epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &wanted) == 0;
}

bool net_send(struct connection *c, const char *bytes, size_t length) {
    /* A request is a few KB into an empty buffer: a short write means that it is broken. */
    if (send(c->fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) return false;
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = c};
    return epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &wanted) == 0;
}

void net_close(struct connection *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

static int wait_ms(int wanted, uint64_t deadline) {
    uint64_t at = now();
    uint64_t left = at < deadline ? (deadline - at) / 1000000 + 1 : 0;
    return wanted >= 0 && (uint64_t)wanted < left ? wanted : (int)(left < 100 ? left : 100);
}

bool net_run(bool (*done)(void), int (*tick)(void), uint64_t deadline) {
    struct epoll_event ready[256];
    while (!done || !done()) {
        if (now() >= deadline) return false;
        int wanted = tick ? tick() : -1;
        int count = epoll_wait(poller, ready, 256, wait_ms(wanted, deadline));
        for (int i = 0; i < count; i++) {
            struct connection *c = ready[i].data.ptr;
            if (c->fd >= 0) c->on_ready(c);
        }
    }
    return true;
}
