/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each call should come to, from the RFCs and from bgpwire.h, and not from the program: everything is
 * put together piece by piece, and measured when it is there.
 */
#include "expected.h"

void note(struct sheet *sheet, const uint8_t *bytes, size_t size)
{
	sheet->size += size;
	if (sheet->size > sheet->room)
		sheet->errors |= fault(BGPWIRE_NO_ROOM);
	else if (size > 0)
		memcpy(sheet->paper + sheet->size - size, bytes, size);
}

/* A whole message (RFC 4271, section 4.1); returns whether it is short enough to be one. */
int wrap(struct pile *message, const struct pile *body, uint8_t type)
{
	size_t at;

	message->size = 0;
	for (at = 0; at < 16; at++)
		add(message, 0xff, 1);
	add(message, 19 + body->size, 2);
	add(message, type, 1);
	add_pile(message, body);
	return message->size <= 4096;
}

static void finish(struct sheet *sheet, const struct pile *body, uint8_t type)
{
	static struct pile message;

	if (wrap(&message, body, type))
		note(sheet, message.bytes, message.size);
	else
		sheet->errors |= fault(BGPWIRE_TOO_LONG);
}

static void expect_notification(const struct arguments *about, struct sheet *sheet)
{
	static struct pile body;

	body.size = 0;
	add(&body, about->code, 1);
	add(&body, about->subcode, 1);
	add_bytes(&body, about->prefixes.bytes, about->prefixes.size);
	if (body.size > 4096 - 19)
		body.size = 4096 - 19;
	finish(sheet, &body, 3);
}

static void expect_shutdown(const struct arguments *about, struct sheet *sheet)
{
	const uint8_t *text = about->prefixes.bytes;
	size_t size = about->prefixes.size, at;
	uint8_t length;

	if (size > 255) /* the last place up to there where a character begins, or none at all */
		for (size = 0, at = 1; at <= 255; at++)
			if ((text[at] & 0xc0) != 0x80)
				size = at;
	length = (uint8_t)size;
	note(sheet, &length, 1);
	note(sheet, text, size);
}

static void expect_refresh(const struct arguments *about, struct sheet *sheet)
{
	static struct pile body;

	body.size = 0;
	add(&body, about->afi, 2);
	add(&body, about->code, 1);
	add(&body, about->safi, 1);
	finish(sheet, &body, 5);
}

/* RFC 5492, section 4: code, length, value. */
static void add_capability(struct pile *pile, uint8_t code, const struct pile *value,
			   struct sheet *sheet)
{
	add(pile, code, 1);
	add(pile, value->size, 1);
	add_pile(pile, value);
	if (value->size > 255)
		sheet->errors |= fault(BGPWIRE_TOO_LONG);
}

static void add_restart(struct pile *pile, const struct bgpwire_open *open, struct sheet *sheet)
{
	static struct pile value;
	const uint64_t flags = (open->can & 32 ? 8 : 0) + (open->can & 64 ? 4 : 0);
	size_t at;

	value.size = 0;
	add(&value, flags * 4096 + open->restart_time, 2);
	for (at = 0; at < open->restart_families_count; at++) {
		add(&value, open->restart_families[at].afi, 2);
		add(&value, open->restart_families[at].safi, 1);
		add(&value, open->restart_families[at].forwarding ? 128 : 0, 1);
	}
	add_capability(pile, 64, &value, sheet);
	if (open->restart_time > 4095)
		sheet->errors |= fault(BGPWIRE_RESTART_TIME);
}

static void add_capabilities(struct pile *pile, const struct bgpwire_open *open,
			     struct sheet *sheet)
{
	static struct pile value;
	static const struct pile empty;
	size_t at;

	for (at = 0; at < open->families_count; at++) {
		value.size = 0;
		add(&value, open->families[at].afi, 2);
		add(&value, 0, 1);
		add(&value, open->families[at].safi, 1);
		add_capability(pile, 1, &value, sheet);
	}
	if (open->can & 1)
		add_capability(pile, 2, &empty, sheet);
	value.size = 0;
	for (at = 0; at < open->hop_families_count; at++) {
		add(&value, open->hop_families[at].afi, 2);
		add(&value, open->hop_families[at].safi, 2);
		add(&value, open->hop_families[at].hop_afi, 2);
	}
	if (value.size > 0)
		add_capability(pile, 5, &value, sheet);
	if (open->can & 2)
		add_capability(pile, 6, &empty, sheet);
	if (open->can & 16)
		add_restart(pile, open, sheet);
	value.size = 0;
	add(&value, open->four_octet_asn, 4);
	if (open->can & 4)
		add_capability(pile, 65, &value, sheet);
	if (open->can & 8)
		add_capability(pile, 70, &empty, sheet);
}

static int are_whole(const uint8_t *bytes, size_t size)
{
	size_t at = 0;

	while (at < size) {
		if (size - at < 2 || size - at - 2 < bytes[at + 1])
			return 0;
		at += 2U + bytes[at + 1];
	}
	return 1;
}

static void expect_open(const struct bgpwire_open *open, struct sheet *sheet)
{
	static struct pile body, said;

	said.size = 0;
	add_capabilities(&said, open, sheet);
	add_bytes(&said, open->others, open->others_size);
	if (!are_whole(open->others, open->others_size))
		sheet->errors |= fault(BGPWIRE_CAPABILITY);
	if (open->asn > 65535 && !(open->can & 4))
		sheet->errors |= fault(BGPWIRE_ASN);
	body.size = 0;
	add(&body, open->version, 1);
	add(&body, open->asn > 65535 ? 23456 : open->asn, 2);
	add(&body, open->hold_time, 2);
	add(&body, open->router_id, 4);
	if (said.size == 0) {
		add(&body, 0, 1);
	} else if (2 + said.size <= 255) {
		add(&body, 2 + said.size, 1);
		add(&body, 2, 1);
		add(&body, said.size, 1);
	} else { /* RFC 9072, section 2 */
		add(&body, 0xffff, 2);
		add(&body, 3 + said.size, 2);
		add(&body, 2, 1);
		add(&body, said.size, 2);
	}
	add_pile(&body, &said);
	finish(sheet, &body, 1);
}

struct verdict expect(const struct arguments *arguments, uint8_t *paper, size_t room)
{
	static const struct pile empty;
	struct sheet sheet = {paper, 0, room, 0};

	switch (arguments->call) {
	case CALL_KEEPALIVE:
		finish(&sheet, &empty, 4);
		break;
	case CALL_ROUTE_REFRESH:
		expect_refresh(arguments, &sheet);
		break;
	case CALL_OPEN:
		expect_open(&arguments->open, &sheet);
		break;
	case CALL_NOTIFICATION:
		expect_notification(arguments, &sheet);
		break;
	case CALL_SHUTDOWN:
		expect_shutdown(arguments, &sheet);
		break;
	default:
		expect_update(arguments, &sheet);
	}
	return (struct verdict){(int64_t)sheet.size, sheet.errors};
}
