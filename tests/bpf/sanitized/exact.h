/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every function of native/bpfmap.h with the buffers that it asks for, not a byte longer, and with worse.
 *
 * A sanitizer sees what our C does to memory, but not what the kernel does on its behalf. So each buffer
 * ends at a protected page: our C dies there, and the kernel says EFAULT.
 */
#ifndef VIPCAST_SANITIZED_EXACT_H
#define VIPCAST_SANITIZED_EXACT_H

#include <linux/bpf.h>
#include <stddef.h>
#include "bpfmap.h"

/* So many bytes, 0xa5 each, with nothing behind them. Never given back: the process is short. */
void *exact(size_t size);

/* A string in so many bytes as it needs. */
char *exact_string(const char *text);

/* bpf(2), for what native/bpfmap.h has no function for; ends the process if it fails. */
int make_map(enum bpf_map_type type, uint32_t key_size, uint32_t value_size, uint32_t max_entries,
	     uint32_t flags);
int load_program(const struct bpf_insn *instructions, uint32_t count);

/* Ends the process, with the place and both numbers, if they differ. */
#define IS(expression, should) is((expression), (should), #expression, __FILE__, __LINE__)
void is(long result, long should, const char *expression, const char *file, int line);

void check_pins(const char *directory);
void check_elements(void);
void check_batches(void);
void check_long_keys(void);
void check_sums(uint32_t cpus);
void check_infos(void);
void check_runs(void);

#endif
