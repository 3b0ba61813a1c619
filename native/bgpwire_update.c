/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See bgpwire.h: UPDATE (RFC 4271, section 4.3). What is the same in all messages of a call is laid out
 * once; then for each message as many prefixes are taken as fit, and all of it is written.
 */
#include "bgpwire.h"
#include "bgpwire_prefixes.h"
#include "bgpwire_put.h"

#define UPDATE_SIZE   23  /* the header, and the lengths of withdrawn routes and of attributes */
#define LONGEST_PATH  255 /* AS numbers in one segment */
#define SHORT_VALUE   255 /* of an attribute whose length is one byte */
#define SHORT_HEAD    3
#define EXTENDED_HEAD 4
#define LARGE_WORDS   3
#define LONGEST_INTRO (2 + 1 + 1 + 32 + 1)

/* RFC 4271, section 4.3. An optional attribute is marked as one, and as extended if it is. */
enum flag {
	OPTIONAL = 0x80,
	TRANSITIVE = 0x40,
	EXTENDED = 0x10,
};

enum attribute {
	NO_CARRIER = 0,
	ORIGIN = 1,
	AS_PATH = 2,
	NEXT_HOP = 3,
	LOCAL_PREF = 5,
	COMMUNITIES = 8, /* RFC 1997 */
	MP_REACH = 14,
	MP_UNREACH = 15,
	AS4_PATH = 17,
	LARGE_COMMUNITIES = 32, /* RFC 8092 */
};

#define ORIGIN_IGP  0
#define AS_SEQUENCE 2

/* What all messages of a call share. */
struct layout {
	enum attribute carrier; /* of the prefixes: MP_REACH, MP_UNREACH, or UPDATE's own fields */
	int withdraws;
	size_t intro_size;
	size_t rest_size;
	uint8_t intro[LONGEST_INTRO];  /* of the carrier: all before the prefixes */
	uint8_t rest[BGPWIRE_LONGEST]; /* all other attributes */
};

static size_t head_of(size_t value_size)
{
	return value_size > SHORT_VALUE ? EXTENDED_HEAD : SHORT_HEAD;
}

/* RFC 4271, section 4.3: the length has two bytes only if it needs them. */
static uint8_t *put_head(uint8_t *at, int flags, enum attribute type, size_t value_size)
{
	const int extended = value_size > SHORT_VALUE;

	at = put8(put8(at, (size_t)(flags | (extended ? EXTENDED : 0))), type);
	return extended ? put16(at, value_size) : put8(at, value_size);
}

/* How many prefixes' bytes fit into one message; 0 if there is no room even for what goes before them. */
static size_t space_of(const struct layout *layout)
{
	const size_t space = BGPWIRE_LONGEST - UPDATE_SIZE - layout->rest_size;
	size_t value;

	if (!layout->carrier)
		return space;
	if (space > EXTENDED_HEAD + SHORT_VALUE)
		value = space - EXTENDED_HEAD;
	else
		value = space > SHORT_HEAD ? smaller(space - SHORT_HEAD, SHORT_VALUE) : 0;
	return value > layout->intro_size ? value - layout->intro_size : 0;
}

static size_t length_of(const struct layout *layout, size_t prefixes)
{
	const size_t value = layout->intro_size + prefixes;

	return UPDATE_SIZE + layout->rest_size +
	       (layout->carrier ? head_of(value) + value : prefixes);
}

static void write_update(uint8_t *out, const struct layout *layout, const struct source *source,
			 const struct taken *taken)
{
	const size_t value = layout->intro_size + taken->length;

	out = put_header(out, length_of(layout, taken->length), UPDATE);
	if (!layout->carrier && layout->withdraws) {
		out = bgpwire_put_prefixes(put16(out, taken->length), source, taken);
		put16(out, 0);
		return;
	}
	out = put16(out, 0);
	if (layout->carrier) {
		out = put16(out, head_of(value) + value + layout->rest_size);
		out = put_head(out, OPTIONAL, layout->carrier, value);
		out = put_bytes(out, layout->intro, layout->intro_size);
		out = bgpwire_put_prefixes(out, source, taken);
		put_bytes(out, layout->rest, layout->rest_size);
	} else {
		out = put16(out, layout->rest_size);
		out = put_bytes(out, layout->rest, layout->rest_size);
		bgpwire_put_prefixes(out, source, taken);
	}
}

