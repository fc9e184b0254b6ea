// SPDX-License-Identifier: GPL-2.0
/*
 * cure: the unbind of the mail, as a module.
 *
 * pmem's unbind calls kill_dax(), then del_gendisk(), then takes the struct pages away.  This
 * module steps in between the first two: it unmaps every file of the filesystem and then waits
 * for every walk that has read a PTE before.  New faults are refused by then (the DAX device is
 * dead); those under way hold the file's invalidate lock, for which we wait.
 *
 * wait=1 also waits for the pages that somebody holds, as the unbind of 5.10 does.
 * For a throw-away virtual machine only.
 */
#include <linux/dax.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/blkdev.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/rcupdate.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 15, 0)
#error "cure needs the invalidate lock of v5.15: older file systems lock faults out each in its own way"
#endif

static char *mount = "/mnt";
module_param(mount, charp, 0444);
MODULE_PARM_DESC(mount, "where the filesystem is mounted");
static bool wait;
module_param(wait, bool, 0444);
MODULE_PARM_DESC(wait, "wait for the pages that are pinned, as well");
static int files;
module_param(files, int, 0444);
MODULE_PARM_DESC(files, "how many files were unmapped");

static struct super_block *filesystem;

static void unmap_one(struct inode *inode)
{
	filemap_invalidate_lock(inode->i_mapping);	/* drains the faults that are under way */
	unmap_mapping_range(inode->i_mapping, 0, 0, 1);
	filemap_invalidate_unlock(inode->i_mapping);
	files++;
	/* What was pinned before goes on; only the kernel of the mail waited for it by itself. */
	while (wait && dax_layout_busy_page(inode->i_mapping))
		msleep(1);
}

static noinline void unmap_all_files(void)
{
	struct inode *inode, *last = NULL;

	spin_lock(&filesystem->s_inode_list_lock);
	list_for_each_entry(inode, &filesystem->s_inodes, i_sb_list) {
		if (!IS_DAX(inode) || !igrab(inode))
			continue;
		spin_unlock(&filesystem->s_inode_list_lock);
		iput(last);	/* not under the spinlock, and not before we stand on the next one */
		last = inode;
		unmap_one(inode);
		spin_lock(&filesystem->s_inode_list_lock);
	}
	spin_unlock(&filesystem->s_inode_list_lock);
	iput(last);
}

/* Stands in for del_gendisk(). */
static void unmap_then_del_gendisk(struct gendisk *disk)
{
	if (filesystem && filesystem->s_bdev->bd_disk == disk) {
		unmap_all_files();
		synchronize_rcu();	/* gup-fast walks with interrupts off: a reader */
		filesystem = NULL;
	}
	del_gendisk(disk);
	barrier();	/* no tail call: redirect() must see that this call is ours */
}

static void notrace redirect(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct ftrace_regs *fregs)
{
	/* Our own call of del_gendisk() goes through. */
	if (within_module(parent_ip, THIS_MODULE))
		return;
#if !defined(CONFIG_DYNAMIC_FTRACE_WITH_REGS)
	ftrace_regs_set_instruction_pointer(fregs, (unsigned long)unmap_then_del_gendisk);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
	ftrace_get_regs(fregs)->ip = (unsigned long)unmap_then_del_gendisk;
#else
	arch_ftrace_regs(fregs)->regs.ip = (unsigned long)unmap_then_del_gendisk;
#endif
}

/* arm64 keeps the arguments and the program counter, which is all that is needed. */
#ifdef CONFIG_DYNAMIC_FTRACE_WITH_REGS
#define KEEPS FTRACE_OPS_FL_SAVE_REGS
#else
#define KEEPS 0
#endif

static struct ftrace_ops hook = {
	.func = redirect,
	.flags = KEEPS | FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_RECURSION,
};

static int __init cure_init(void)
{
	struct path path;
	int error = kern_path(mount, LOOKUP_DIRECTORY, &path);

	if (error)
		return error;
	filesystem = path.dentry->d_sb;	/* stays: nobody unmounts in this lab */
	path_put(&path);
	error = ftrace_set_filter(&hook, "del_gendisk", strlen("del_gendisk"), 0);
	return error ? error : register_ftrace_function(&hook);
}

/* No exit: the unbind may be inside the hook. */
module_init(cure_init);
MODULE_DESCRIPTION("Unmap all files of a filesystem when its disk goes");
MODULE_LICENSE("GPL");
