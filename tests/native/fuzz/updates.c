/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See expected.h: UPDATEs the plain way. A message is put together with so many prefixes, and measured, until
 * it is known how many fit.
 */
#include "expected.h"

/* The prefixes of one message as they are in it, and that message. */
static struct pile chunk, message;

/* RFC 4271, section 4.3: the length has one byte where that is enough. */
static void add_attribute(struct pile *pile, uint8_t flags, uint8_t type, const struct pile *value)
{
	add(pile, value->size > 255 ? flags | 0x10 : flags, 1);
	add(pile, type, 1);
	add(pile, value->size, value->size > 255 ? 2 : 1);
	add_pile(pile, value);
}

static void add_path(struct pile *pile, const struct bgpwire_attributes *about, uint8_t flags,
		     uint8_t type, int width)
{
	static struct pile value;
	size_t at;

	value.size = 0;
	for (at = 0; at < about->as_path_count; at++) {
		const size_t left = about->as_path_count - at;
		const uint32_t asn = about->as_path[at];

		if (at % 255 == 0) {
			add(&value, 2, 1);
			add(&value, left < 255 ? left : 255, 1);
		}
		add(&value, width == 2 && asn > 65535 ? 23456 : asn, width);
	}
	add_attribute(pile, flags, type, &value);
}

static void add_numbers(struct pile *pile, uint8_t type, const uint32_t *numbers, size_t count)
{
	static struct pile value;
	size_t at;

	value.size = 0;
	for (at = 0; at < count; at++)
		add(&value, numbers[at], 4);
	if (count > 0)
		add_attribute(pile, 0xc0, type, &value);
}

static void add_reach(struct pile *pile, const struct arguments *about)
{
	static struct pile value;

	value.size = 0;
	add(&value, about->prefixes.afi, 2);
	add(&value, 1, 1);
	add(&value, about->attributes.next_hop_size, 1);
	add_bytes(&value, about->attributes.next_hop, about->attributes.next_hop_size);
	add(&value, 0, 1);
	add_pile(&value, &chunk);
	add_attribute(pile, 0x80, 14, &value);
}

static void add_plain(struct pile *pile, uint8_t type, const uint8_t *bytes, size_t size)
{
	static struct pile value;

	value.size = 0;
	add_bytes(&value, bytes, size);
	add_attribute(pile, 0x40, type, &value);
}

static void add_local_pref(struct pile *pile, uint32_t local_pref)
{
	static struct pile value;

	value.size = 0;
	add(&value, local_pref, 4);
	add_attribute(pile, 0x40, 5, &value);
}

/* All attributes but MP_REACH_NLRI. */
static struct pile rest;

static void put_rest(const struct bgpwire_attributes *set)
{
	int wide = 0;
	size_t at;

	for (at = 0; at < set->as_path_count; at++)
		wide |= set->as_path[at] > 65535;
	rest.size = 0;
	add_plain(&rest, 1, (const uint8_t *)"", 1);
	add_path(&rest, set, 0x40, 2, set->four_octet ? 4 : 2);
	if (set->next_hop_size == 4)
		add_plain(&rest, 3, set->next_hop, 4);
	if (set->has_local_pref)
		add_local_pref(&rest, set->local_pref);
	add_numbers(&rest, 8, set->communities, set->communities_count);
	if (wide && !set->four_octet)
		add_path(&rest, set, 0xc0, 17, 4);
	add_numbers(&rest, 32, set->large_communities, 3 * set->large_communities_count);
}

static void put_announcement(struct pile *body, const struct arguments *about)
{
	static struct pile said;
	const int plain = about->attributes.next_hop_size == 4;

	said.size = 0;
	if (!plain)
		add_reach(&said, about);
	add_pile(&said, &rest);
	add(body, 0, 2);
	add(body, said.size, 2);
	add_pile(body, &said);
	if (plain)
		add_pile(body, &chunk);
}

static void put_withdrawal(struct pile *body, uint16_t afi, uint8_t safi)
{
	static struct pile said, value;

	if (afi == 1 && safi == 1) {
		add(body, chunk.size, 2);
		add_pile(body, &chunk);
		add(body, 0, 2);
		return;
	}
	value.size = said.size = 0;
	add(&value, afi, 2);
	add(&value, safi, 1);
	add_pile(&value, &chunk);
	add_attribute(&said, 0x80, 15, &value);
	add(body, 0, 2);
	add(body, said.size, 2);
	add_pile(body, &said);
}

