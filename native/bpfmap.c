/* SPDX-License-Identifier: Apache-2.0 */
/* See bpfmap.h. */
#include "bpfmap.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LONGEST_KEY 512 /* linux/filter.h, MAX_BPF_STACK: no map takes a longer one */

static uint64_t address_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

/* The kernel refuses an attribute whose unused bytes are not zero, so every caller starts from zero. */
static int call(enum bpf_cmd command, union bpf_attr *attr)
{
	long result = syscall(__NR_bpf, command, attr, sizeof(*attr));

	return result < 0 ? -errno : (int)result;
}

int bpfmap_is_bpffs(const char *path)
{
	struct statfs about;

	if (statfs(path, &about) < 0)
		return -errno;
	return about.f_type == BPF_FS_MAGIC;
}

int bpfmap_get_pin(const char *path)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.pathname = address_of(path);
	return call(BPF_OBJ_GET, &attr);
}

int bpfmap_pin(int fd, const char *path)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.pathname = address_of(path);
	attr.bpf_fd = (uint32_t)fd;
	return call(BPF_OBJ_PIN, &attr);
}

static int info_of(int fd, void *info, uint32_t size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = size;
	attr.info.info = address_of(info);
	return call(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

int bpfmap_map_info(int fd, struct bpfmap_map_info *info)
{
	struct bpf_map_info about;
	int result;

	memset(&about, 0, sizeof(about));
	result = info_of(fd, &about, sizeof(about));
	if (result < 0)
		return result;
	info->id = about.id;
	info->type = about.type;
	info->key_size = about.key_size;
	info->value_size = about.value_size;
	info->max_entries = about.max_entries;
	info->flags = about.map_flags;
	memcpy(info->name, about.name, sizeof(info->name));
	return 0;
}

int bpfmap_program_info(int fd, struct bpfmap_program_info *info)
{
	const uint32_t room = sizeof(info->map_ids) / sizeof(info->map_ids[0]);
	struct bpf_prog_info about;
	int result;

	memset(&about, 0, sizeof(about));
	about.nr_map_ids = room;
	about.map_ids = address_of(info->map_ids);
	result = info_of(fd, &about, sizeof(about));
	if (result < 0)
		return result;
	info->id = about.id;
	info->type = about.type;
	info->loaded_ns = about.load_time;
	memcpy(info->tag, about.tag, sizeof(info->tag));
	memcpy(info->name, about.name, sizeof(info->name));
	info->maps = about.nr_map_ids < room ? about.nr_map_ids : room;
	return 0;
}

int bpfmap_program_fd(uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	return call(BPF_PROG_GET_FD_BY_ID, &attr);
}

static int element(enum bpf_cmd command, int fd, const void *key, const void *value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)fd;
	attr.key = address_of(key);
	attr.value = address_of(value);
	return call(command, &attr);
}

int bpfmap_lookup(int fd, const void *key, void *value)
{
	return element(BPF_MAP_LOOKUP_ELEM, fd, key, value);
}

int bpfmap_update(int fd, const void *key, const void *value)
{
	return element(BPF_MAP_UPDATE_ELEM, fd, key, value);
}

int bpfmap_delete(int fd, const void *key)
{
	return element(BPF_MAP_DELETE_ELEM, fd, key, NULL);
}

static int batch(enum bpf_cmd command, int fd, const void *keys, const void *values, void *next,
		 uint32_t *count)
{
	const uint32_t asked = *count;
	union bpf_attr attr;
	int result;

	memset(&attr, 0, sizeof(attr));
	attr.batch.map_fd = (uint32_t)fd;
	attr.batch.keys = address_of(keys);
	attr.batch.values = address_of(values);
	attr.batch.out_batch = address_of(next);
	attr.batch.count = asked;
	result = call(command, &attr);
	*count = attr.batch.count;
	/*
	 * The kernel leaves the count as it was if it gives up before the first; later it says how many came
	 * before the error, always fewer. ENOENT is either of a later one or the end of a look-up.
	 */
	if (result < 0 && result != -ENOENT && *count == asked)
		*count = 0;
	return result;
}

int bpfmap_lookup_all(int fd, void *keys, void *values, uint32_t *count)
{
	uint8_t next[LONGEST_KEY]; /* where the kernel stopped: in many maps, a key */
	int result = batch(BPF_MAP_LOOKUP_BATCH, fd, keys, values, next, count);

	return result == -ENOENT ? 0 : result; /* the end of the map was reached: all is read */
}

int bpfmap_update_many(int fd, const void *keys, const void *values, uint32_t *count)
{
	return batch(BPF_MAP_UPDATE_BATCH, fd, keys, values, NULL, count);
}

int bpfmap_delete_many(int fd, const void *keys, uint32_t *count)
{
	return batch(BPF_MAP_DELETE_BATCH, fd, keys, NULL, NULL, count);
}

int bpfmap_sum_per_cpu(int fd, const uint32_t *indexes, uint32_t count, uint64_t *sums,
		       uint32_t words, uint64_t *scratch, uint32_t cpus)
{
	uint32_t done, cpu, word;

	for (done = 0; done < count; done++, sums += words) {
		int result = bpfmap_lookup(fd, &indexes[done], scratch);

		if (result < 0)
			return result;
		memset(sums, 0, words * sizeof(*sums));
		for (cpu = 0; cpu < cpus; cpu++)
			for (word = 0; word < words; word++)
				sums[word] += scratch[cpu * words + word];
	}
	return 0;
}

int bpfmap_run(int fd, uint32_t ifindex, const void *frame, uint32_t length, void *out,
	       uint32_t *out_length, uint32_t repeat, uint32_t *duration_ns)
{
	struct xdp_md context;
	union bpf_attr attr;
	int result;

	memset(&attr, 0, sizeof(attr));
	memset(&context, 0, sizeof(context));
	attr.test.prog_fd = (uint32_t)fd;
	attr.test.data_in = address_of(frame);
	attr.test.data_size_in = length;
	if (*out_length > 0) /* no room means no limit to the kernel */
		attr.test.data_out = address_of(out);
	attr.test.data_size_out = *out_length;
	attr.test.repeat = repeat;
	if (ifindex) {
		context.data_end = length;
		context.ingress_ifindex = ifindex;
		attr.test.ctx_in = address_of(&context);
		attr.test.ctx_size_in = sizeof(context);
	}
	result = call(BPF_PROG_TEST_RUN, &attr);
	if (result < 0)
		return result;
	*out_length = attr.test.data_size_out;
	*duration_ns = attr.test.duration;
	return (int)attr.test.retval;
}
