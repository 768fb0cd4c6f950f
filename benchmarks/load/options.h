/* What the command line asked for. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define MAX_PIDS 16
#define MAX_PORTS 4

struct options {
    const char *mode;       /* fanout, opens, idle, requests */
    int ports[MAX_PORTS];   /* on 127.0.0.1: of each instance of the server */
    int port_count;
    const char *path;       /* of the stream, or of the request in the mode requests */
    int streams;
    int in_flight;          /* streams being opened at once */
    bool close;             /* opens: close each stream once it is live */
    char **tokens;          /* one bearer a line of --tokens; stream i takes token i modulo count */
    size_t token_count;
    const char *method;     /* requests: GET or POST */
    const char *post_path;
    const char *post_type;  /* Content-Type */
    char *body;             /* with %m where the marker goes */
    int connections;        /* keep-alive connections that post */
    double rate;            /* posts a second; 0: as a burst */
    int burst;              /* posts in the burst */
    double seconds;
    double drain;           /* at most so long for what is still on its way */
    int pids[MAX_PIDS];     /* the server's processes, whose CPU and memory are read */
    int pid_count;
};

/* The instance that the stream or the posting connection of this number talks to. */
int options_port(const struct options *, size_t number);

struct options options_parse(int argc, char **argv);
