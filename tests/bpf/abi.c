/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes every struct of shared.h as the compiler lays it out; each field has a value of its own, and
 * padding is zero. test_abi.py packs the same in Python and compares.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <linux/bpf.h>
#include "shared.h"

#define WRITE(value) fwrite(&(value), sizeof(value), 1, stdout)

int main(void)
{
	struct vip_key four = {.ifindex = 7, .family = VIP_FAMILY_IPV4};
	struct vip_key six = {.ifindex = 0x01020304, .family = VIP_FAMILY_IPV6};
	struct vip_entry entry = {.state = VIP_LEAVING,
				  .slot = 2,
				  .term = 3ULL << 40,
				  .epoch = 4ULL << 40,
				  .counter = 5};
	union vip_slot node = {.node = {.boot = 1ULL << 50,
					.term = 2,
					.fenced = 3,
					.heartbeat = 4,
					.away_until = 5,
					.pad = {6, 7, 8}}};
	union vip_slot lease = {
		.lease = {.until = 1ULL << 50, .ifindex = 2, .pad = {3, 4, 5, 6, 7, 8}}};
	struct vip_counts counts = {};

	inet_pton(AF_INET, "192.0.2.240", &four.addr[0]);
	inet_pton(AF_INET6, "2001:db8::1:2", six.addr);
	memcpy(entry.mac, "\x0a\x0b\x0c\x0d\x0e\x0f", 6);
	for (int verdict = 0; verdict < VIP_VERDICTS; verdict++)
		counts.by[verdict] = 100 + verdict;
	WRITE(four);
	WRITE(six);
	WRITE(entry);
	WRITE(node);
	WRITE(lease);
	WRITE(counts);
	return 0;
}
