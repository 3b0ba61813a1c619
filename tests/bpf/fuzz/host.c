/* SPDX-License-Identifier: Apache-2.0 */
/* See host.h. */
#include "host.h"

#include <linux/bpf.h>
#include <sanitizer/asan_interface.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "bpf/bpf_helpers.h"

/* Counters begin with numbers of their own, so that one that is set, not moved, is seen. */
#define COUNTED_BEFORE(verdict) (1000 + 7 * (__u64)(verdict))

#define BEFORE 8 /* bytes that one byte of the sanitizer's books stands for */

int vipcast_l2(struct xdp_md *ctx);

/* The program's own maps: their places are their names. */
extern const char entries[], slots[], counters[];

static struct situation situation;
static struct vip_entry entry_memory;
static union vip_slot slot_memory[VIP_SLOTS];
static struct vip_counts count_memory[VIP_COUNTERS];
static __u8 *frame_page, *frame_end;

void finding(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("finding: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	abort();
}

__u64 bpf_ktime_get_ns(void)
{
	return situation.now;
}

/* The element that stands for the entry's counter, also when its number is none of the map's. */
static __u32 counter(void)
{
	return situation.counter < VIP_COUNTERS ? situation.counter : VIP_COUNTER_OTHER;
}

static void *handed_out(void *element, size_t size)
{
	ASAN_UNPOISON_MEMORY_REGION(element, size);
	return element;
}

void *bpf_map_lookup_elem(const void *map, const void *key)
{
	__u32 index;

	if (map == entries)
		return memcmp(key, &situation.key, sizeof(situation.key)) == 0
			       ? handed_out(&entry_memory, sizeof(entry_memory))
			       : NULL;
	memcpy(&index, key, sizeof(index));
	if (map == slots && (index == VIP_SLOT_NODE || index == situation.slot))
		return index < VIP_SLOTS
			       ? handed_out(&slot_memory[index], sizeof(slot_memory[index]))
			       : NULL;
	if (map == counters && index == situation.counter)
		return index < VIP_COUNTERS
			       ? handed_out(&count_memory[index], sizeof(count_memory[index]))
			       : NULL;
	finding("element %u of %s is none of this frame's", index,
		map == slots ? "slots" : "counters");
}

/* One page below 4 GiB, where 32 bits reach it, between two that nobody may touch. */
static void make_frame_page(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
	uintptr_t place;

	for (place = 1 << 28; place < 1 << 30; place += 1 << 24) {
		__u8 *memory = mmap((void *)place, 3 * page, PROT_NONE, flags, -1, 0);

		if (memory != (__u8 *)place)
			continue;
		if (mprotect(memory + page, page, PROT_READ | PROT_WRITE) != 0)
			break;
		frame_page = memory + page;
		frame_end = memory + 2 * page;
		return;
	}
	finding("no memory below 4 GiB for a frame");
}

/*
 * A frame begins at an even address, as the program may count on (parse.h). All around it is poisoned but
 * for the up to 7 bytes before it that share its first 8: those are looked at afterwards.
 */
static __u8 *placed(const __u8 *frame, size_t length)
{
	__u8 *start = frame_end - (length + length % 2);

	ASAN_UNPOISON_MEMORY_REGION(start - BEFORE, length + BEFORE);
	memset(start - BEFORE, 0xa5, BEFORE);
	memcpy(start, frame, length);
	ASAN_POISON_MEMORY_REGION(frame_page, (size_t)(frame_end - frame_page));
	ASAN_UNPOISON_MEMORY_REGION(start, length);
	return start;
}

static void take_back(const __u8 *start, size_t length, __u8 *frame)
{
	int at;

	ASAN_UNPOISON_MEMORY_REGION(start - BEFORE, length + BEFORE);
	for (at = -BEFORE; at < 0; at++)
		if (start[at] != 0xa5)
			finding("byte %d, before the frame, was written to", at);
	memcpy(frame, start, length);
}

/* Which of the maps' memory the program may touch is said by its look-ups; before and after them, all. */
static void allow_maps(void)
{
	ASAN_UNPOISON_MEMORY_REGION(&entry_memory, sizeof(entry_memory));
	ASAN_UNPOISON_MEMORY_REGION(slot_memory, sizeof(slot_memory));
	ASAN_UNPOISON_MEMORY_REGION(&count_memory[counter()], sizeof(count_memory[0]));
}

static void forbid_maps(void)
{
	ASAN_POISON_MEMORY_REGION(&entry_memory, sizeof(entry_memory));
	ASAN_POISON_MEMORY_REGION(slot_memory, sizeof(slot_memory));
	ASAN_POISON_MEMORY_REGION(&count_memory[counter()], sizeof(count_memory[0]));
}

static void fill_maps(void)
{
	__u32 verdict;

	memset(&entry_memory, 0, sizeof(entry_memory));
	entry_memory.state = situation.state;
	entry_memory.slot = situation.slot;
	entry_memory.term = situation.term;
	entry_memory.counter = situation.counter;
	memcpy(entry_memory.mac, situation.mac, sizeof(entry_memory.mac));
	memset(slot_memory, 0, sizeof(slot_memory));
	slot_memory[VIP_SLOT_NODE].node.fenced = situation.fenced;
	slot_memory[VIP_SLOT_NODE].node.heartbeat = situation.heartbeat;
	if (situation.slot < VIP_SLOTS)
		slot_memory[situation.slot].lease.until = situation.until;
	for (verdict = 0; verdict < VIP_VERDICTS; verdict++)
		count_memory[counter()].by[verdict] = COUNTED_BEFORE(verdict);
}

static void call_program(__u8 *start, size_t length, struct outcome *outcome)
{
	struct xdp_md context = {
		.data = (__u32)(uintptr_t)start,
		.data_end = (__u32)((uintptr_t)start + length),
		.data_meta = (__u32)(uintptr_t)start,
		.ingress_ifindex = situation.ingress,
		.rx_queue_index = 3,
	};
	const struct xdp_md context_before = context;
	const struct vip_entry entry_before = entry_memory;
	static union vip_slot slots_before[VIP_SLOTS];
	__u32 verdict;

	memcpy(slots_before, slot_memory, sizeof(slots_before));
	forbid_maps();
	outcome->action = vipcast_l2(&context);
	allow_maps();
	if (memcmp(&context, &context_before, sizeof(context)) != 0)
		finding("the context was written to");
	if (memcmp(&entry_memory, &entry_before, sizeof(entry_memory)) != 0)
		finding("the entry was written to");
	if (memcmp(slot_memory, slots_before, sizeof(slots_before)) != 0)
		finding("the slots were written to");
	for (verdict = 0; verdict < VIP_VERDICTS; verdict++)
		outcome->counted[verdict] =
			count_memory[counter()].by[verdict] - COUNTED_BEFORE(verdict);
}

void run(const struct situation *about, const __u8 *frame, size_t length, struct outcome *outcome)
{
	__u8 *start;

	if (!frame_page) {
		make_frame_page();
		ASAN_POISON_MEMORY_REGION(count_memory, sizeof(count_memory));
	}
	situation = *about;
	start = placed(frame, length);
	allow_maps();
	fill_maps();
	call_program(start, length, outcome);
	forbid_maps();
	take_back(start, length, outcome->frame);
}
