/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BPF maps and programs by plain bpf(2) calls (linux/bpf.h). Nothing is allocated: buffers are the
 * caller's, and he has made them as long as the map's key and value sizes say. Functions return a
 * number >= 0 (a descriptor, an action, or 0) or a negative errno.
 *
 * bpfmap_build.py reads the declarations of this file for cffi: all lines but the preprocessor's.
 */
#ifndef VIPCAST_BPFMAP_H
#define VIPCAST_BPFMAP_H

#include <stdint.h>

struct bpfmap_map_info {
	uint32_t id;
	uint32_t type;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;
	char name[16];
};

struct bpfmap_program_info {
	uint32_t id;
	uint32_t type;
	uint64_t loaded_ns;
	uint8_t tag[8];
	char name[16];
	uint32_t maps;
	uint32_t map_ids[32];
};

int bpfmap_is_bpffs(const char *path);
int bpfmap_get_pin(const char *path);
int bpfmap_pin(int fd, const char *path);
int bpfmap_map_info(int fd, struct bpfmap_map_info *info);
int bpfmap_program_info(int fd, struct bpfmap_program_info *info);
int bpfmap_program_fd(uint32_t id);

int bpfmap_lookup(int fd, const void *key, void *value);
int bpfmap_update(int fd, const void *key, const void *value);
int bpfmap_delete(int fd, const void *key);

/*
 * One call for many; `count` says how many were done, also after an error. A look-up needs room for as many
 * as the map can hold (max_entries): with less it may end early, and that is no error.
 */
int bpfmap_lookup_all(int fd, void *keys, void *values, uint32_t *count);
int bpfmap_update_many(int fd, const void *keys, const void *values, uint32_t *count);
int bpfmap_delete_many(int fd, const void *keys, uint32_t *count);

/*
 * Sums of a per-CPU array whose values are `words` 64-bit numbers: sums[i * words + w] for index
 * indexes[i]. `scratch` holds cpus * words numbers, cpus being all possible ones.
 */
int bpfmap_sum_per_cpu(int fd, const uint32_t *indexes, uint32_t count, uint64_t *sums,
		       uint32_t words, uint64_t *scratch, uint32_t cpus);

/*
 * BPF_PROG_TEST_RUN of an XDP program: returns its action. `ifindex` is the interface that the frame
 * came in by, 0 for the kernel's choice (lo; the only one before Linux 5.15). `out_length` is the room in
 * `out`, afterwards the length of the frame; -ENOSPC if that is more, but with no room at all nothing is
 * written, and `out` may be NULL.
 */
int bpfmap_run(int fd, uint32_t ifindex, const void *frame, uint32_t length, void *out,
	       uint32_t *out_length, uint32_t repeat, uint32_t *duration_ns);

#endif
