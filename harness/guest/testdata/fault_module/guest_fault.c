// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Misbehaves on request, so that the guest launcher's checks can be tested:
 * writing a word to the parameter "act" warns, oopses or panics.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

static int number;
module_param(number, int, 0444);

static int act_set(const char *value, const struct kernel_param *param)
{
	if (sysfs_streq(value, "warn"))
		WARN(1, "guest_fault: as requested\n");
	else if (sysfs_streq(value, "oops"))
		WRITE_ONCE(*(int *)8, 1);
	else if (sysfs_streq(value, "panic"))
		panic("guest_fault: as requested");
	else
		return -EINVAL;
	return 0;
}

static const struct kernel_param_ops act_ops = {
	.set = act_set,
};
module_param_cb(act, &act_ops, NULL, 0200);

MODULE_DESCRIPTION("Fails on request");
MODULE_LICENSE("Dual MIT/GPL");
