/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Answers ARP requests for VIPs before the kernel's own stack sees them.
 *
 * A request for a VIP of this interface meets the first rule that fits:
 *
 *   own announcement or own frame         pass
 *   term <= fenced                        drop     the host's own stack must not answer either
 *   elsewhere, agent alive                drop     another node answers
 *   elsewhere, agent gone for 10 min      pass
 *   leaving                               drop
 *   lease over                            drop     this node may have been replaced
 *   lease over for 10 min                 pass     a removed speaker must not haunt its node
 *   sent to another unicast MAC           pass
 *   else                                  answer, in place, by XDP_TX
 *
 * All other frames pass untouched after one bounds check and one comparison. Each verdict is counted per
 * VIP and CPU. The same text builds with bcc (the loader) and with `clang -target bpf` (libbpf's map
 * declarations). bcc rewrites map calls in this file only, so each map has its one accessor here, and the
 * headers have no map calls.
 */
#include "arp.h"
#include "parse.h"
#include "shared.h"

#ifdef BCC_SEC

BPF_TABLE_PINNED("hash", struct vip_key, struct vip_entry, entries, VIP_ENTRIES, PIN "/entries");
BPF_TABLE_PINNED("array", __u32, union vip_slot, slots, VIP_SLOTS, PIN "/slots", BPF_F_MMAPABLE);
BPF_TABLE_PINNED("percpu_array", __u32, struct vip_counts, counters, VIP_COUNTERS, PIN "/counters");

INLINE struct vip_entry *entry_of(struct vip_key *key)
{
	return entries.lookup(key);
}

INLINE union vip_slot *slot_at(__u32 index)
{
	return slots.lookup(&index);
}

INLINE struct vip_counts *counts_at(__u32 index)
{
	return counters.lookup(&index);
}

#else

#include <bpf/bpf_helpers.h>

#define PINNED_MAP(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS)                                         \
	struct {                                                                                   \
		__uint(type, TYPE);                                                                \
		__type(key, KEY);                                                                  \
		__type(value, VALUE);                                                              \
		__uint(max_entries, ENTRIES);                                                      \
		__uint(map_flags, FLAGS);                                                          \
		__uint(pinning, LIBBPF_PIN_BY_NAME);                                               \
	} NAME SEC(".maps")

PINNED_MAP(entries, BPF_MAP_TYPE_HASH, struct vip_key, struct vip_entry, VIP_ENTRIES, 0);
PINNED_MAP(slots, BPF_MAP_TYPE_ARRAY, __u32, union vip_slot, VIP_SLOTS, BPF_F_MMAPABLE);
PINNED_MAP(counters, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct vip_counts, VIP_COUNTERS, 0);

char LICENSE[] SEC("license") = "Dual BSD/GPL";

INLINE struct vip_entry *entry_of(struct vip_key *key)
{
	return bpf_map_lookup_elem(&entries, key);
}

INLINE union vip_slot *slot_at(__u32 index)
{
	return bpf_map_lookup_elem(&slots, &index);
}

INLINE struct vip_counts *counts_at(__u32 index)
{
	return bpf_map_lookup_elem(&counters, &index);
}

#endif

#ifndef SEC
#define SEC(name)
#endif

INLINE enum vip_verdict judge(const struct arp_frame *frame, const struct vip_entry *entry,
			      const struct vip_node *node, const struct vip_lease *lease)
{
	const __u64 now = bpf_ktime_get_ns();

	if (entry->term <= node->fenced)
		return VIP_DROPPED_FENCED;
	if (entry->state == VIP_ELSEWHERE)
		return now < node->heartbeat + VIP_HAUNT_NS ? VIP_DROPPED_ELSEWHERE
							    : VIP_PASSED_AGENT_GONE;
	if (entry->state != VIP_ANSWER)
		return VIP_DROPPED_LEAVING;
	if (now >= lease->until)
		return now < lease->until + VIP_HAUNT_NS ? VIP_DROPPED_LEASE_OVER
							 : VIP_PASSED_LEASE_OVER;
	if (!is_multicast(frame->to) && !same_mac(frame->to, entry->mac))
		return VIP_PASSED_OTHER_MAC;
	return VIP_ANSWERED;
}

INLINE void count(__u32 index, enum vip_verdict verdict)
{
	struct vip_counts *counts = counts_at(index);

	if (counts && verdict < VIP_VERDICTS)
		counts->by[verdict]++;
}

INLINE int action_of(enum vip_verdict verdict)
{
	switch (verdict) {
	case VIP_ANSWERED:
		return XDP_TX;
	case VIP_DROPPED_FENCED:
	case VIP_DROPPED_ELSEWHERE:
	case VIP_DROPPED_LEAVING:
	case VIP_DROPPED_LEASE_OVER:
		return XDP_DROP;
	default:
		return XDP_PASS;
	}
}

SEC("xdp")
int vipcast_l2(struct xdp_md *ctx)
{
	struct arp_frame *frame = arp_request(ctx);
	struct vip_key key = {};
	struct vip_entry *entry;
	union vip_slot *node, *lease;
	enum vip_verdict verdict;

	if (!frame || arp_is_announcement(frame))
		return XDP_PASS;
	key.ifindex = ctx->ingress_ifindex;
	key.family = VIP_FAMILY_IPV4;
	__builtin_memcpy(&key.addr[0], frame->target_ip, sizeof(key.addr[0]));
	entry = entry_of(&key);
	if (!entry || arp_is_from(frame, entry->mac))
		return XDP_PASS;
	node = slot_at(VIP_SLOT_NODE);
	lease = slot_at(entry->slot);
	if (!node || !lease)
		return XDP_PASS;
	verdict = judge(frame, entry, &node->node, &lease->lease);
	count(entry->counter, verdict);
	if (verdict == VIP_ANSWERED)
		arp_turn_into_reply(frame, entry->mac);
	return action_of(verdict);
}
