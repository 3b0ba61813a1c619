/* SPDX-License-Identifier: Apache-2.0 */
/* Maps: elements one by one, many at once, and sums over CPUs. See exact.h. */
#include "exact.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define NO_MAP	 (-1)
#define KEY_SIZE 5 /* sizes that no rounding leaves as they are */
#define VAL_SIZE 12
#define ENTRIES	 4
#define WORDS	 2
#define TRIE_KEY 260 /* the longest that the kernel takes: 4 bytes of length, 256 of prefix */

void check_elements(void)
{
	const int fd = make_map(BPF_MAP_TYPE_HASH, KEY_SIZE, VAL_SIZE, ENTRIES, 0);
	const int file = open("/dev/null", O_RDONLY);
	char *key = exact(KEY_SIZE), *value = exact(VAL_SIZE), *read = exact(VAL_SIZE);

	memcpy(key, "12345", KEY_SIZE);
	memcpy(value, "abcdefghijkl", VAL_SIZE);
	IS(bpfmap_lookup(fd, key, read), -ENOENT);
	IS(bpfmap_delete(fd, key), -ENOENT);
	IS(bpfmap_update(fd, key, value), 0);
	IS(bpfmap_lookup(fd, key, read), 0);
	IS(memcmp(read, value, VAL_SIZE), 0);

	IS(bpfmap_lookup(fd, NULL, read), -EFAULT);
	IS(bpfmap_lookup(fd, key, NULL), -EFAULT);
	IS(bpfmap_lookup(fd, key + 1, read), -EFAULT);
	IS(bpfmap_lookup(fd, key, read + 1), -EFAULT);
	IS(bpfmap_update(fd, NULL, value), -EFAULT);
	IS(bpfmap_update(fd, key, NULL), -EFAULT);
	IS(bpfmap_update(fd, key + 1, value), -EFAULT);
	IS(bpfmap_update(fd, key, value + 1), -EFAULT);
	IS(bpfmap_delete(fd, NULL), -EFAULT);
	IS(bpfmap_delete(fd, key + 1), -EFAULT);

	IS(bpfmap_lookup(NO_MAP, key, read), -EBADF);
	IS(bpfmap_update(file, key, value), -EINVAL);
	IS(bpfmap_delete(file, key), -EINVAL);

	IS(bpfmap_delete(fd, key), 0);
	IS(bpfmap_lookup(fd, key, read), -ENOENT);
	close(file);
	close(fd);
}

static void check_refused_batches(int fd, uint32_t *keys, uint64_t *values, uint32_t *count)
{
	*count = ENTRIES;
	IS(bpfmap_update_many(NO_MAP, keys, values, count), -EBADF);
	IS(*count, 0);
	*count = ENTRIES;
	IS(bpfmap_delete_many(NO_MAP, keys, count), -EBADF);
	IS(*count, 0);
	*count = ENTRIES;
	IS(bpfmap_lookup_all(NO_MAP, keys, values, count), -EBADF);
	IS(*count, 0);
	*count = ENTRIES;
	IS(bpfmap_update_many(fd, NULL, values, count), -EFAULT);
	IS(*count, 0);
	*count = ENTRIES;
	IS(bpfmap_update_many(fd, keys, values + 1, count), -EFAULT);
	IS(*count, ENTRIES - 1);
	*count = ENTRIES;
	IS(bpfmap_delete_many(fd, NULL, count), -EFAULT);
	IS(*count, 0);
	*count = ENTRIES;
	IS(bpfmap_delete_many(fd, keys + 1, count), -ENOENT); /* the last key was not written */
	IS(*count, ENTRIES - 2);
	*count = 2;
	IS(bpfmap_update(fd, &keys[ENTRIES - 1], values), 0);
	IS(bpfmap_delete_many(fd, keys + ENTRIES - 1, count), -EFAULT);
	IS(*count, 1);
}

static void check_whole_batches(int fd, uint32_t *keys, uint64_t *values, uint32_t *count)
{
	uint32_t *more_keys = exact((ENTRIES + 2) * sizeof(*keys)), at;
	uint64_t *more_values = exact((ENTRIES + 2) * sizeof(*values));
	uint64_t *one_value = exact(sizeof(*one_value));

	*count = ENTRIES;
	IS(bpfmap_update_many(fd, keys, values, count), 0);
	IS(*count, ENTRIES);
	memset(keys, 0xff, ENTRIES * sizeof(*keys));
	memset(values, 0xff, ENTRIES * sizeof(*values));
	IS(bpfmap_lookup_all(fd, keys, values, count), 0);
	IS(*count, ENTRIES);
	for (at = 0; at < ENTRIES; at++)
		IS((long)values[at], 100 + keys[at]);
	*count = ENTRIES;
	IS(bpfmap_lookup_all(fd, keys, one_value, count), -EFAULT);
	IS(*count, 0);

	for (at = 0; at < ENTRIES + 2; at++)
		more_keys[at] = ENTRIES + 1 - at; /* the last two are too many */
	for (at = 0; at < 2; at++) {
		*count = 2;
		IS(bpfmap_delete_many(fd, keys + 2 * at, count), 0);
		IS(*count, 2);
	}
	*count = ENTRIES + 2;
	IS(bpfmap_update_many(fd, more_keys, more_values, count), -E2BIG);
	IS(*count, ENTRIES);
	*count = ENTRIES + 2;
	IS(bpfmap_delete_many(fd, more_keys, count), -ENOENT);
	IS(*count, ENTRIES);
}

