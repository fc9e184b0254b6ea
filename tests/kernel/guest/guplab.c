// SPDX-License-Identifier: MIT
/*
 * guplab: what runs inside the guest: the threads of the mail, and an observer.
 *
 * The observer (the parent) starts thread 1, which maps a DAX file, and thread 2, which unbinds
 * the driver, as processes of their own: a kernel oops takes one of them away and leaves the
 * observer standing.  What is seen goes to standard output, one fact a line:
 *
 *	FACT name value
 *
 * and every fact is also written into the kernel's trace, so that it has its place in the order
 * of events.  Times are the guest's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cost.h"

#define PAGE 4096ul
#define HUGE (2ul << 20)
#define DAX_FILE "/mnt/daxfile1"
#define OTHER_DISK "/dev/nullb0"	/* null_blk: a disk of no size that can be made slow */
#define DRIVER "/sys/bus/nd/drivers/nd_pmem/"
#define NAMESPACE "namespace0.0"
#define OLD 0xA5			/* what the DAX file holds */
#define NEW 0x5A			/* what the next owner of the frames writes */

static int trace = -1;
static bool read_pagemap;		/* reading it touches the struct page where there is no devmap bit */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void pause_ms(int milliseconds)
{
	usleep(milliseconds * 1000);
}

static void die(const char *what)
{
	printf("FACT failed %s: %s\n", what, strerror(errno));
	exit(1);
}

__attribute__((format(printf, 2, 3)))
static void fact(const char *name, const char *format, ...)
{
	char line[256];
	int length = snprintf(line, sizeof(line), "FACT %s ", name);
	va_list arguments;

	va_start(arguments, format);
	length += vsnprintf(line + length, sizeof(line) - length - 1, format, arguments);
	va_end(arguments);
	line[length++] = '\n';
	if (write(1, line, length) != length)
		exit(1);
	/* Fails where the tracer is off, and it is off after an oops. */
	if (write(trace, line, length) < 0)
		return;
}

/* Say how a system call ended: a number, or the name of the error. */
static void fact_result(const char *name, ssize_t result)
{
	if (result >= 0)
		fact(name, "%zd", result);
	else
		fact(name, "%s", strerrorname_np(errno));
}

/* --- Thread 1's memory ----------------------------------------------------------------------- */

static void fill(int file, size_t length, int byte)
{
	char *bytes = malloc(HUGE);

	memset(bytes, byte, HUGE);
	for (size_t at = 0; at < length; at += HUGE) {
		size_t some = length - at < HUGE ? length - at : HUGE;

		if (pwrite(file, bytes, some, at) != (ssize_t)some)
			die("pwrite");
	}
	fsync(file);
	free(bytes);
}

static void make_file(const char *path, size_t length, int byte)
{
	int file = open(path, O_RDWR | O_CREAT, 0600);

	if (file < 0)
		die(path);
	fill(file, length, byte);
	close(file);
}

/* Map a page of the DAX file and touch it, so that a PTE is there. */
static volatile unsigned char *map_page(bool write)
{
	int file = open(DAX_FILE, O_RDWR);
	volatile unsigned char *page =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	if (file < 0 || page == MAP_FAILED)
		die("mmap");
	close(file);
	if (page[0] != OLD)
		die("first load");
	if (write)
		page[0] = OLD;
	return page;
}

/* Is there a PTE, and which frame does it name? */
static void fact_pte(const char *name, volatile void *page)
{
	int file = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	if (!read_pagemap)
		return fact(name, "not read");
	if (pread(file, &entry, 8, (uintptr_t)page / PAGE * 8) != 8)
		die("pagemap");
	close(file);
	if (entry >> 63)
		fact(name, "pfn 0x%llx", (unsigned long long)entry & ((1ull << 55) - 1));
	else
		fact(name, "absent");
}

static sigjmp_buf caught;

static void on_signal(int number)
{
	siglongjmp(caught, number);
}

static void fact_touch(const char *name, volatile unsigned char *page, bool store)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_NODEFER };
	int number;

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	number = sigsetjmp(caught, 1);
	if (number) {
		fact(name, "SIG%s", sigabbrev_np(number));
		return;
	}
	if (store)
		page[0] = NEW;
	fact(name, "0x%02x", page[0]);
}

