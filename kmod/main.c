// SPDX-License-Identifier: GPL-2.0-only
/* /dev/kevent, and the order in which the module comes up and goes. */
#include <linux/module.h>

#include "kevent_core.h"

static int __init kevent_init(void)
{
	return 0;
}

static void __exit kevent_exit(void)
{
}

module_init(kevent_init);
module_exit(kevent_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("kevent: one interface for every kind of event");
