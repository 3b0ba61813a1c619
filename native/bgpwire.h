/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BGP messages as bytes: all that a speaker says which has routes to announce and wants none.
 *
 * Nothing is allocated: `out` is the caller's and has `room` bytes, and not one beyond them is touched. What
 * a function is given is checked before its first byte is written. It returns how many bytes it has written,
 * or a negative bgpwire_error, after which the bytes of `out` mean nothing. No message is longer than
 * BGPWIRE_LONGEST, so that much room is always enough for one.
 *
 * Numbers are in host byte order, addresses in network byte order. Where a count or a size is 0, its pointer
 * may be NULL.
 *
 * bgpwire_build.py reads the declarations of this file for cffi: all lines but the preprocessor's.
 */
#ifndef VIPCAST_BGPWIRE_H
#define VIPCAST_BGPWIRE_H

#include <stddef.h>
#include <stdint.h>

enum {
	BGPWIRE_LONGEST = 4096,		/* RFC 4271, section 4.1 */
	BGPWIRE_LONGEST_SHUTDOWN = 256, /* RFC 9003, section 2: the text and its length */
};

enum bgpwire_error {
	BGPWIRE_NO_ROOM = -1,	    /* `out` is too small */
	BGPWIRE_TOO_LONG = -2,	    /* what goes into one message or field does not fit into it */
	BGPWIRE_FAMILY = -3,	    /* prefixes are neither IPv4 nor IPv6 */
	BGPWIRE_PREFIX_LENGTH = -4, /* a prefix is longer than its family's addresses */
	BGPWIRE_HOST_BITS = -5,	    /* an address has bits beyond its prefix's length */
	BGPWIRE_CUT_PREFIX = -6,    /* the prefixes end within one */
	BGPWIRE_NEXT_HOP = -7,	    /* no next hop for the family, or none at all */
	BGPWIRE_ASN = -8,	   /* an AS number of four octets, and no capability that says so */
	BGPWIRE_RESTART_TIME = -9, /* more seconds than 12 bits hold */
	BGPWIRE_CAPABILITY = -10,  /* `others` is no row of whole capabilities */
};

/* Capabilities that are said by being there, and the flags of graceful restart. */
enum bgpwire_can {
	BGPWIRE_ROUTE_REFRESH = 1,    /* RFC 2918 */
	BGPWIRE_EXTENDED_MESSAGE = 2, /* RFC 8654 */
	BGPWIRE_FOUR_OCTET = 4,	      /* RFC 6793 */
	BGPWIRE_ENHANCED_REFRESH = 8, /* RFC 7313 */
	BGPWIRE_GRACEFUL = 16,	      /* RFC 4724 */
	BGPWIRE_RESTARTING = 32,      /* RFC 4724: the R bit */
	BGPWIRE_NOTIFICATION = 64,    /* RFC 8538: the N bit */
};

struct bgpwire_family {
	uint16_t afi;
	uint8_t safi;
	uint8_t forwarding; /* of restart_families: not 0 sets the F bit of RFC 4724 */
};

/* RFC 8950: routes of this family may have a next hop of that AFI. */
struct bgpwire_hop_family {
	uint16_t afi;
	uint16_t safi;
	uint16_t hop_afi;
};

struct bgpwire_open {
	const struct bgpwire_family *families; /* RFC 4760, in this order */
	const struct bgpwire_family *restart_families;
	const struct bgpwire_hop_family *hop_families;
	const uint8_t *others; /* more capabilities as they are sent: code, length, value */
	size_t families_count;
	size_t restart_families_count;
	size_t hop_families_count;
	size_t others_size;
	uint32_t asn;		 /* whatever its size: AS_TRANS is put in its place if need be */
	uint32_t four_octet_asn; /* what BGPWIRE_FOUR_OCTET says; elsewhere it is not read */
	uint32_t router_id;
	uint32_t can;	       /* of bgpwire_can */
	uint16_t hold_time;    /* seconds */
	uint16_t restart_time; /* seconds, at most 4095 */
	uint8_t version;
};

/*
 * What is said about routes, in the order of the attributes' numbers. ORIGIN is IGP. AS_PATH has
 * `as_path` as sequences of at most 255. Where the peer knows AS numbers of two octets only, AS_TRANS stands
 * for others, and if there is one, AS4_PATH follows (RFC 6793, section 4.2.2).
 */
struct bgpwire_attributes {
	const uint32_t *as_path;
	const uint32_t *communities;
	const uint32_t *large_communities; /* three numbers each */
	size_t as_path_count;
	size_t communities_count;
	size_t large_communities_count;
	uint32_t local_pref;
	uint8_t has_local_pref;
	uint8_t four_octet;    /* not 0: the peer knows AS numbers of four octets */
	uint8_t next_hop_size; /* 4, 16, or 32: a global address, then a link-local one (RFC 2545) */
	uint8_t next_hop[32];
};

/*
 * Prefixes of one family, which goes by its AFI; they are unicast. Either records of one size, a byte of length
 * and the whole address (5 bytes or 17), or the form that they have in messages, a byte of length and as
 * many bytes of the address as that needs. Bits of an address beyond the length must be 0.
 */
struct bgpwire_prefixes {
	const uint8_t *bytes;
	size_t size; /* bytes */
	uint16_t afi;
	uint8_t wire_form; /* 0: records */
};

int64_t bgpwire_keepalive(uint8_t *out, size_t room);
int64_t bgpwire_route_refresh(uint16_t afi, uint8_t safi, uint8_t subtype, uint8_t *out,
			      size_t room);

/*
 * The optional parameters have the form of RFC 9072 only if they do not fit into 255 bytes. All
 * capabilities are in one of them, in the order of their codes, `others` last (RFC 5492, section 4).
 */
int64_t bgpwire_open(const struct bgpwire_open *open, uint8_t *out, size_t room);

/* Of the data there is sent what fits into one message: the last words must not fail. */
int64_t bgpwire_notification(uint8_t code, uint8_t subcode, const uint8_t *data, size_t data_size,
			     uint8_t *out, size_t room);

/*
 * The data of a NOTIFICATION that carries a shutdown communication (RFC 9003, section 2). UTF-8 of more than 255
 * bytes is cut where a character begins.
 */
int64_t bgpwire_shutdown(const uint8_t *text, size_t text_size, uint8_t *out, size_t room);

/*
 * All prefixes in their order, in as few UPDATEs as that allows. IPv4 with an IPv4 next hop has the fields of
 * RFC 4271; all else goes in MP_REACH_NLRI, which comes first (RFC 4760; RFC 8950; RFC 7606, section 5.1).
 * With `out` NULL nothing is written, and what is returned is the room that is needed.
 */
int64_t bgpwire_announce(const struct bgpwire_attributes *attributes,
			 const struct bgpwire_prefixes *prefixes, uint8_t *out, size_t room);

/* The same for withdrawals: IPv4 in the field of RFC 4271, IPv6 in MP_UNREACH_NLRI. */
int64_t bgpwire_withdraw(const struct bgpwire_prefixes *prefixes, uint8_t *out, size_t room);

/* RFC 4724, section 2. */
int64_t bgpwire_end_of_rib(uint16_t afi, uint8_t safi, uint8_t *out, size_t room);

#endif
