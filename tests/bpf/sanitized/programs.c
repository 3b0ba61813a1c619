/* SPDX-License-Identifier: Apache-2.0 */
/* Pins, what the kernel tells about maps and programs, and runs of a program. See exact.h. */
#include "exact.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NO_FD	  (-1)
#define MANY_MAPS 40 /* more than struct bpfmap_program_info has room for */
#define FRAME	  60
#define NO_ID	  0x7fffffff
#define TOO_LONG  (PATH_MAX + 1)
#define SLACK	  64

/* Every kind of path that is none; then the errors that only a file system can give. */
static void check_refused_paths(const char *directory, int fd)
{
	char *endless = exact(TOO_LONG), *missing = exact_string("/nowhere/at/all");

	memset(endless, 'x', TOO_LONG - 1);
	endless[TOO_LONG - 1] = 0;
	IS(bpfmap_get_pin(NULL), -EFAULT);
	IS(bpfmap_pin(fd, NULL), -EFAULT);
	IS(bpfmap_is_bpffs(exact_string("")), -ENOENT);
	IS(bpfmap_get_pin(exact_string("")), -ENOENT);
	IS(bpfmap_pin(fd, exact_string("")), -ENOENT);
	IS(bpfmap_is_bpffs(missing), -ENOENT);
	IS(bpfmap_get_pin(missing), -ENOENT);
	IS(bpfmap_pin(fd, missing), -ENOENT);
	IS(bpfmap_is_bpffs(endless), -ENAMETOOLONG);
	IS(bpfmap_get_pin(endless), -ENAMETOOLONG);
	IS(bpfmap_pin(fd, endless), -ENAMETOOLONG);
	IS(bpfmap_get_pin(exact_string(directory)), -EACCES);
	IS(bpfmap_get_pin(exact_string("/dev/null")), -EACCES);
	IS(bpfmap_pin(fd, exact_string("/tmp")), -EEXIST);
}

void check_pins(const char *directory)
{
	const int fd = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	char text[PATH_MAX], *path;
	int again;

	IS(bpfmap_is_bpffs(exact_string(directory)), 1);
	IS(bpfmap_is_bpffs(exact_string("/proc")), 0);
	check_refused_paths(directory, fd);
	snprintf(text, sizeof(text), "%s/one.two", directory);
	IS(bpfmap_pin(fd, exact_string(text)), -EPERM);
	snprintf(text, sizeof(text), "%s/one", directory);
	path = exact_string(text);
	IS(bpfmap_pin(NO_FD, path), -EINVAL);
	IS(bpfmap_pin(fd, path), 0);
	IS(bpfmap_pin(fd, path), -EEXIST);
	again = bpfmap_get_pin(path);
	IS(again >= 0, 1);
	IS(unlink(path), 0);
	close(again);
	close(fd);
}

/* A program that names so many maps and passes every frame. */
static int load_with_maps(uint32_t maps)
{
	struct bpf_insn instructions[2 * MANY_MAPS + 2], *next = instructions;

	memset(instructions, 0, sizeof(instructions));
	for (; maps > 0; maps--, next += 2) {
		next->code = BPF_LD | BPF_IMM | BPF_DW;
		next->dst_reg = BPF_REG_1;
		next->src_reg = BPF_PSEUDO_MAP_FD;
		next->imm = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	}
	next->code = BPF_ALU64 | BPF_MOV | BPF_K;
	next++->imm = XDP_PASS;
	next++->code = BPF_JMP | BPF_EXIT;
	return load_program(instructions, (uint32_t)(next - instructions));
}

