/* What a payload carries so that its receipt can be told: `n=00000042;t=00000123456789012345;`.
   Digits, letters and ';' alone: neither JSON, HTML nor markdown changes them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARKER_LENGTH 34    /* n= 8 digits ; t= 20 digits ; */

void marker_write(char *at, uint32_t number, uint64_t time);
/* The first marker in the bytes: an event may well hold its text twice (source and HTML). */
bool marker_find(const char *bytes, size_t length, uint32_t *number, uint64_t *time);
