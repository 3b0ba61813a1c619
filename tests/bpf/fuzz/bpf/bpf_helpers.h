/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for libbpf's header of this name when bpf/l2_responder.c is built for the host: the same words,
 * with maps that are mere names and the two helpers as functions of host.c.
 */
#ifndef VIPCAST_FUZZ_BPF_HELPERS_H
#define VIPCAST_FUZZ_BPF_HELPERS_H

#include <linux/types.h>

#define SEC(name)
#define __uint(name, value) int(*name)[value]
#define __type(name, value) value *name
#define LIBBPF_PIN_BY_NAME  1

void *bpf_map_lookup_elem(const void *map, const void *key);
__u64 bpf_ktime_get_ns(void);

#endif
