#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what, const char *which) {
    fprintf(stderr, "load: %s %s\n", what, which);
    exit(2);
}

static char *read_whole(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) fail("cannot read", path);
    char *text = calloc(1, 1 << 20);
    size_t length = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    while (length && text[length - 1] == '\n') text[--length] = 0;
    return text;
}

static void read_tokens(struct options *o, const char *path) {
    char *rest = read_whole(path), *line;
    o->tokens = calloc(100000, sizeof *o->tokens);
    while ((line = strsep(&rest, "\n")) && o->token_count < 100000)
        if (*line) o->tokens[o->token_count++] = line;
}

static void add_pid(struct options *o, const char *value) {
    if (o->pid_count == MAX_PIDS) fail("too many", "--pid");
    o->pids[o->pid_count++] = atoi(value);
}

static void add_port(struct options *o, const char *value) {
    if (o->port_count == MAX_PORTS) fail("too many", "--port");
    o->ports[o->port_count] = atoi(value);
    if (o->ports[o->port_count++] < 1) fail("out of range:", "--port");
}

int options_port(const struct options *o, size_t number) {
    return o->ports[number % (size_t)o->port_count];
}

static bool set_number(struct options *o, const char *name, const char *value) {
    if (!strcmp(name, "--port")) add_port(o, value);
    else if (!strcmp(name, "--streams")) o->streams = atoi(value);
    else if (!strcmp(name, "--in-flight")) o->in_flight = atoi(value);
    else if (!strcmp(name, "--connections")) o->connections = atoi(value);
    else if (!strcmp(name, "--rate")) o->rate = atof(value);
    else if (!strcmp(name, "--burst")) o->burst = atoi(value);
    else if (!strcmp(name, "--seconds")) o->seconds = atof(value);
    else if (!strcmp(name, "--drain")) o->drain = atof(value);
    else if (!strcmp(name, "--close")) o->close = atoi(value);
    else if (!strcmp(name, "--pid")) add_pid(o, value);
    else return false;
    return true;
}

static bool set_text(struct options *o, const char *name, const char *value) {
    if (!strcmp(name, "--path")) o->path = value;
    else if (!strcmp(name, "--method")) o->method = value;
    else if (!strcmp(name, "--post-path")) o->post_path = value;
    else if (!strcmp(name, "--post-type")) o->post_type = value;
    else if (!strcmp(name, "--body")) o->body = read_whole(value);
    else if (!strcmp(name, "--tokens")) read_tokens(o, value);
    else return false;
    return true;
}

struct options options_parse(int argc, char **argv) {
    struct options o = {.path = "/", .streams = 1, .in_flight = 64, .method = "POST",
                        .post_path = "/", .post_type = "application/json",
                        .connections = 4, .seconds = 10, .drain = 15};
    if (argc < 2) fail("usage: load fanout|opens|idle|requests", "--port N [--name value …]");
    o.mode = argv[1];
    for (int i = 2; i < argc; i += 2) {
        if (i + 1 == argc) fail("no value for", argv[i]);
        if (!set_number(&o, argv[i], argv[i + 1]) && !set_text(&o, argv[i], argv[i + 1]))
            fail("unknown option", argv[i]);
    }
    if (o.connections < 1 || o.in_flight < 1 || o.streams < 0 || o.port_count < 1)
        fail("out of range:", "--connections, --in-flight, --streams or --port");
    return o;
}
