/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the XDP program and the speaker share: the layout of the pinned maps.
 *
 *   entries   hash          vip_key -> vip_entry     what to do with a request for a VIP
 *   slots     array, mmap   u32 -> vip_slot          slot 0 the node, the others one lease each
 *   counters  percpu array  u32 -> vip_counts        one element per VIP, one number per verdict
 *
 * The pins live in a directory named after the first 16 hex digits of this file's SHA-256, so maps of
 * another layout are never taken for these. bpf/abi.py says the same for Python, and a test compares
 * the two: sizes, offsets, constants and names. Structs are naturally aligned and padded by hand.
 * Numbers are in host order unless a comment says otherwise.
 */
#ifndef VIPCAST_SHARED_H
#define VIPCAST_SHARED_H

#include <linux/types.h>

#define VIP_ENTRIES  16384
#define VIP_COUNTERS 16384
#define VIP_SLOTS    64

/* Element 0 of `counters`: self-tests, and VIPs that found no element of their own. */
#define VIP_COUNTER_OTHER 0

/* Slot 0 is the node, the last one the lease of self-tests, all between are leases of interfaces. */
#define VIP_SLOT_NODE	   0
#define VIP_SLOT_SELF_TEST 63

/*
 * So long after the agent's last sign of life (heartbeat, or the end of a lease) the program stops
 * dropping and passes: a speaker that was removed must not haunt its node. Nanoseconds.
 */
#define VIP_HAUNT_NS 600000000000ULL

#define VIP_FAMILY_IPV4 2  /* AF_INET */
#define VIP_FAMILY_IPV6 10 /* AF_INET6 */

enum vip_state {
	VIP_ANSWER = 1,	   /* this node holds the VIP: answer while the lease lasts */
	VIP_LEAVING = 2,   /* on its way to another node: silent for good */
	VIP_ELSEWHERE = 3, /* another node holds it: silent while the agent lives */
};

/* What became of a request for a VIP, in the order of the counters. */
enum vip_verdict {
	VIP_ANSWERED = 0,
	VIP_DROPPED_FENCED = 1,
	VIP_DROPPED_ELSEWHERE = 2,
	VIP_DROPPED_LEAVING = 3,
	VIP_DROPPED_LEASE_OVER = 4,
	VIP_PASSED_LEASE_OVER = 5, /* VIP_HAUNT_NS after the end of the lease */
	VIP_PASSED_AGENT_GONE = 6, /* held elsewhere, but no heartbeat for VIP_HAUNT_NS */
	VIP_PASSED_OTHER_MAC = 7,  /* sent to a unicast MAC that is not the VIP's */
	VIP_VERDICTS = 8,
};

struct vip_key {
	__u32 ifindex;
	__u32 family;
	__be32 addr[4]; /* network order; IPv4 in the first, the rest 0 */
};

struct vip_entry {
	__u32 state;   /* enum vip_state */
	__u32 slot;    /* the lease that an answer needs */
	__u64 term;    /* dead once term <= vip_node.fenced */
	__u64 epoch;   /* counter of the claim; the program does not read it */
	__u32 counter; /* index into counters */
	__be16 mac[3]; /* as on the wire */
	__u16 pad[3];
};

/*
 * The first three words of the node's slot have this place in every version of this file: whoever
 * opens maps of a newer layout carries them over from the older one.
 */
struct vip_node {
	__u64 boot;	  /* random, written once when the maps are new */
	__u64 term;	  /* T: entries are written under it; the agent's */
	__u64 fenced;	  /* F: entries of this term or an older one are dead; the program's */
	__u64 heartbeat;  /* ns of CLOCK_MONOTONIC: stamped by the agent's main loop */
	__u64 away_until; /* ns: end of an announced absence; the program does not read it */
	__u64 pad[3];
};

struct vip_lease {
	__u64 until;   /* ns of CLOCK_MONOTONIC */
	__u64 ifindex; /* whose lease; 0 for a free slot; the program does not read it */
	__u64 pad[6];
};

union vip_slot {
	struct vip_node node;
	struct vip_lease lease;
};

struct vip_counts {
	__u64 by[VIP_VERDICTS];
};

#endif