/* --- Thread 2 -------------------------------------------------------------------------------- */

static void write_driver(const char *what)
{
	char path[128];
	int file;

	snprintf(path, sizeof(path), DRIVER "%s", what);
	file = open(path, O_WRONLY);
	if (file < 0 || write(file, NAMESPACE "\n", sizeof(NAMESPACE)) < 0)
		die(path);
	close(file);
}

static pid_t start_unbind(void)
{
	pid_t child = fork();

	if (child)
		return child;
	fact("unbind", "begins");
	write_driver("unbind");
	fact("unbind", "returns");
	_exit(0);
}

/* --- The observer ---------------------------------------------------------------------------- */

/* Add what the tracer has to a file: turning it on again empties it. */
static void keep_trace(void)
{
	int from = open("/sys/kernel/tracing/trace", O_RDONLY);
	int into = open("/trace", O_WRONLY | O_CREAT | O_APPEND, 0600);
	char bytes[PAGE];
	ssize_t length;

	if (from < 0 || into < 0)
		die("trace");
	while ((length = read(from, bytes, sizeof(bytes))) > 0)
		if (write(into, bytes, length) != length)
			die("trace");
	close(from);
	close(into);
}

static void stop_tracing(void)
{
	int file = open("/sys/kernel/tracing/tracing_on", O_WRONLY);

	if (file < 0 || write(file, "0", 1) != 1)
		die("tracing_on");
	close(file);
}

/* The kernel itself stops its tracer at an oops. */
static void go_on_tracing(void)
{
	int file = open("/sys/kernel/tracing/tracing_on", O_RDWR);
	char on;

	if (file < 0 || pread(file, &on, 1, 0) != 1)
		die("tracing_on");
	if (on == '0') {
		keep_trace();
		if (write(file, "1", 1) != 1)
			die("tracing_on");
	}
	close(file);
}

/* Wait until a process ends; return false if it does not in that time. */
static bool ends_within(pid_t child, double seconds, int *status)
{
	double end = now() + seconds;

	while (now() < end) {
		if (waitpid(child, status, WNOHANG) == child)
			return true;
		pause_ms(1);
	}
	return false;
}

