/* The physical limit: GET is a stream, POST is sent to every stream by a bare send() loop.
   No parsing worth the name, no log, no access check. `send_loop PORT [lose|double|swap]`: the
   fault is for the load generator's own check, which must notice it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM 65536

struct client { int fd; int place; size_t length; char *bytes; };   /* place: in streams, or -1 */

static struct client *streams[65536];
static int stream_count, poller;
static const char *fault = "";
static unsigned posts;

static void leave(struct client *c) {
    if (c->place >= 0) {
        streams[c->place] = streams[--stream_count];
        streams[c->place]->place = c->place;
    }
    close(c->fd);
    free(c->bytes);
    free(c);
}

static void say(int fd, const char *text) { (void)!send(fd, text, strlen(text), MSG_NOSIGNAL); }

static void join(struct client *c) {
    c->place = stream_count;
    streams[stream_count++] = c;
    say(c->fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
               "Transfer-Encoding: chunked\r\n\r\n6\r\n: hi\n\n\r\n");
}

/* Waits for a socket that is full: nobody else is served meanwhile, which is the limit's business. */
static void send_whole(int fd, const char *frame, size_t length) {
    while (length) {
        ssize_t sent = send(fd, frame, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return;
        if (sent > 0) frame += sent, length -= (size_t)sent;
        else poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
    }
}

static void send_to(const char *frame, size_t length, int first, int step) {
    for (int i = first; i < stream_count; i += step) send_whole(streams[i]->fd, frame, length);
}

static size_t frame_of(char *frame, const char *body, size_t length) {
    int head = sprintf(frame, "%zx\r\ndata: ", length + 8);
    memcpy(frame + head, body, length);
    memcpy(frame + head + length, "\n\n\r\n", 4);
    return (size_t)head + length + 4;
}

/* Every tenth post is lost, doubled, or held back on every second stream until the next one. */
static bool misdeliver(const char *frame, size_t length) {
    static char held[ROOM + 64];
    static size_t held_length;
    bool chosen = *fault && ++posts % 10 == 0;
    if (held_length) {
        send_to(frame, length, 0, 1);
        send_to(held, held_length, 1, 2);
        held_length = 0;
        return true;
    }
    if (!chosen) return false;
    if (!strcmp(fault, "double")) send_to(frame, length, 0, 1);
    if (!strcmp(fault, "swap")) {
        send_to(frame, length, 0, 2);
        memcpy(held, frame, held_length = length);
    }
    return !strcmp(fault, "lose") || !strcmp(fault, "swap");
}

static void publish(const char *body, size_t length) {
    static char frame[ROOM + 64];
    size_t size = frame_of(frame, body, length);
    if (!misdeliver(frame, size)) send_to(frame, size, 0, 1);
}

/* Answer one request, once it is whole. */
static void serve(struct client *c) {
    c->bytes[c->length] = 0;
    char *end = strstr(c->bytes, "\r\n\r\n"), *field = strcasestr(c->bytes, "content-length:");
    if (!end) return;
    size_t body = (size_t)(end + 4 - c->bytes), length = field ? strtoul(field + 15, NULL, 10) : 0;
    if (c->length < body + length) return;
    if (!strncmp(c->bytes, "GET /alive", 10)) say(c->fd, "HTTP/1.1 204 No Content\r\n\r\n");
    else if (!strncmp(c->bytes, "POST", 4)) {
        publish(c->bytes + body, length);
        say(c->fd, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    } else join(c);
    c->length = 0;
}

static void on_ready(struct client *c) {
    ssize_t length = recv(c->fd, c->bytes + c->length, ROOM - 1 - c->length, 0);
    if (length <= 0) return leave(c);
    c->length += (size_t)length;
    serve(c);
}

static void accept_all(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct client *c = calloc(1, sizeof *c);
        *c = (struct client){.fd = fd, .place = -1, .bytes = malloc(ROOM)};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted);
    }
}

static int listen_on(int port) {
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) exit(1);
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted);
    return fd;
}

int main(int argc, char **argv) {
    struct rlimit limit;
    struct epoll_event ready[256];
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (argc > 2) fault = argv[2];
    poller = epoll_create1(0);
    int listener = listen_on(argc > 1 ? atoi(argv[1]) : 0);
    for (;;) {
        int count = epoll_wait(poller, ready, 256, -1);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr) on_ready(ready[i].data.ptr);
            else accept_all(listener);
        }
    }
}
