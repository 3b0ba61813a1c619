/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See bgpwire_prefixes.h. Arrays are sorted, so prefixes of one length stand in a row: their lengths are compared
 * in one loop, and where a row has the form of messages already, it is copied as a whole.
 */
#include "bgpwire_prefixes.h"
#include "bgpwire.h"
#include "bgpwire_put.h"

#define RECORD_IPV4 5

/* Bytes of a prefix in a message. */
static size_t size_of(uint8_t bits)
{
	return 1 + ((size_t)bits + 7) / 8;
}

/* How many of so many prefixes in a row, one at least, are as long as the first; looked at by fours. */
static size_t run_of(const uint8_t *at, size_t stride, size_t count)
{
	const uint8_t first = at[0];
	size_t left = count;

	for (; left >= 4; left -= 4, at += 4 * stride)
		if ((at[0] ^ first) | (at[stride] ^ first) | (at[2 * stride] ^ first) |
		    (at[3 * stride] ^ first))
			break;
	for (; left > 0 && at[0] == first; left--)
		at += stride;
	return count - left;
}

/* Whether in a run any address goes on after the prefix's last bit. */
static int goes_on(const uint8_t *at, size_t stride, size_t count, size_t size)
{
	const uint8_t beyond = at[0] % 8 ? 0xff >> at[0] % 8 : 0;
	uint8_t found = 0;
	size_t byte;

	if (!beyond && size == stride)
		return 0;
	for (; count > 0; count--, at += stride) {
		found |= at[size - 1] & beyond;
		for (byte = size; byte < stride; byte++)
			found |= at[byte];
	}
	return found != 0;
}

int bgpwire_take(const struct source *source, size_t space, struct taken *taken)
{
	taken->size = taken->length = 0;
	while (taken->size < source->left) {
		const uint8_t *at = source->at + taken->size;
		const size_t left = source->left - taken->size;
		const size_t size = size_of(at[0]);
		const size_t stride = source->record ? source->record : size;
		size_t count;

		if (at[0] > source->longest)
			return BGPWIRE_PREFIX_LENGTH;
		if (left < stride)
			return BGPWIRE_CUT_PREFIX;
		count = smaller((space - taken->length) / size, left / stride);
		if (count == 0)
			break;
		count = run_of(at, stride, count);
		if (goes_on(at, stride, count, size))
			return BGPWIRE_HOST_BITS;
		taken->size += count * stride;
		taken->length += count * size;
	}
	return 0;
}

/* Whole records are copied as long as there is room for them, each over the idle end of the one before. */
static inline uint8_t *put_records(uint8_t *out, const uint8_t *at, size_t record, size_t length)
{
	uint8_t *const end = out + length;

	while ((size_t)(end - out) >= record) {
		memcpy(out, at, record);
		out += size_of(at[0]);
		at += record;
	}
	while (out < end) {
		out = put_bytes(out, at, size_of(at[0]));
		at += record;
	}
	return end;
}

uint8_t *bgpwire_put_prefixes(uint8_t *out, const struct source *source, const struct taken *taken)
{
	if (taken->size == taken->length)
		return put_bytes(out, source->at, taken->size);
	if (source->record == RECORD_IPV4) /* a size that the compiler knows */
		return put_records(out, source->at, RECORD_IPV4, taken->length);
	return put_records(out, source->at, source->record, taken->length);
}
