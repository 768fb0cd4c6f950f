"""Delivery: from the log to every subscriber's socket.

It knows nothing of chat. It is handed entries (a position, a channel, bytes) and brings them,
in order and once, to the subscribers of the channel. Read it in this order:

- ``frames``: an event's bytes on the wire, by the WHATWG standard;
- ``cursor``: what a client has seen, as ``<epoch>-<position>``;
- ``entry``: what is delivered, and what a delivery does to subscriptions;
- ``wire``: writing to a client's socket without waiting for it;
- ``subscriber``: one open stream, its bounded queue and its generator;
- ``writes``: which entries leave together;
- ``hub``: which subscribers a channel has; fan-out, revocation, limits, draining;
- ``body``, ``own_stack``: a stream as a WSGI answer, whose opening leaves no memory behind;
- ``background``: a greenlet beside the requests, which each of the following is;
- ``follower``: reads the log whenever the doorbell rings and hands the hub what is new;
- ``doorbell``, ``outbox``: hearing from other processes through Redis, and telling them;
- ``presence``: which owners have a stream, in any process, told to streams as it changes;
- ``heartbeat``: pings, and the end of streams that are old enough;
- ``pulse``: how late the event loop is, and the line in the log when it stalls.
"""
