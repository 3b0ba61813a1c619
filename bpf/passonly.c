/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Passes every frame. On a veth a native XDP_TX reaches the other end only if that end has a native
 * program of its own; the lab gives its switch ports this one. No maps: `ip link set dev PORT xdpdrv obj
 * passonly.o sec xdp` loads what `clang -target bpf` makes of it.
 */
#include <linux/bpf.h>

__attribute__((section("xdp"), used)) int vipcast_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

__attribute__((section("license"), used)) char LICENSE[] = "Dual BSD/GPL";
