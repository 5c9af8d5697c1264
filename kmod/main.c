// SPDX-License-Identifier: GPL-2.0-only
/* /dev/kevent, and the order in which the module comes up and goes. */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "queue.h"

static ushort mode = 0600;
module_param(mode, ushort, 0444);
MODULE_PARM_DESC(mode, "Permissions of /dev/kevent (default 0600)");

static char *index = "rbtree";
module_param(index, charp, 0444);
MODULE_PARM_DESC(index, "How a queue finds its kevents: rbtree (default), avl or rhashtable");

struct workqueue_struct *kevent_wq;

void kevent_info(struct kevent_info *info)
{
	u32 type;

	memset(info, 0, sizeof(*info));
	info->version = KEVENT_VERSION;
	info->max_mapped = KEVENT_MRING_MAX;
	info->index = kevent_index_kind();
	info->max_user_watches = kevent_max_user_watches();
	for (type = 0; type < KEVENT_MAX; type++)
		if (kevent_sources[type])
			info->types |= 1U << type;
}

static long device_init(struct kevent_init_args __user *user)
{
	struct kevent_init_args args;
	struct file *file;
	int fd;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	file = kevent_queue_open(&args);
	if (IS_ERR(file))
		return PTR_ERR(file);
	fd = get_unused_fd_flags(args.flags & KEVENT_INIT_CLOEXEC ? O_CLOEXEC : 0);
	if (fd >= 0 && copy_to_user(user, &args, sizeof(args))) {
		put_unused_fd(fd);
		fd = -EFAULT;
	}
	if (fd < 0)
		fput(file);
	else
		fd_install(fd, file);
	return fd;
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	struct kevent_info info;

	switch (cmd) {
	case KEVENT_IOC_INIT:
		return device_init(user);
	case KEVENT_IOC_INFO:
		kevent_info(&info);
		return copy_to_user(user, &info, sizeof(info)) ? -EFAULT : 0;
	default:
		return -ENOTTY;
	}
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kevent",
	.fops = &device_fops,
};

static int __init kevent_init(void)
{
	int result;

	BUILD_BUG_ON(sizeof(struct ukevent) != 40);
	result = kevent_index_choose(index);
	if (result) {
		pr_err("kevent: no index %s\n", index);
		return result;
	}
	kevent_limits_init();
	kevent_wq = alloc_workqueue("kevent", WQ_UNBOUND, 0);
	if (!kevent_wq)
		return -ENOMEM;
	result = kevent_close_init();
	if (result)
		goto out_wq;
	result = kevent_sources_init();
	if (result)
		goto out_close;
	kevent_stats_init();
	device.mode = mode & 0777;
	result = misc_register(&device);
	if (result)
		goto out_stats;
	return 0;

out_stats:
	kevent_stats_exit();
	kevent_sources_exit();
out_close:
	kevent_close_exit();
out_wq:
	destroy_workqueue(kevent_wq);
	return result;
}

/* No queue is open, or the module could not go; but some may still wait for their grace period. */
static void __exit kevent_exit(void)
{
	misc_deregister(&device);
	kevent_stats_exit();
	rcu_barrier();
	flush_workqueue(kevent_wq);
	kevent_sources_exit();
	kevent_close_exit();
	destroy_workqueue(kevent_wq);
}

module_init(kevent_init);
module_exit(kevent_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("kevent: one interface for every kind of event");
