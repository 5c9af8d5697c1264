// SPDX-License-Identifier: GPL-2.0-only
/* Statistics of queues: in fdinfo of each, and of all in debugfs. */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "close.h"
#include "queue.h"

static LIST_HEAD(queues);
static DEFINE_MUTEX(queues_mutex);
static struct dentry *directory;

void kevent_stats_add(struct kevent_queue *q)
{
	mutex_lock(&queues_mutex);
	list_add_tail(&q->all, &queues);
	mutex_unlock(&queues_mutex);
}

void kevent_stats_del(struct kevent_queue *q)
{
	mutex_lock(&queues_mutex);
	list_del(&q->all);
	mutex_unlock(&queues_mutex);
}

void kevent_stats_show(struct seq_file *m, struct kevent_queue *q)
{
	struct kevent_stats stats;
	u32 ready;
	u32 unread;

	spin_lock_irq(&q->lock);
	stats = q->stats;
	ready = q->nr_ready;
	unread = q->mring.ring ? kevent_mring_used(&q->mring) : 0;
	spin_unlock_irq(&q->lock);

	seq_printf(m, "registered:\t%u\nready:\t%u\nunread:\t%u\n", READ_ONCE(q->nr), ready,
		   unread);
	seq_printf(m, "ring-size:\t%u\nmapped-size:\t%u\n", q->uring.size, q->mring.entries);
	seq_printf(m, "added:\t%llu\nfailed:\t%llu\nimmediate:\t%llu\n", stats.added,
		   stats.failed, stats.immediate);
	seq_printf(m, "fired:\t%llu\nmerged:\t%llu\nspurious:\t%llu\n", stats.fired, stats.merged,
		   stats.spurious);
	seq_printf(m, "delivered:\t%llu\nringed:\t%llu\nposted:\t%llu\n", stats.delivered,
		   stats.ringed, stats.posted);
	seq_printf(m, "copy-failed:\t%llu\noverflows:\t%llu\nkicks:\t%llu\nmax-ready:\t%u\n",
		   stats.copy_failed, stats.overflows, stats.kicks, stats.max_ready);
	seq_printf(m, "close-watch:\t%s\n", kevent_close_how());
}

static int queues_show(struct seq_file *m, void *unused)
{
	struct kevent_queue *q;
	unsigned int nr = 0;

	mutex_lock(&queues_mutex);
	list_for_each_entry(q, &queues, all) {
		seq_printf(m, "queue:\t%u\n", nr++);
		kevent_stats_show(m, q);
	}
	mutex_unlock(&queues_mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(queues);

void kevent_stats_init(void)
{
	directory = debugfs_create_dir("kevent", NULL);
	debugfs_create_file("queues", 0400, directory, NULL, &queues_fops);
}

void kevent_stats_exit(void)
{
	debugfs_remove_recursive(directory);
}
