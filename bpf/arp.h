/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What ARP asks and answers: RFC 826, and RFC 5227 for probes and announcements. */
#ifndef VIPCAST_ARP_H
#define VIPCAST_ARP_H

#include "parse.h"

/* RFC 5227 section 2.3: an announcement asks for the sender's own address. Nobody answers it. */
INLINE int arp_is_announcement(const struct arp_frame *frame)
{
	return frame->sender_ip[0] == frame->target_ip[0] &&
	       frame->sender_ip[1] == frame->target_ip[1];
}

/* Whether a frame was sent by the interface of this MAC, by either word of the sender. */
INLINE int arp_is_from(const struct arp_frame *frame, const __be16 *mac)
{
	return same_mac(frame->from, mac) || same_mac(frame->sender_mac, mac);
}

/*
 * Turns a request into the answer "target_ip is at mac", sent to the asker alone. A probe (sender 0.0.0.0,
 * RFC 5227 section 2.1.1) is answered in the same way: its asker must learn that the address is taken.
 */
INLINE void arp_turn_into_reply(struct arp_frame *frame, const __be16 *mac)
{
	const __be16 address[2] = {frame->target_ip[0], frame->target_ip[1]};

	copy_mac(frame->to, frame->from);
	copy_mac(frame->from, mac);
	frame->operation = BE16(ARP_REPLY);
	copy_mac(frame->target_mac, frame->sender_mac);
	frame->target_ip[0] = frame->sender_ip[0];
	frame->target_ip[1] = frame->sender_ip[1];
	copy_mac(frame->sender_mac, mac);
	frame->sender_ip[0] = address[0];
	frame->sender_ip[1] = address[1];
}

#endif
