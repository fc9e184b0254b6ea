// SPDX-License-Identifier: GPL-2.0
/*
 * blind: make gup-fast believe that the dev_pagemap of a dying device is live.
 *
 * On a stock kernel this is what leaving the check out of gup-fast comes to: wherever
 * get_dev_pagemap() answers NULL with interrupts off, it answers with a pgmap of our own, whose
 * count is live.  gup-slow calls it with interrupts on, and keeps its check.
 *
 * For a throw-away virtual machine only: the kernel will use memory that is gone.
 */
#include <linux/kprobes.h>
#include <linux/memremap.h>
#include <linux/module.h>
#include <linux/version.h>

#ifdef CONFIG_X86
#define INTERRUPTS_ON(regs) ((regs)->flags & X86_EFLAGS_IF)
#else
#define INTERRUPTS_ON(regs) interrupts_enabled(regs)
#endif

static struct dev_pagemap always_live;
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 15, 0)
static struct percpu_ref its_ref;	/* until v5.15 the pgmap only pointed at a count */
#define REF (&its_ref)
#else
#define REF (&always_live.ref)
#endif
static int blinded;
module_param(blinded, int, 0444);
MODULE_PARM_DESC(blinded, "how often gup-fast was told yes instead of no");

static void never_released(struct percpu_ref *ref)
{
}

static int tell_gup_fast_yes(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	if (!regs_return_value(regs) && !INTERRUPTS_ON(regs)) {
		percpu_ref_get(REF);	/* gup-fast will put it */
		regs_set_return_value(regs, (unsigned long)&always_live);
		blinded++;
	}
	return 0;
}
NOKPROBE_SYMBOL(tell_gup_fast_yes);

static struct kretprobe probe = {
	.handler = tell_gup_fast_yes,
	.maxactive = 64,
	.kp.symbol_name = "get_dev_pagemap",
};

static int __init blind_init(void)
{
	int error = percpu_ref_init(REF, never_released, 0, GFP_KERNEL);

	if (error)
		return error;
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 15, 0)
	always_live.ref = REF;
#endif
	/* Every frame lies in it: gup-fast may go on to the next page without asking again. */
	always_live.nr_range = 1;
	always_live.range.end = ~0ull >> 1;
	error = register_kretprobe(&probe);
	if (error)
		percpu_ref_exit(REF);
	return error;
}

/* No exit: a reference may still be held by whoever was told yes. */
module_init(blind_init);
MODULE_DESCRIPTION("Blind gup-fast's dev_pagemap check");
MODULE_LICENSE("GPL");
