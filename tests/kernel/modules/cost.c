// SPDX-License-Identifier: GPL-2.0
/*
 * cost: count what one gup call costs, from inside the kernel.
 *
 * Under QEMU's -icount shift=0 a tick of the time-stamp counter, and of arm64's cycle counter, is
 * one guest instruction, so the difference of two readings counts instructions.  Nothing is timed:
 * no cache, no contention.
 */
#include <linux/debugfs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "cost.h"

#ifdef CONFIG_X86
#include <asm/tsc.h>
#define counter() rdtsc_ordered()
static void start_counter(void)
{
}
#else
#include <asm/barrier.h>
#include <asm/sysreg.h>

static u64 counter(void)
{
	isb();
	return read_sysreg(pmccntr_el0);
}

static void start_counter(void)	/* all 64 bits, at every level; the kernel leaves it off */
{
	write_sysreg(0, pmccfiltr_el0);
	write_sysreg(1ul << 31, pmcntenset_el0);
	write_sysreg(1ul << 6 | 1, pmcr_el0);
	isb();
}
#endif

static struct page **pages;
static struct dentry *file;

static noinline long empty_call(unsigned long address, int count, unsigned int flags,
				struct page **into)
{
	barrier();
	return count;
}

static long cost_ioctl(struct file *unused, unsigned int command, unsigned long argument)
{
	struct cost_request request;
	unsigned int flags;
	u64 before, after;
	long i, got;

	if (copy_from_user(&request, (void __user *)argument, sizeof(request)))
		return -EFAULT;
	if (request.pages > COST_MOST_PAGES)
		return -EINVAL;
	flags = request.write ? FOLL_WRITE : 0;
	switch (request.call) {
	case COST_EMPTY:
		before = counter();
		got = empty_call(request.address, request.pages, flags, pages);
		after = counter();
		break;
	case COST_FAST:
		before = counter();
		got = get_user_pages_fast(request.address, request.pages, flags, pages);
		after = counter();
		break;
	case COST_SLOW:
		before = counter();
		got = get_user_pages_unlocked(request.address, request.pages, pages, flags);
		after = counter();
		break;
	default:
		return -EINVAL;
	}
	if (request.call != COST_EMPTY)
		for (i = 0; i < got; i++)
			put_page(pages[i]);
	request.got = got;
	request.instructions = after - before;
	return copy_to_user((void __user *)argument, &request, sizeof(request)) ? -EFAULT : 0;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = cost_ioctl,
};

static int __init cost_init(void)
{
	pages = kcalloc(COST_MOST_PAGES, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	start_counter();
	file = debugfs_create_file("gup_cost", 0600, NULL, NULL, &operations);
	return 0;
}

static void __exit cost_exit(void)
{
	debugfs_remove(file);
	kfree(pages);
}

module_init(cost_init);
module_exit(cost_exit);
MODULE_DESCRIPTION("Count the instructions of one gup call");
MODULE_LICENSE("GPL");
