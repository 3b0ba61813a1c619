/* SPDX-License-Identifier: Apache-2.0 */
/* See calls.h. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

/* So many bytes of the data, over and over, in memory of their own; NULL if there are none. */
static void *filled(const uint8_t *data, size_t size, size_t wanted)
{
	uint8_t *array = wanted > 0 ? calloc(wanted, 1) : NULL;
	size_t at;

	if (wanted > 0 && !array)
		abort();
	for (at = 0; size > 0 && at < wanted; at += size)
		memcpy(array + at, data, size < wanted - at ? size : wanted - at);
	return array;
}

static size_t many(uint16_t number)
{
	return number % MOST_NUMBERS;
}

static void take_attributes(const struct situation *about, const uint8_t *data, size_t size,
			    struct bgpwire_attributes *attributes)
{
	attributes->as_path_count = many(about->path);
	attributes->as_path = filled(data, size, 4 * attributes->as_path_count);
	attributes->communities_count = many(about->communities);
	attributes->communities = filled(data, size, 4 * attributes->communities_count);
	attributes->large_communities_count = many(about->large);
	attributes->large_communities =
		filled(data, size, 12 * attributes->large_communities_count);
	attributes->local_pref = about->local_pref;
	attributes->has_local_pref = about->flags & HAS_LOCAL_PREF;
	attributes->four_octet = about->flags & FOUR_OCTET;
	attributes->next_hop_size = about->next_hop_size;
	memcpy(attributes->next_hop, about->next_hop, sizeof(attributes->next_hop));
}

static void take_open(const struct situation *about, const uint8_t *data, size_t size,
		      struct bgpwire_open *open)
{
	open->families_count = many(about->families);
	open->families = filled(data, size, sizeof(*open->families) * open->families_count);
	open->restart_families_count = many(about->restart_families);
	open->restart_families =
		filled(data, size, sizeof(*open->restart_families) * open->restart_families_count);
	open->hop_families_count = many(about->hop_families);
	open->hop_families =
		filled(data, size, sizeof(*open->hop_families) * open->hop_families_count);
	open->asn = about->asn;
	open->four_octet_asn = about->four_octet_asn;
	open->router_id = about->router_id;
	open->can = about->can;
	open->hold_time = about->hold_time;
	open->restart_time = about->restart_time;
	open->version = about->code;
}

void take_apart(const struct situation *about, const uint8_t *data, size_t size,
		struct arguments *arguments)
{
	struct bgpwire_prefixes *prefixes = &arguments->prefixes;

	memset(arguments, 0, sizeof(*arguments));
	arguments->call = about->call % CALLS;
	arguments->measure = (about->flags & MEASURE) != 0;
	arguments->afi = about->afi;
	arguments->safi = about->safi;
	arguments->code = about->code;
	arguments->subcode = about->subcode;
	prefixes->size = size * (1 + (size_t)about->repeat);
	if (prefixes->size > LONGEST_ARRAY)
		prefixes->size = LONGEST_ARRAY;
	prefixes->bytes = filled(data, size, prefixes->size);
	prefixes->afi = about->afi;
	prefixes->wire_form = about->flags & WIRE_FORM;
	if (arguments->call == CALL_ANNOUNCE)
		take_attributes(about, data, size, &arguments->attributes);
	if (arguments->call == CALL_OPEN)
		take_open(about, data, size, &arguments->open);
	arguments->open.others_size = prefixes->size;
	arguments->open.others = prefixes->bytes;
}

void give_back(struct arguments *arguments)
{
	free((void *)arguments->prefixes.bytes);
	free((void *)arguments->attributes.as_path);
	free((void *)arguments->attributes.communities);
	free((void *)arguments->attributes.large_communities);
	free((void *)arguments->open.families);
	free((void *)arguments->open.restart_families);
	free((void *)arguments->open.hop_families);
}

int64_t call(const struct arguments *arguments, uint8_t *out, size_t room)
{
	const struct bgpwire_prefixes *bytes = &arguments->prefixes;

	switch (arguments->call) {
	case CALL_KEEPALIVE:
		return bgpwire_keepalive(out, room);
	case CALL_ROUTE_REFRESH:
		return bgpwire_route_refresh(arguments->afi, arguments->safi, arguments->code, out,
					     room);
	case CALL_OPEN:
		return bgpwire_open(&arguments->open, out, room);
	case CALL_NOTIFICATION:
		return bgpwire_notification(arguments->code, arguments->subcode, bytes->bytes,
					    bytes->size, out, room);
	case CALL_SHUTDOWN:
		return bgpwire_shutdown(bytes->bytes, bytes->size, out, room);
	case CALL_ANNOUNCE:
		return bgpwire_announce(&arguments->attributes, bytes, out, room);
	case CALL_WITHDRAW:
		return bgpwire_withdraw(bytes, out, room);
	default:
		return bgpwire_end_of_rib(arguments->afi, arguments->safi, out, room);
	}
}