static int64_t pack(const struct layout *layout, const struct bgpwire_prefixes *prefixes,
		    uint8_t *out, size_t room)
{
	const size_t space = space_of(layout), longest = prefixes->afi == AFI_IPV4 ? 32 : 128;
	const size_t record = prefixes->wire_form ? 0 : 1 + longest / 8;
	struct source source = {prefixes->bytes, prefixes->size, record, longest};
	size_t done = 0;

	if (space == 0)
		return BGPWIRE_TOO_LONG;
	while (source.left > 0) {
		struct taken taken;
		const int result = bgpwire_take(&source, space, &taken);
		const size_t length = length_of(layout, taken.length);

		if (result < 0)
			return result;
		if (taken.size == 0)
			return BGPWIRE_TOO_LONG;
		if (out) {
			if (room - done < length)
				return BGPWIRE_NO_ROOM;
			write_update(out + done, layout, &source, &taken);
		}
		done += length;
		source.at += taken.size;
		source.left -= taken.size;
	}
	return (int64_t)done;
}

static size_t path_size(size_t count, size_t width)
{
	return (count + LONGEST_PATH - 1) / LONGEST_PATH * 2 + count * width;
}

static uint8_t *put_path(uint8_t *at, int flags, enum attribute type,
			 const struct bgpwire_attributes *about, size_t width)
{
	const uint32_t *path = about->as_path;
	size_t left = about->as_path_count, hop;

	at = put_head(at, flags, type, path_size(left, width));
	while (left > 0) {
		const size_t segment = smaller(left, LONGEST_PATH);

		at = put8(put8(at, AS_SEQUENCE), segment);
		for (hop = 0; hop < segment; hop++, path++) {
			if (width == 4)
				at = put32(at, *path);
			else
				at = put16(at, *path > UINT16_MAX ? AS_TRANS : *path);
		}
		left -= segment;
	}
	return at;
}

static uint8_t *put_words(uint8_t *at, enum attribute type, const uint32_t *words, size_t count)
{
	if (count == 0)
		return at;
	at = put_head(at, OPTIONAL | TRANSITIVE, type, count * 4);
	for (; count > 0; count--)
		at = put32(at, *words++);
	return at;
}

/* RFC 6793, section 4.2.2: only where some AS number does not fit into two octets. */
static int needs_as4(const struct bgpwire_attributes *about)
{
	size_t hop;

	for (hop = 0; !about->four_octet && hop < about->as_path_count; hop++)
		if (about->as_path[hop] > UINT16_MAX)
			return 1;
	return 0;
}

static size_t attribute_size(size_t value_size)
{
	return head_of(value_size) + value_size;
}

/* What all attributes but the carrier take, or a negative error. */
static int64_t rest_size(const struct bgpwire_attributes *about, int carried)
{
	const size_t path = about->as_path_count, words = about->communities_count;
	const size_t large = about->large_communities_count;
	size_t size = attribute_size(1) + (carried ? 0 : attribute_size(about->next_hop_size));

	if (path > BGPWIRE_LONGEST || words > BGPWIRE_LONGEST || large > BGPWIRE_LONGEST)
		return BGPWIRE_TOO_LONG;
	size += attribute_size(path_size(path, about->four_octet ? 4 : 2));
	size += about->has_local_pref ? attribute_size(4) : 0;
	size += words ? attribute_size(words * 4) : 0;
	size += needs_as4(about) ? attribute_size(path_size(path, 4)) : 0;
	size += large ? attribute_size(large * LARGE_WORDS * 4) : 0;
	return size > BGPWIRE_LONGEST - UPDATE_SIZE ? BGPWIRE_TOO_LONG : (int64_t)size;
}

