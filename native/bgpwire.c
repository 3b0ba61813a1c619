/* SPDX-License-Identifier: Apache-2.0 */
/* See bgpwire.h: all messages but UPDATE, which is in bgpwire_update.c. */
#include "bgpwire.h"
#include "bgpwire_put.h"

#define OPEN_SIZE		29 /* RFC 4271, section 4.2: up to the length of the optional parameters */
#define NOTIFICATION_SIZE	21  /* section 4.5: up to the data */
#define REFRESH_SIZE		23  /* RFC 2918, section 3 */
#define LONGEST_VALUE		255 /* of a capability, and of all optional parameters of RFC 4271 */
#define PARAMETER_HEAD		2
#define CAPABILITY_HEAD		2
#define EXTENDED_PARAMETER_HEAD 3 /* RFC 9072, section 2 */
#define EXTENDED_HEADS		(3 + EXTENDED_PARAMETER_HEAD)
#define RESTART_TIME		0x0fff /* RFC 4724, section 3 */
#define RESTARTING		0x8000
#define NOTIFYING		0x4000 /* RFC 8538, section 2 */
#define FORWARDING		0x80

enum parameter {
	CAPABILITIES = 2,
	EXTENDED_LENGTH = 255,
};

enum capability {
	MULTIPROTOCOL = 1,
	REFRESH = 2,
	EXTENDED_NEXT_HOP = 5,
	EXTENDED_MESSAGE = 6,
	GRACEFUL_RESTART = 64,
	FOUR_OCTET_ASN = 65,
	ENHANCED_REFRESH = 70,
};

int64_t bgpwire_keepalive(uint8_t *out, size_t room)
{
	if (room < HEADER_SIZE)
		return BGPWIRE_NO_ROOM;
	put_header(out, HEADER_SIZE, KEEPALIVE);
	return HEADER_SIZE;
}

int64_t bgpwire_route_refresh(uint16_t afi, uint8_t safi, uint8_t subtype, uint8_t *out,
			      size_t room)
{
	if (room < REFRESH_SIZE)
		return BGPWIRE_NO_ROOM;
	out = put_header(out, REFRESH_SIZE, ROUTE_REFRESH);
	put8(put8(put16(out, afi), subtype), safi);
	return REFRESH_SIZE;
}

int64_t bgpwire_notification(uint8_t code, uint8_t subcode, const uint8_t *data, size_t data_size,
			     uint8_t *out, size_t room)
{
	size_t size;

	if (data_size > BGPWIRE_LONGEST - NOTIFICATION_SIZE)
		data_size = BGPWIRE_LONGEST - NOTIFICATION_SIZE;
	size = NOTIFICATION_SIZE + data_size;
	if (room < size)
		return BGPWIRE_NO_ROOM;
	out = put_header(out, size, NOTIFICATION);
	put_bytes(put8(put8(out, code), subcode), data, data_size);
	return (int64_t)size;
}

int64_t bgpwire_shutdown(const uint8_t *text, size_t text_size, uint8_t *out, size_t room)
{
	if (text_size >= BGPWIRE_LONGEST_SHUTDOWN) {
		text_size = BGPWIRE_LONGEST_SHUTDOWN - 1;
		while (text_size > 0 && (text[text_size] & 0xc0) == 0x80) /* RFC 3629: within one */
			text_size--;
	}
	if (room < 1 + text_size)
		return BGPWIRE_NO_ROOM;
	put_bytes(put8(out, text_size), text, text_size);
	return 1 + (int64_t)text_size;
}

/* Whether these are capabilities as they are sent, all of them whole. */
static int whole(const uint8_t *capabilities, size_t size)
{
	while (size >= CAPABILITY_HEAD && size - CAPABILITY_HEAD >= capabilities[1]) {
		const size_t one = CAPABILITY_HEAD + (size_t)capabilities[1];

		capabilities += one;
		size -= one;
	}
	return size == 0;
}