/* A message with what the chunk holds; returns whether that is not too long. */
static int put_message(const struct arguments *about)
{
	static struct pile body;

	body.size = 0;
	if (about->call == CALL_ANNOUNCE)
		put_announcement(&body, about);
	else if (about->call == CALL_WITHDRAW)
		put_withdrawal(&body, about->prefixes.afi, 1);
	else
		put_withdrawal(&body, about->afi, about->safi);
	return wrap(&message, &body, 2);
}

/* All prefixes as they are in messages: where each ends, and their bytes. */
static size_t ends[LONGEST_ARRAY + 1], count;
static struct pile wire;

/* Whether the prefixes from one to another, which is not among them, fit into one message. */
static int fits(const struct arguments *about, size_t from, size_t to)
{
	chunk.size = 0;
	add_bytes(&chunk, wire.bytes + ends[from], ends[to] - ends[from]);
	return put_message(about);
}

static void put_messages(const struct arguments *about, struct sheet *sheet)
{
	size_t from = 0;

	while (from < count) {
		const size_t left = count - from;
		size_t most = 0, too_many = 1;

		while (too_many <= left && fits(about, from, from + too_many)) {
			most = too_many;
			too_many = 2 * most < left ? 2 * most : left + (most == left);
		}
		while (too_many - most > 1) {
			const size_t some = most + (too_many - most) / 2;

			if (fits(about, from, from + some))
				most = some;
			else
				too_many = some;
		}
		if (most == 0) {
			sheet->errors |= fault(BGPWIRE_TOO_LONG);
			return;
		}
		fits(about, from, from + most);
		note(sheet, message.bytes, message.size);
		from += most;
	}
}

/* The prefixes one by one, up to the first that cannot be one. */
static void read_prefixes(const struct bgpwire_prefixes *prefixes, struct sheet *sheet)
{
	const size_t address = prefixes->afi == 1 ? 4 : 16;
	size_t at = 0, bit;

	count = wire.size = 0;
	while (at < prefixes->size) {
		const uint8_t *prefix = prefixes->bytes + at;
		const size_t used = (prefix[0] + 7U) / 8,
			     held = prefixes->wire_form ? used : address;

		if (prefix[0] > 8 * address)
			sheet->errors |= fault(BGPWIRE_PREFIX_LENGTH);
		else if (prefixes->size - at < 1 + held)
			sheet->errors |= fault(BGPWIRE_CUT_PREFIX);
		if (sheet->errors & (fault(BGPWIRE_PREFIX_LENGTH) | fault(BGPWIRE_CUT_PREFIX)))
			return;
		for (bit = prefix[0]; bit < 8 * held; bit++)
			if (prefix[1 + bit / 8] & 0x80 >> bit % 8)
				sheet->errors |= fault(BGPWIRE_HOST_BITS);
		add_bytes(&wire, prefix, 1 + used);
		ends[++count] = wire.size;
		at += 1 + held;
	}
}

void expect_update(const struct arguments *about, struct sheet *sheet)
{
	const uint8_t hop = about->attributes.next_hop_size;
	const uint16_t afi = about->prefixes.afi;

	chunk.size = 0;
	if (about->call == CALL_END_OF_RIB) {
		put_message(about);
		note(sheet, message.bytes, message.size);
		return;
	}
	if (afi != 1 && afi != 2)
		sheet->errors |= fault(BGPWIRE_FAMILY);
	if (about->call == CALL_ANNOUNCE && hop != 16 && hop != 32 && !(hop == 4 && afi == 1))
		sheet->errors |= fault(BGPWIRE_NEXT_HOP);
	if (sheet->errors)
		return;
	if (about->call == CALL_ANNOUNCE)
		put_rest(&about->attributes);
	add(&chunk, 0, 1); /* the shortest prefix; where that does not fit, none does */
	if (!put_message(about))
		sheet->errors |= fault(BGPWIRE_TOO_LONG);
	chunk.size = 0;
	if (sheet->errors)
		return;
	read_prefixes(&about->prefixes, sheet);
	put_messages(about, sheet);
}
