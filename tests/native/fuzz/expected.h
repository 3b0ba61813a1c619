/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of expected.c write with. */
#ifndef VIPCAST_FUZZ_EXPECTED_H
#define VIPCAST_FUZZ_EXPECTED_H

#include "calls.h"

#include <string.h>

#define SCRATCH (1 << 20)

/* Bytes put together. What does not fit is counted, too, but not kept. */
struct pile {
	size_t size;
	uint8_t bytes[SCRATCH];
};

static inline void add(struct pile *pile, uint64_t value, int width)
{
	while (width-- > 0) {
		if (pile->size < SCRATCH)
			pile->bytes[pile->size] = (uint8_t)(value >> (8 * width));
		pile->size++;
	}
}

static inline void add_bytes(struct pile *pile, const uint8_t *bytes, size_t size)
{
	if (size > 0 && pile->size + size <= SCRATCH)
		memcpy(pile->bytes + pile->size, bytes, size);
	pile->size += size;
}

static inline void add_pile(struct pile *pile, const struct pile *other)
{
	add_bytes(pile, other->bytes, other->size);
}

static inline uint32_t fault(enum bgpwire_error error)
{
	return 1U << -error;
}

/* What is on the paper, how much there may be, and what is wrong. */
struct sheet {
	uint8_t *paper;
	size_t size;
	size_t room;
	uint32_t errors;
};

void note(struct sheet *sheet, const uint8_t *bytes, size_t size);
int wrap(struct pile *message, const struct pile *body, uint8_t type);
void expect_update(const struct arguments *about, struct sheet *sheet);

#endif