/* How many bytes the capabilities take, or a negative error. */
static int64_t capabilities_size(const struct bgpwire_open *open)
{
	const uint32_t can = open->can;
	size_t size = open->others_size;

	if (open->families_count > BGPWIRE_LONGEST || open->others_size > BGPWIRE_LONGEST)
		return BGPWIRE_TOO_LONG;
	if (open->hop_families_count > LONGEST_VALUE / 6)
		return BGPWIRE_TOO_LONG;
	size += open->families_count * (CAPABILITY_HEAD + 4);
	if (open->hop_families_count > 0)
		size += CAPABILITY_HEAD + open->hop_families_count * 6;
	if (can & BGPWIRE_ROUTE_REFRESH)
		size += CAPABILITY_HEAD;
	if (can & BGPWIRE_EXTENDED_MESSAGE)
		size += CAPABILITY_HEAD;
	if (can & BGPWIRE_ENHANCED_REFRESH)
		size += CAPABILITY_HEAD;
	if (can & BGPWIRE_FOUR_OCTET)
		size += CAPABILITY_HEAD + 4;
	if (can & BGPWIRE_GRACEFUL) {
		if (open->restart_families_count > (LONGEST_VALUE - 2) / 4)
			return BGPWIRE_TOO_LONG;
		if (open->restart_time > RESTART_TIME)
			return BGPWIRE_RESTART_TIME;
		size += CAPABILITY_HEAD + 2 + open->restart_families_count * 4;
	}
	if (!whole(open->others, open->others_size))
		return BGPWIRE_CAPABILITY;
	return (int64_t)size;
}

static uint8_t *put_capability(uint8_t *at, enum capability code, size_t size)
{
	return put8(put8(at, code), size);
}

static uint8_t *put_graceful_restart(uint8_t *at, const struct bgpwire_open *open)
{
	uint32_t word = open->restart_time;
	size_t number;

	if (open->can & BGPWIRE_RESTARTING)
		word |= RESTARTING;
	if (open->can & BGPWIRE_NOTIFICATION)
		word |= NOTIFYING;
	at = put_capability(at, GRACEFUL_RESTART, 2 + open->restart_families_count * 4);
	at = put16(at, word);
	for (number = 0; number < open->restart_families_count; number++) {
		const struct bgpwire_family *family = &open->restart_families[number];

		at = put8(put16(at, family->afi), family->safi);
		at = put8(at, family->forwarding ? FORWARDING : 0);
	}
	return at;
}

static uint8_t *put_capabilities(uint8_t *at, const struct bgpwire_open *open)
{
	const uint32_t can = open->can;
	size_t number;

	for (number = 0; number < open->families_count; number++) {
		const struct bgpwire_family *family = &open->families[number];

		at = put_capability(at, MULTIPROTOCOL, 4);
		at = put16(put16(at, family->afi), family->safi); /* with a reserved byte between */
	}
	if (can & BGPWIRE_ROUTE_REFRESH)
		at = put_capability(at, REFRESH, 0);
	if (open->hop_families_count > 0)
		at = put_capability(at, EXTENDED_NEXT_HOP, open->hop_families_count * 6);
	for (number = 0; number < open->hop_families_count; number++) {
		const struct bgpwire_hop_family *family = &open->hop_families[number];

		at = put16(put16(put16(at, family->afi), family->safi), family->hop_afi);
	}
	if (can & BGPWIRE_EXTENDED_MESSAGE)
		at = put_capability(at, EXTENDED_MESSAGE, 0);
	if (can & BGPWIRE_GRACEFUL)
		at = put_graceful_restart(at, open);
	if (can & BGPWIRE_FOUR_OCTET)
		at = put32(put_capability(at, FOUR_OCTET_ASN, 4), open->four_octet_asn);
	if (can & BGPWIRE_ENHANCED_REFRESH)
		at = put_capability(at, ENHANCED_REFRESH, 0);
	return put_bytes(at, open->others, open->others_size);
}

int64_t bgpwire_open(const struct bgpwire_open *open, uint8_t *out, size_t room)
{
	const int64_t checked = capabilities_size(open);
	size_t size, length;
	int extended;

	if (checked < 0)
		return checked;
	size = (size_t)checked;
	extended = PARAMETER_HEAD + size > LONGEST_VALUE;
	length = OPEN_SIZE + size;
	if (size > 0)
		length += extended ? EXTENDED_HEADS : PARAMETER_HEAD;
	if (length > BGPWIRE_LONGEST)
		return BGPWIRE_TOO_LONG;
	if (open->asn > UINT16_MAX && !(open->can & BGPWIRE_FOUR_OCTET))
		return BGPWIRE_ASN;
	if (room < length)
		return BGPWIRE_NO_ROOM;
	out = put8(put_header(out, length, OPEN), open->version);
	out = put16(out, open->asn > UINT16_MAX ? AS_TRANS : open->asn);
	out = put32(put16(out, open->hold_time), open->router_id);
	if (extended) {
		out = put8(put8(out, EXTENDED_LENGTH), EXTENDED_LENGTH);
		out = put16(out, EXTENDED_PARAMETER_HEAD + size);
		out = put16(put8(out, CAPABILITIES), size);
	} else if (size > 0) {
		out = put8(out, PARAMETER_HEAD + size);
		out = put8(put8(out, CAPABILITIES), size);
	} else {
		out = put8(out, 0);
	}
	put_capabilities(out, open);
	return (int64_t)length;
}
