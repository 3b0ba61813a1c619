/* SPDX-License-Identifier: Apache-2.0 */
/* Prefixes from the caller's array into messages (RFC 4271, section 4.3: length, then as few bytes as hold it). */
#ifndef VIPCAST_BGPWIRE_PREFIXES_H
#define VIPCAST_BGPWIRE_PREFIXES_H

#include <stddef.h>
#include <stdint.h>

/* Prefixes as the caller has them. */
struct source {
	const uint8_t *at;
	size_t left;
	size_t record;	/* bytes of each; 0: as in messages */
	size_t longest; /* bits */
};

/* Some of them: how many bytes they are there, and in a message. */
struct taken {
	size_t size;
	size_t length;
};

/*
 * The next prefixes that fit into so many bytes of a message, in their order. Returns 0, or a bgpwire_error
 * if one of them is no prefix.
 */
int bgpwire_take(const struct source *source, size_t space, struct taken *taken);

/* Writes what was taken; returns where to go on. */
uint8_t *bgpwire_put_prefixes(uint8_t *out, const struct source *source, const struct taken *taken);

#endif
