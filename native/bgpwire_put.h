/* SPDX-License-Identifier: Apache-2.0 */
/* How bgpwire's parts write: whoever calls these has made sure of the room. Each returns where to go on. */
#ifndef VIPCAST_BGPWIRE_PUT_H
#define VIPCAST_BGPWIRE_PUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HEADER_SIZE 19
#define MARKER_SIZE 16
#define AS_TRANS    23456 /* RFC 6793, section 9 */

enum afi {
	AFI_IPV4 = 1,
	AFI_IPV6 = 2,
};

#define SAFI_UNICAST 1

enum message_type {
	OPEN = 1,
	UPDATE = 2,
	NOTIFICATION = 3,
	KEEPALIVE = 4,
	ROUTE_REFRESH = 5, /* RFC 2918 */
};

static inline size_t smaller(size_t one, size_t other)
{
	return one < other ? one : other;
}

static inline uint8_t *put8(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)value;
	return at + 1;
}

static inline uint8_t *put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static inline uint8_t *put32(uint8_t *at, uint32_t value)
{
	return put16(put16(at, value >> 16), value);
}

/* memcpy takes no NULL, not even of no bytes. */
static inline uint8_t *put_bytes(uint8_t *at, const uint8_t *from, size_t size)
{
	if (size > 0)
		memcpy(at, from, size);
	return at + size;
}

static inline uint8_t *put_header(uint8_t *at, size_t length, enum message_type type)
{
	memset(at, 0xff, MARKER_SIZE);
	return put8(put16(at + MARKER_SIZE, length), type);
}

#endif
