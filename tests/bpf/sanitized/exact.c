/* SPDX-License-Identifier: Apache-2.0 */
/* See exact.h. Called with a directory of a BPF file system and the number of possible CPUs. */
#include "exact.h"

#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void is(long result, long should, const char *expression, const char *file, int line)
{
	if (result == should)
		return;
	fprintf(stderr, "%s:%d: %s is %ld, should be %ld\n", file, line, expression, result,
		should);
	exit(1);
}

void *exact(size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t room = (size + page - 1) / page * page;
	char *memory =
		mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	IS(memory != MAP_FAILED && mprotect(memory + room, page, PROT_NONE) == 0, 1);
	memset(memory, 0xa5, room);
	ASAN_POISON_MEMORY_REGION(memory, room - size);
	return memory + room - size;
}

char *exact_string(const char *text)
{
	return strcpy(exact(strlen(text) + 1), text);
}

int make_map(enum bpf_map_type type, uint32_t key_size, uint32_t value_size, uint32_t max_entries,
	     uint32_t flags)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = key_size;
	attr.value_size = value_size;
	attr.max_entries = max_entries;
	attr.map_flags = flags;
	fd = (int)syscall(__NR_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	IS(fd < 0 ? errno : 0, 0);
	return fd;
}

int load_program(const struct bpf_insn *instructions, uint32_t count)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.insns = (uintptr_t)instructions;
	attr.insn_cnt = count;
	attr.license = (uintptr_t) "Apache-2.0";
	fd = (int)syscall(__NR_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	IS(fd < 0 ? errno : 0, 0);
	return fd;
}

int main(int count, char **arguments)
{
	IS(count, 3);
	check_pins(arguments[1]);
	check_elements();
	check_batches();
	check_long_keys();
	check_sums((uint32_t)strtoul(arguments[2], NULL, 10));
	check_infos();
	check_runs();
	puts("every call kept to its buffers");
	return 0;
}
