/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program owes its network, said a second time: bytes at RFC 826's places, not the program's
 * struct, and nothing of its headers but the layout of the maps and the names of the verdicts.
 */
#include "host.h"

#include <linux/bpf.h>
#include <string.h>
#include <sys/socket.h>

/* Offsets in an Ethernet frame that carries ARP for IPv4. */
enum {
	TO = 0,
	FROM = 6,
	HEAD = 12, /* EtherType to operation */
	SENDER_MAC = 22,
	SENDER_IP = 28,
	TARGET_MAC = 32,
	TARGET_IP = 38,
	ARP_BYTES = 42,
};

static const __u8 request_head[] = {0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01};
static const __u8 reply_head[] = {0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x02};

static const int actions[VIP_VERDICTS] = {
	[VIP_ANSWERED] = XDP_TX,
	[VIP_DROPPED_FENCED] = XDP_DROP,
	[VIP_DROPPED_ELSEWHERE] = XDP_DROP,
	[VIP_DROPPED_LEAVING] = XDP_DROP,
	[VIP_DROPPED_LEASE_OVER] = XDP_DROP,
	[VIP_PASSED_LEASE_OVER] = XDP_PASS,
	[VIP_PASSED_AGENT_GONE] = XDP_PASS,
	[VIP_PASSED_OTHER_MAC] = XDP_PASS,
};

static int same(const void *one, const void *other, size_t bytes)
{
	return memcmp(one, other, bytes) == 0;
}

/* Whether a frame is a question of somebody else for the address of the entry, on its interface. */
static int is_for_us(const struct situation *about, const __u8 *frame, size_t length)
{
	const struct vip_key *key = &about->key;

	if (length < ARP_BYTES || !same(frame + HEAD, request_head, sizeof(request_head)))
		return 0;
	if (same(frame + SENDER_IP, frame + TARGET_IP, 4))
		return 0;
	if (same(frame + FROM, about->mac, 6) || same(frame + SENDER_MAC, about->mac, 6))
		return 0;
	if (key->family != AF_INET || key->addr[1] || key->addr[2] || key->addr[3])
		return 0;
	return key->ifindex == about->ingress && same(key->addr, frame + TARGET_IP, 4);
}

/* The table at the head of l2_responder.c. */
static enum vip_verdict verdict_on(const struct situation *about, const __u8 *frame)
{
	if (about->fenced >= about->term)
		return VIP_DROPPED_FENCED;
	if (about->state == VIP_ELSEWHERE)
		return about->heartbeat + VIP_HAUNT_NS > about->now ? VIP_DROPPED_ELSEWHERE
								    : VIP_PASSED_AGENT_GONE;
	if (about->state != VIP_ANSWER)
		return VIP_DROPPED_LEAVING;
	if (about->until + VIP_HAUNT_NS <= about->now)
		return VIP_PASSED_LEASE_OVER;
	if (about->until <= about->now)
		return VIP_DROPPED_LEASE_OVER;
	if (frame[TO] % 2 == 0 && !same(frame + TO, about->mac, 6))
		return VIP_PASSED_OTHER_MAC;
	return VIP_ANSWERED;
}

/* RFC 826, "Packet Reception": the fields swapped, ours put in, the operation a reply; sent to the asker. */
static void answer(const struct situation *about, const __u8 *request, __u8 *reply)
{
	memcpy(reply + TO, request + FROM, 6);
	memcpy(reply + FROM, about->mac, 6);
	memcpy(reply + HEAD, reply_head, sizeof(reply_head));
	memcpy(reply + SENDER_MAC, about->mac, 6);
	memcpy(reply + SENDER_IP, request + TARGET_IP, 4);
	memcpy(reply + TARGET_MAC, request + SENDER_MAC, 6);
	memcpy(reply + TARGET_IP, request + SENDER_IP, 4);
}

void expect(const struct situation *about, const __u8 *frame, size_t length,
	    struct outcome *outcome)
{
	enum vip_verdict verdict;

	outcome->action = XDP_PASS;
	memset(outcome->counted, 0, sizeof(outcome->counted));
	memcpy(outcome->frame, frame, length);
	/* An entry without a lease is a mistake of the agent's: on doubt the node's own stack decides. */
	if (!is_for_us(about, frame, length) || about->slot >= VIP_SLOTS)
		return;
	verdict = verdict_on(about, frame);
	outcome->action = actions[verdict];
	if (about->counter < VIP_COUNTERS)
		outcome->counted[verdict] = 1;
	if (verdict == VIP_ANSWERED)
		answer(about, frame, outcome->frame);
}