void check_batches(void)
{
	const int fd = make_map(BPF_MAP_TYPE_HASH, sizeof(uint32_t), sizeof(uint64_t), ENTRIES, 0);
	uint32_t *keys = exact(ENTRIES * sizeof(*keys)), *count = exact(sizeof(*count)), at;
	uint64_t *values = exact(ENTRIES * sizeof(*values));

	for (at = 0; at < ENTRIES; at++) {
		keys[at] = at;
		values[at] = 100 + at;
	}
	check_refused_batches(fd, keys, values, count);
	*count = 0;
	IS(bpfmap_update_many(fd, NULL, NULL, count), 0);
	IS(bpfmap_lookup_all(fd, NULL, NULL, count), 0);
	IS(bpfmap_delete_many(fd, NULL, count), 0);
	check_whole_batches(fd, keys, values, count);
	close(fd);
}

/* A look-up remembers where it stopped by a whole key; no other map that knows look-ups has longer ones. */
void check_long_keys(void)
{
	const int fd =
		make_map(BPF_MAP_TYPE_LPM_TRIE, TRIE_KEY, sizeof(uint64_t), 2, BPF_F_NO_PREALLOC);
	const uint32_t bits = 8;
	uint32_t *count = exact(sizeof(*count));
	char *keys = exact(2 * TRIE_KEY), *key = exact(TRIE_KEY), *values = exact(2 * 8);

	memcpy(key, &bits, sizeof(bits));
	key[sizeof(bits)] = 1;
	IS(bpfmap_update(fd, key, values), 0);
	key[sizeof(bits)] = 2;
	IS(bpfmap_update(fd, key, values), 0);
	*count = 2;
	IS(bpfmap_lookup_all(fd, keys, values, count), 0);
	IS(*count, 2);
	*count = 2;
	IS(bpfmap_lookup_all(fd, keys + 1, values, count), -EFAULT);
	close(fd);
}

static uint32_t *indexes_of(uint32_t one, uint32_t other)
{
	uint32_t *indexes = exact(2 * sizeof(*indexes));

	indexes[0] = one;
	indexes[1] = other;
	return indexes;
}

void check_sums(uint32_t cpus)
{
	const int fd = make_map(BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(uint32_t),
				WORDS * sizeof(uint64_t), ENTRIES, 0);
	const uint32_t last = ENTRIES - 1, *indexes = indexes_of(last, 0);
	uint64_t *scratch = exact(cpus * WORDS * sizeof(*scratch)), *values;
	uint64_t *sums = exact(2 * WORDS * sizeof(*sums));
	uint32_t cpu;

	values = exact(cpus * WORDS * sizeof(*values));
	for (cpu = 0; cpu < cpus; cpu++) {
		values[cpu * WORDS] = 1ULL << 40;
		values[cpu * WORDS + 1] = cpu;
	}
	IS(bpfmap_update(fd, &last, values), 0);
	IS(bpfmap_sum_per_cpu(fd, indexes, 2, sums, WORDS, scratch, cpus), 0);
	IS((long)sums[0], (long)cpus << 40);
	IS((long)sums[1], (long)cpus * (cpus - 1) / 2);
	IS(sums[2] || sums[3], 0);

	IS(bpfmap_sum_per_cpu(fd, NULL, 0, NULL, WORDS, NULL, cpus), 0);
	IS(bpfmap_sum_per_cpu(fd, NULL, 1, sums, WORDS, scratch, cpus), -EFAULT);
	IS(bpfmap_sum_per_cpu(fd, indexes, 1, sums, WORDS, NULL, cpus), -EFAULT);
	IS(bpfmap_sum_per_cpu(fd, indexes, 1, sums, WORDS, scratch + 1, cpus), -EFAULT);
	IS(bpfmap_sum_per_cpu(fd, indexes + 1, 2, sums, WORDS, scratch, cpus), -EFAULT);
	IS(bpfmap_sum_per_cpu(NO_MAP, indexes, 1, sums, WORDS, scratch, cpus), -EBADF);
	indexes = indexes_of(last, ENTRIES);
	sums[0] = 0;
	IS(bpfmap_sum_per_cpu(fd, indexes, 2, sums, WORDS, scratch, cpus), -ENOENT);
	IS((long)sums[0], (long)cpus << 40);
	close(fd);
}
