/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of a function of native/bgpwire.h, as an input of the fuzzer says it: a struct situation, then
 * data, of which the arrays are made.
 */
#ifndef VIPCAST_FUZZ_CALLS_H
#define VIPCAST_FUZZ_CALLS_H

#include "bgpwire.h"

#define LONGEST_ARRAY 6000 /* bytes: more than one message */
#define MOST_NUMBERS  5000 /* of one kind; more than fit into a message */
#define PAPER	      (LONGEST_ARRAY * BGPWIRE_LONGEST) /* bytes: a message for each prefix */

enum call {
	CALL_KEEPALIVE,
	CALL_ROUTE_REFRESH,
	CALL_OPEN,
	CALL_NOTIFICATION,
	CALL_SHUTDOWN,
	CALL_ANNOUNCE,
	CALL_WITHDRAW,
	CALL_END_OF_RIB,
	CALLS,
};

enum flags {
	WIRE_FORM = 1,
	HAS_LOCAL_PREF = 2,
	FOUR_OCTET = 4,
	MEASURE = 8, /* bulk calls only: no buffer */
};

/* seeds.py packs it too. An array of numbers has as many as its count says, from the data over and over. */
struct situation {
	uint32_t asn;
	uint32_t four_octet_asn;
	uint32_t router_id;
	uint32_t can;
	uint32_t local_pref;
	uint16_t path;
	uint16_t communities;
	uint16_t large;
	uint16_t families;
	uint16_t restart_families;
	uint16_t hop_families;
	uint16_t repeat;  /* how many times more the data is in a row of bytes */
	uint16_t lacking; /* bytes of room */
	uint16_t afi;
	uint16_t hold_time;
	uint16_t restart_time;
	uint8_t call; /* modulo CALLS */
	uint8_t flags;
	uint8_t safi;
	uint8_t code; /* the subtype, version or error code */
	uint8_t subcode;
	uint8_t next_hop_size;
	uint8_t next_hop[32];
};

/* The call itself. Every pointer is to memory of exactly the size that it is said to have, or NULL. */
struct arguments {
	enum call call;
	int measure;
	uint16_t afi;
	uint8_t safi;
	uint8_t code;
	uint8_t subcode;
	struct bgpwire_open open;
	struct bgpwire_attributes attributes;
	struct bgpwire_prefixes prefixes; /* also the text or the data */
};

void take_apart(const struct situation *about, const uint8_t *data, size_t size,
		struct arguments *arguments);
void give_back(struct arguments *arguments);

/* What the call returns that is tested. */
int64_t call(const struct arguments *arguments, uint8_t *out, size_t room);

/* What it should come to: so many bytes, or one of these errors; which of several is the program's choice. */
struct verdict {
	int64_t length;
	uint32_t errors; /* bit n for the error -n */
};

/* Writes what should be written into `paper`, which has PAPER bytes. */
struct verdict expect(const struct arguments *arguments, uint8_t *paper, size_t room);

#endif