static void fact_end(const char *name, int status)
{
	if (WIFSIGNALED(status))
		fact(name, "killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		fact(name, "exit %d", WEXITSTATUS(status));
}

/* A process that is still in its call: say where, and what it takes to end it. */
static void fact_still_running(const char *what, pid_t child)
{
	char name[64], path[64], line[512], stack[2048], state = '?';
	unsigned long in_user = 0, in_kernel = 0;
	int status, length, file;
	double asked;

	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	file = open(path, O_RDONLY);
	length = read(file, line, sizeof(line) - 1);
	line[length > 0 ? length : 0] = 0;
	close(file);
	sscanf(strrchr(line, ')') + 2, "%c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &state,
	       &in_user, &in_kernel);
	snprintf(name, sizeof(name), "%s.still", what);
	/* Ticks of 10 ms: a spinning process has spent its time, a waiting one has not. */
	fact(name, "%s", in_kernel >= 20 ? "spins in the kernel" : state == 'D' ? "blocked" : "waits");
	snprintf(path, sizeof(path), "/proc/%d/stack", child);
	file = open(path, O_RDONLY);
	length = read(file, stack, sizeof(stack) - 1);
	stack[length > 0 ? length : 0] = 0;
	close(file);
	snprintf(name, sizeof(name), "%s.stack", what);
	for (char *entry = strtok(stack, "\n"); entry; entry = strtok(NULL, "\n"))
		fact(name, "%s", strchr(entry, ']') ? strchr(entry, ']') + 2 : entry);
	asked = now();
	kill(child, SIGKILL);
	snprintf(name, sizeof(name), "%s.kill", what);
	if (ends_within(child, 3, &status))
		fact(name, "ends it within %d ms", (int)((now() - asked) * 1e3) + 1);
	else
		fact(name, "does not end it");
}

/* --- Children with a gate: they say when they are ready, and wait until they may go on -------- */

static int ready[2], gate[2];

static struct child {
	pid_t pid;
	int gate;
} start(void (*run)(int), int argument)
{
	struct child child;
	char byte;

	if (pipe(ready) || pipe(gate))
		die("pipe");
	child.pid = fork();
	child.gate = gate[1];
	if (!child.pid) {
		run(argument);
		_exit(0);
	}
	close(ready[1]);
	close(gate[0]);
	if (read(ready[0], &byte, 1) != 1)
		die("a child");
	close(ready[0]);
	return child;
}

static void say_ready(void)
{
	if (write(ready[1], "", 1) != 1)
		die("ready");
	close(ready[1]);
}

static void wait_at_gate(void)
{
	char byte;

	if (read(gate[0], &byte, 1) != 1)
		die("gate");
}

static void let(struct child child)
{
	if (write(child.gate, "", 1) != 1)
		die("gate");
}

/* Thread 1 has a pin; unbind; who is done first?  After `hold_ms`, if any, thread 1 is let go. */
static void watch(struct child thread1, int hold_ms)
{
	pid_t thread2 = start_unbind();
	bool unbound = false, ended = false;
	int status;
	double begin = now(), end = begin + 8;

	while (now() < end && !(unbound && ended)) {
		if (hold_ms && now() - begin > hold_ms * 1e-3) {
			hold_ms = 0;
			let(thread1);
		}
		if (!unbound && waitpid(thread2, &status, WNOHANG) == thread2) {
			unbound = true;
			fact("unbind.ms", "%d", (int)((now() - begin) * 1e3));
		}
		if (!ended && waitpid(thread1.pid, &status, WNOHANG) == thread1.pid) {
			ended = true;
			fact_end("thread1", status);
		}
		pause_ms(5);
	}
	if (!unbound)
		fact_still_running("unbind", thread2);
	if (!ended)
		fact_still_running("thread1", thread1.pid);
}

/* --- Scenario: direct I/O in flight ---------------------------------------------------------- */

static void read_into_mapping(int unused)
{
	volatile unsigned char *page = map_page(true);
	int disk = open(OTHER_DISK, O_RDONLY | O_DIRECT);

	if (disk < 0)
		die(OTHER_DISK);
	fact_pte("pte.before", page);
	say_ready();
	fact("io", "begins");
	fact_result("io.result", pread(disk, (void *)page, PAGE, 0));
	fact_pte("pte.after", page);
}

static void direct_io(void)
{
	struct child thread1 = start(read_into_mapping, 0);

	pause_ms(300);
	watch(thread1, 0);
}

/* --- Scenario: a page held by vmsplice ------------------------------------------------------- */

static void splice_and_hold(int unused)
{
	volatile unsigned char *page = map_page(false);
	struct iovec bytes = { (void *)page, PAGE };
	int ends[2];

	if (pipe(ends))
		die("pipe");
	fact_pte("pte.before", page);
	fact_result("vmsplice.result", vmsplice(ends[1], &bytes, 1, 0));
	say_ready();
	wait_at_gate();
	fact("pin.ends", "now");
	close(ends[0]);
	close(ends[1]);
	fact("pin.ended", "now");
}

static void hold(void)
{
	watch(start(splice_and_hold, 0), 1500);
}

/* --- Scenario: probes on a stale PTE --------------------------------------------------------- */

enum zap { ZAP_NEVER, ZAP_BEFORE, ZAP_AFTER };

static const struct probe {
	const char *name;
	bool write;
} PROBES[] = {
	{ "load", false },
	{ "store", true },
	{ "gup-read-vmsplice", false },
	{ "gup-read-pwrite", false },
	{ "gup-write-pread", true },
	{ "gup-slow-process_vm_readv", false },
};
#define HOW_MANY (sizeof(PROBES) / sizeof(*PROBES))

static enum zap when;

static void zap(volatile void *page)
{
	if (madvise((void *)page, PAGE, MADV_DONTNEED))
		die("madvise");
}

static void probe(int number)
{
	const struct probe *probe = &PROBES[number];
	volatile unsigned char *page = map_page(probe->write);
	struct iovec bytes = { (void *)page, PAGE }, byte = { (char[1]){ 0 }, 1 };
	int disk = open(OTHER_DISK, (number == 3 ? O_WRONLY : O_RDONLY) | O_DIRECT), ends[2];
	char name[64];

	if (disk < 0 || pipe(ends))
		die(OTHER_DISK);
	say_ready();
	wait_at_gate();			/* until just before unbind */
	if (when == ZAP_BEFORE)
		zap(page);
	wait_at_gate();			/* until after it */
	if (when == ZAP_AFTER)
		zap(page);
	snprintf(name, sizeof(name), "%s.pte", probe->name);
	fact_pte(name, page);
	snprintf(name, sizeof(name), "%s.result", probe->name);
	errno = 0;
	switch (number) {
	case 0:
	case 1:
		fact_touch(name, page, probe->write);
		break;
	case 2:
		fact_result(name, vmsplice(ends[1], &bytes, 1, 0));
		break;
	case 3:
		fact_result(name, pwrite(disk, (void *)page, PAGE, 0));
		break;
	case 4:
		fact_result(name, pread(disk, (void *)page, PAGE, 0));
		break;
	case 5:
		bytes.iov_len = 1;
		fact_result(name, process_vm_readv(getpid(), &byte, 1, &bytes, 1, 0));
		break;
	}
}

static void unbind_now(void)
{
	pid_t thread2 = start_unbind();
	int status;

	if (!ends_within(thread2, 8, &status))
		fact_still_running("unbind", thread2);
}

static void run_probe(int number, struct child child)
{
	char name[64];
	bool ended;
	int status;

	go_on_tracing();
	let(child);
	ended = ends_within(child.pid, 0.005, &status);
	if (!ended) {
		stop_tracing();	/* what spins would fill the trace with the same few events */
		ended = ends_within(child.pid, 0.5, &status);
	}
	if (!ended)
		return fact_still_running(PROBES[number].name, child.pid);
	snprintf(name, sizeof(name), "%s.end", PROBES[number].name);
	fact_end(name, status);
}

static void probes(enum zap zap)
{
	struct child started[HOW_MANY];

	when = zap;
	for (unsigned i = 0; i < HOW_MANY; i++)
		started[i] = start(probe, i);
	for (unsigned i = 0; i < HOW_MANY; i++)
		let(started[i]);
	pause_ms(100);
	unbind_now();
	for (unsigned i = 0; i < HOW_MANY; i++)
		run_probe(i, started[i]);
}

/* --- Scenario: unbind, bind again, and a new owner ------------------------------------------- */

static void rebind(void)
{
	struct child load = start(probe, 0), splice = start(probe, 2);

	let(load);
	let(splice);
	pause_ms(100);
	unbind_now();
	write_driver("bind");
	fact("bind", "returns");
	pause_ms(500);
	make_file("/dev/pmem0", 96ul << 20, NEW);	/* the old file lies somewhere in there */
	fact("new.owner", "writes 0x%02x", NEW);
	run_probe(0, load);
	run_probe(2, splice);
}

/* --- Scenario: gup-fast against unbind on two CPUs ------------------------------------------- */

static void on_cpu(int number)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static void splice_for_ever(int unused)
{
	volatile unsigned char *page = map_page(false);
	struct iovec bytes = { (void *)page, PAGE };
	char scratch[PAGE];
	int ends[2];

	on_cpu(0);
	if (pipe(ends))
		die("pipe");
	say_ready();
	wait_at_gate();
	fact("loop", "begins");
	/* Each call pins the page and each read lets it go. */
	while (vmsplice(ends[1], &bytes, 1, 0) == PAGE && read(ends[0], scratch, PAGE) == PAGE)
		;
	fact_result("loop.result", -1);
}

static void two_cpus(void)
{
	struct child thread1 = start(splice_for_ever, 0);
	pid_t thread2;
	int status;

	on_cpu(1);
	let(thread1);
	thread2 = start_unbind();
	if (!ends_within(thread2, 8, &status))
		fact_still_running("unbind", thread2);
	stop_tracing();
	if (!ends_within(thread1.pid, 0.5, &status))
		return fact_still_running("loop", thread1.pid);
	fact_end("loop.end", status);
}

/* --- Scenario: what a call costs ------------------------------------------------------------- */

static unsigned char *aligned(size_t offset)
{
	unsigned char *room = mmap(NULL, 3 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		die("mmap");
	return (unsigned char *)(((uintptr_t)room + HUGE - 1) & ~(HUGE - 1)) + offset;
}

static unsigned char *map_fixed(size_t offset, int file, size_t at)
{
	unsigned char *where = mmap(aligned(offset), HUGE, PROT_READ | PROT_WRITE,
				    MAP_FIXED | (file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED),
				    file, at);

	if (where == MAP_FAILED)
		die("mmap");
	return where;
}

static void count(int module, const char *memory, unsigned char *at, unsigned call, unsigned write,
		  unsigned pages)
{
	static const char *const CALL[] = { "empty", "fast", "slow" };
	unsigned long long least = ~0ull, most = 0;

	for (int round = 0; round < 9; round++) {
		struct cost_request request = {
			.address = (uintptr_t)at, .pages = pages, .call = call, .write = write,
		};

		if (ioctl(module, 0, &request))
			die("gup_cost");
		if (request.got != (int)pages) {
			fact("failed", "%s %s got %d of %u", memory, CALL[call], request.got, pages);
			return;
		}
		if (!round)
			continue;	/* warms up */
		least = request.instructions < least ? request.instructions : least;
		most = request.instructions > most ? request.instructions : most;
	}
	printf("COST %s %s %u %u %llu %llu\n", memory, CALL[call], write, pages, least, most);
}

static void cost(void)
{
	static const char *const MEMORY[] = { "anonymous", "fsdax", "anonymous-2M", "fsdax-2M" };
	static const unsigned PAGES[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 511, 512 };
	int file = open("/mnt/huge", O_RDWR | O_CREAT, 0600);
	int module = open("/sys/kernel/debug/gup_cost", O_RDWR);
	unsigned char *memory[4];

	if (file < 0 || module < 0 || fallocate(file, 0, 0, 4 * HUGE))
		die("fallocate");
	fill(file, 4 * HUGE, OLD);
	memory[0] = map_fixed(0, -1, 0);
	madvise(memory[0], HUGE, MADV_NOHUGEPAGE);
	/* Offset and address differ modulo 2 MiB: no huge mapping is possible. */
	memory[1] = map_fixed(0, file, PAGE);
	memory[2] = map_fixed(0, -1, 0);
	madvise(memory[2], HUGE, MADV_HUGEPAGE);
	memory[3] = map_fixed(0, file, 2 * HUGE);	/* pages that no small mapping has */
	for (int i = 0; i < 4; i++)
		for (size_t at = 0; at < HUGE; at += PAGE)
			memory[i][at] = 1;
	count(module, "none", memory[0], COST_EMPTY, 0, 1);
	for (int i = 0; i < 4; i++)
		for (unsigned call = COST_FAST; call <= COST_SLOW; call++)
			for (unsigned write = 0; write < 2; write++)
				for (unsigned n = 0; n < sizeof(PAGES) / sizeof(*PAGES); n++)
					count(module, MEMORY[i], memory[i], call, write, PAGES[n]);
	/* 512 pages in two page tables: one lookup more. */
	memory[1] = map_fixed(HUGE / 2, file, PAGE + HUGE / 2);
	for (size_t at = 0; at < HUGE; at += PAGE)
		memory[1][at] = 1;
	for (unsigned call = COST_FAST; call <= COST_SLOW; call++)
		count(module, "fsdax-two-tables", memory[1], call, 1, 512);
}

/* --- Which ----------------------------------------------------------------------------------- */

int main(int arguments, char **argument)
{
	const char *name = arguments > 1 ? argument[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	trace = open("/sys/kernel/tracing/trace_marker", O_WRONLY);
	read_pagemap = access("/no_pagemap", F_OK);
	make_file(DAX_FILE, HUGE, OLD);
	if (!strcmp(name, "direct-io"))
		direct_io();
	else if (!strcmp(name, "hold"))
		hold();
	else if (!strcmp(name, "probes"))
		probes(ZAP_NEVER);
	else if (!strcmp(name, "probes-zapped-before"))
		probes(ZAP_BEFORE);
	else if (!strcmp(name, "probes-zapped-after"))
		probes(ZAP_AFTER);
	else if (!strcmp(name, "rebind"))
		rebind();
	else if (!strcmp(name, "two-cpus"))
		two_cpus();
	else if (!strcmp(name, "cost"))
		cost();
	else
		return 2;
	fact("end", "%s", name);
	keep_trace();
	return 0;
}