void check_infos(void)
{
	const int map = make_map(BPF_MAP_TYPE_HASH, 5, 12, 3, BPF_F_NO_PREALLOC);
	const int program = load_with_maps(MANY_MAPS), small = load_with_maps(1);
	const int file = open("/dev/null", O_RDONLY);
	struct bpfmap_map_info *about = exact(sizeof(*about));
	struct bpfmap_program_info *told = exact(sizeof(*told)), *same = exact(sizeof(*same));
	int again;

	IS(bpfmap_map_info(map, about), 0);
	IS(about->type == BPF_MAP_TYPE_HASH && about->key_size == 5 && about->value_size == 12, 1);
	IS(about->max_entries == 3 && about->flags == BPF_F_NO_PREALLOC && about->name[0] == 0, 1);
	IS(bpfmap_program_info(program, told), 0);
	IS(told->type, BPF_PROG_TYPE_XDP);
	IS(told->maps, sizeof(told->map_ids) / sizeof(told->map_ids[0]));
	again = bpfmap_program_fd(told->id);
	IS(again >= 0, 1);
	IS(bpfmap_program_info(again, same), 0);
	IS(memcmp(told, same, sizeof(*told)), 0);
	IS(bpfmap_program_info(small, told), 0);
	IS(told->maps, 1);

	IS(bpfmap_map_info(NO_FD, about), -EBADFD);
	IS(bpfmap_map_info(file, about), -EINVAL);
	IS(bpfmap_program_info(NO_FD, told), -EBADFD);
	IS(bpfmap_program_info(file, told), -EINVAL);
	IS(bpfmap_program_fd(0), -ENOENT);
	IS(bpfmap_program_fd(NO_ID), -ENOENT);
	/* Of the other kind the kernel tells, too; what it tells means nothing, but it must fit. */
	IS(bpfmap_map_info(program, about), 0);
	IS(bpfmap_program_info(map, told), 0);
}

static void check_refused_runs(int program, const char *frame, char *out)
{
	const int map = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	uint32_t *length = exact(sizeof(*length)), *took = exact(sizeof(*took));

	*length = FRAME;
	IS(bpfmap_run(NO_FD, 0, frame, FRAME, out, length, 1, took), -EBADF);
	IS(bpfmap_run(map, 0, frame, FRAME, out, length, 1, took), -EINVAL);
	IS(bpfmap_run(program, 0, NULL, FRAME, out, length, 1, took), -EFAULT);
	IS(bpfmap_run(program, 0, frame + 1, FRAME, out, length, 1, took), -EFAULT);
	IS(bpfmap_run(program, 0, frame, FRAME, out + 1, length, 1, took), -EFAULT);
	IS(bpfmap_run(program, 0, frame, 0, out, length, 1, took), -EINVAL);
	IS(bpfmap_run(program, 0, frame, 13, out, length, 1, took), -EINVAL);
	IS(bpfmap_run(program, NO_ID, frame, FRAME, out, length, 1, took) < 0, 1);
	IS(*length, FRAME);
	*length = FRAME - 1;
	IS(bpfmap_run(program, 0, frame, FRAME, out + 1, length, 1, took), -ENOSPC);
	IS(*length, FRAME - 1);
	close(map);
}

void check_runs(void)
{
	const int program = load_with_maps(0);
	uint32_t *length = exact(sizeof(*length)), *took = exact(sizeof(*took));
	char *frame = exact(FRAME), *out = exact(FRAME), *roomy = exact(FRAME + SLACK);

	memset(frame, 7, FRAME);
	*length = FRAME;
	IS(bpfmap_run(program, 0, frame, FRAME, out, length, 1, took), XDP_PASS);
	IS(*length, FRAME);
	IS(memcmp(frame, out, FRAME), 0);
	*length = 0;
	IS(bpfmap_run(program, 0, frame, FRAME, NULL, length, 1, took), XDP_PASS);
	IS(*length, FRAME);
	*length = 0;
	IS(bpfmap_run(program, 0, frame, FRAME, out + FRAME, length, 1, took), XDP_PASS);
	*length = FRAME + SLACK;
	IS(bpfmap_run(program, 1, frame, FRAME, roomy, length, 3, took), XDP_PASS);
	IS(*length, FRAME);
	check_refused_runs(program, frame, out);
	close(program);
}
