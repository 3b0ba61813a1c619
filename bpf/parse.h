/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ethernet and ARP as they lie in a frame, and the one early way out for everything else. */
#ifndef VIPCAST_PARSE_H
#define VIPCAST_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/types.h>

#define INLINE static inline __attribute__((always_inline))

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BE16(number) ((__be16)__builtin_bswap16(number))
#else
#define BE16(number) ((__be16)(number))
#endif

#define ARP_ETHERNET 1
#define ARP_REQUEST  1
#define ARP_REPLY    2

/*
 * RFC 826 for Ethernet and IPv4: 42 bytes. MACs and addresses are arrays of 16-bit words, because that is
 * the alignment that all of them have in a frame: clang then needs no byte loads.
 */
struct arp_frame {
	__be16 to[3];
	__be16 from[3];
	__be16 ethertype;
	__be16 hardware_type;
	__be16 protocol_type;
	__u8 hardware_bytes;
	__u8 protocol_bytes;
	__be16 operation;
	__be16 sender_mac[3];
	__be16 sender_ip[2];
	__be16 target_mac[3];
	__be16 target_ip[2];
};

INLINE int same_mac(const __be16 *one, const __be16 *other)
{
	return one[0] == other[0] && one[1] == other[1] && one[2] == other[2];
}

INLINE void copy_mac(__be16 *to, const __be16 *from)
{
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
}

/* Broadcast counts as multicast: the lowest bit of the first byte, which is sent first, is set. */
INLINE int is_multicast(const __be16 *mac)
{
	return (mac[0] & BE16(0x0100)) != 0;
}

/*
 * The frame if it is an ARP request for an IPv4 address over Ethernet, else NULL. A frame that carries a
 * VLAN tag belongs to another interface than the one it came in by, so it is none.
 */
INLINE struct arp_frame *arp_request(const struct xdp_md *ctx)
{
	struct arp_frame *frame = (struct arp_frame *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;

	if ((const void *)(frame + 1) > end || frame->ethertype != BE16(ETH_P_ARP))
		return (struct arp_frame *)0;
	if (frame->hardware_type != BE16(ARP_ETHERNET) || frame->protocol_type != BE16(ETH_P_IP) ||
	    frame->hardware_bytes != 6 || frame->protocol_bytes != 4 ||
	    frame->operation != BE16(ARP_REQUEST))
		return (struct arp_frame *)0;
	return frame;
}

#endif