static void put_rest(uint8_t *at, const struct bgpwire_attributes *about, int carried)
{
	const size_t large = about->large_communities_count * LARGE_WORDS;

	at = put8(put_head(at, TRANSITIVE, ORIGIN, 1), ORIGIN_IGP);
	at = put_path(at, TRANSITIVE, AS_PATH, about, about->four_octet ? 4 : 2);
	if (!carried) {
		at = put_head(at, TRANSITIVE, NEXT_HOP, about->next_hop_size);
		at = put_bytes(at, about->next_hop, about->next_hop_size);
	}
	if (about->has_local_pref)
		at = put32(put_head(at, TRANSITIVE, LOCAL_PREF, 4), about->local_pref);
	at = put_words(at, COMMUNITIES, about->communities, about->communities_count);
	if (needs_as4(about))
		at = put_path(at, OPTIONAL | TRANSITIVE, AS4_PATH, about, 4);
	put_words(at, LARGE_COMMUNITIES, about->large_communities, large);
}

static void lay_out_intro(struct layout *layout, uint16_t afi, uint8_t safi, const uint8_t *hop,
			  size_t hop_size)
{
	uint8_t *at = put8(put16(layout->intro, afi), safi);

	if (layout->carrier == MP_REACH) {
		at = put_bytes(put8(at, hop_size), hop, hop_size);
		at = put8(at, 0); /* RFC 4760, section 3: reserved */
	}
	layout->intro_size = (size_t)(at - layout->intro);
}

static int is_family(uint16_t afi)
{
	return afi == AFI_IPV4 || afi == AFI_IPV6;
}

int64_t bgpwire_announce(const struct bgpwire_attributes *attributes,
			 const struct bgpwire_prefixes *prefixes, uint8_t *out, size_t room)
{
	const size_t hop_size = attributes->next_hop_size;
	const int carried = hop_size != 4;
	struct layout layout;
	int64_t rest;

	if (!is_family(prefixes->afi))
		return BGPWIRE_FAMILY;
	if (carried ? hop_size != 16 && hop_size != 32 : prefixes->afi != AFI_IPV4)
		return BGPWIRE_NEXT_HOP;
	rest = rest_size(attributes, carried);
	if (rest < 0)
		return rest;
	layout.withdraws = 0;
	layout.carrier = carried ? MP_REACH : NO_CARRIER;
	layout.intro_size = 0;
	layout.rest_size = (size_t)rest;
	put_rest(layout.rest, attributes, carried);
	if (carried)
		lay_out_intro(&layout, prefixes->afi, SAFI_UNICAST, attributes->next_hop, hop_size);
	return pack(&layout, prefixes, out, room);
}

static void lay_out_withdrawal(struct layout *layout, uint16_t afi, uint8_t safi)
{
	const int carried = afi != AFI_IPV4 || safi != SAFI_UNICAST;

	layout->withdraws = 1;
	layout->carrier = carried ? MP_UNREACH : NO_CARRIER;
	layout->intro_size = 0;
	layout->rest_size = 0;
	if (carried)
		lay_out_intro(layout, afi, safi, NULL, 0);
}

int64_t bgpwire_withdraw(const struct bgpwire_prefixes *prefixes, uint8_t *out, size_t room)
{
	struct layout layout;

	if (!is_family(prefixes->afi))
		return BGPWIRE_FAMILY;
	lay_out_withdrawal(&layout, prefixes->afi, SAFI_UNICAST);
	return pack(&layout, prefixes, out, room);
}

int64_t bgpwire_end_of_rib(uint16_t afi, uint8_t safi, uint8_t *out, size_t room)
{
	const struct source nothing = {NULL, 0, 0, 0};
	const struct taken none = {0, 0};
	struct layout layout;
	size_t length;

	lay_out_withdrawal(&layout, afi, safi);
	length = length_of(&layout, 0);
	if (room < length)
		return BGPWIRE_NO_ROOM;
	write_update(out, &layout, &nothing, &none);
	return (int64_t)length;
}
