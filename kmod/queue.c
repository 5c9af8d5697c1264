// SPDX-License-Identifier: GPL-2.0-only
/* A queue from INIT to the last close. */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/log2.h>
#include <linux/poll.h>
#include <linux/sched/user.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "queue.h"

static void free_memory(struct kevent_queue *q)
{
	if (q->mring.ring) {
		vfree(q->mring.ring);
		kevent_uncharge_pages(q->user, q->mring_bytes >> PAGE_SHIFT);
	}
	free_uid(q->user);
	kevent_account_put(q->account);
	kfree(q);
}

static void drop_list(struct list_head *list)
{
	while (!list_empty(list)) {
		struct kevent *kev = list_first_entry(list, struct kevent, link);

		list_del_init(&kev->link);
		kevent_put(kev);
	}
}

/*
 * Nothing was attached any more when the grace period began; but a closing file may have taken hold
 * of a kevent before, and fires it within an RCU section. Only now is the queue still.
 */
static void free_after_grace(struct work_struct *work)
{
	struct kevent_queue *q = container_of(to_rcu_work(work), struct kevent_queue, free);

	irq_work_sync(&q->poll_work);
	drop_list(&q->ready);
	drop_list(&q->level);
	drop_list(&q->spent);
	free_memory(q);
}

static int start_mring(struct kevent_queue *q, u32 entries)
{
	size_t bytes = PAGE_ALIGN(KEVENT_MRING_EVENTS + entries * sizeof(struct ukevent));
	void *memory;
	int result;

	BUILD_BUG_ON(offsetof(struct kevent_mring, event) != KEVENT_MRING_EVENTS);
	result = kevent_charge_pages(q->user, bytes >> PAGE_SHIFT);
	if (result)
		return result;
	memory = vmalloc_user(bytes);
	if (!memory) {
		kevent_uncharge_pages(q->user, bytes >> PAGE_SHIFT);
		return -ENOMEM;
	}
	q->mring_bytes = bytes;
	kevent_mring_start(&q->mring, memory, entries);
	return 0;
}

static struct kevent_queue *create(const struct kevent_init_args *args)
{
	struct kevent_queue *q = kzalloc(sizeof(*q), GFP_KERNEL_ACCOUNT);
	int result = -ENOMEM;

	if (!q)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->ready);
	INIT_LIST_HEAD(&q->level);
	INIT_LIST_HEAD(&q->spent);
	INIT_LIST_HEAD(&q->edges);
	init_waitqueue_head(&q->wait);
	init_waitqueue_head(&q->poll_wait);
	init_irq_work(&q->poll_work, kevent_poll_work);
	mutex_init(&q->ctl_mutex);
	mutex_init(&q->ring_mutex);
	INIT_RCU_WORK(&q->free, free_after_grace);
	q->uring_user = u64_to_user_ptr(args->ring);
	q->uring.size = args->ring_size;

	q->account = kevent_account_get();
	if (!q->account)
		goto out_free;
	q->user = get_uid(current_user());
	result = kevent_index_init(&q->index);
	if (result)
		goto out_user;
	if (args->mapped) {
		result = start_mring(q, args->mapped);
		if (result)
			goto out_index;
	}
	kevent_stats_add(q);
	return q;

out_index:
	kevent_index_drain(&q->index, kevent_end);
out_user:
	free_uid(q->user);
	kevent_account_put(q->account);
out_free:
	kfree(q);
	return ERR_PTR(result);
}

static void end_at_release(struct kevent *kev)
{
	struct kevent_queue *q = kev->queue;

	spin_lock_irq(&q->lock);
	kev->state |= KEVENT_ST_DEAD;
	spin_unlock_irq(&q->lock);
	kevent_end(kev);
	cond_resched();
}

/* The last reference to the file is gone: no call runs, but sources still fire. */
static int queue_release(struct inode *inode, struct file *file)
{
	struct kevent_queue *q = file->private_data;

	kevent_stats_del(q);
	kevent_index_drain(&q->index, end_at_release);
	queue_rcu_work(kevent_wq, &q->free);
	return 0;
}

static __poll_t queue_poll(struct file *file, struct poll_table_struct *table)
{
	struct kevent_queue *q = file->private_data;
	bool ready;

	poll_wait(file, &q->poll_wait, table);
	spin_lock_irq(&q->lock);
	ready = q->kicks != q->kicks_seen || q->nr_ready > q->nr_unsure ||
		(q->mring.ring && kevent_mring_used(&q->mring));
	spin_unlock_irq(&q->lock);
	if (!ready && (READ_ONCE(q->nr_unsure) || !list_empty(&q->level))) {
		if (q->mring.ring)
			kevent_collect_read(q);
		ready = kevent_verify(q, true);
	}
	return ready ? EPOLLIN | EPOLLRDNORM : 0;
}

static int queue_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct kevent_queue *q = file->private_data;

	if (!q->mring.ring)
		return -ENODEV;
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start > q->mring_bytes ||
	    !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	kevent_compat_vm_flags_clear(vma, VM_MAYEXEC);
	/* A child would otherwise take records away from its parent. */
	kevent_compat_vm_flags_set(vma, VM_DONTCOPY);
	return remap_vmalloc_range(vma, q->mring.ring, 0);
}

static void queue_fdinfo(struct seq_file *m, struct file *file)
{
	kevent_stats_show(m, file->private_data);
}

const struct file_operations kevent_queue_fops = {
	.owner = THIS_MODULE,
	.release = queue_release,
	.poll = queue_poll,
	.mmap = queue_mmap,
	.unlocked_ioctl = kevent_queue_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.fadvise = kevent_queue_fadvise,
	.show_fdinfo = queue_fdinfo,
	.llseek = noop_llseek,
};

static int check_args(const struct kevent_init_args *args)
{
	u64 bytes = sizeof(struct kevent_ring) + (u64)args->ring_size * sizeof(struct ukevent);

	if (!args->version || args->version > KEVENT_VERSION ||
	    args->flags & ~(KEVENT_INIT_CLOEXEC | KEVENT_INIT_NONBLOCK) ||
	    memchr_inv(args->reserved, 0, sizeof(args->reserved)))
		return -EINVAL;
	if (!args->ring != !args->ring_size || args->ring_size == 1 ||
	    args->ring & (__alignof__(struct ukevent) - 1) || bytes > U32_MAX ||
	    !access_ok(u64_to_user_ptr(args->ring), bytes))
		return -EINVAL;
	if (args->mapped && (args->ring || args->mapped < 2 || args->mapped > KEVENT_MRING_MAX ||
			     !is_power_of_2(args->mapped)))
		return -EINVAL;
	return 0;
}

struct file *kevent_queue_open(struct kevent_init_args *args)
{
	struct kevent_queue *q;
	struct file *file;
	int result;

	result = check_args(args);
	if (result)
		return ERR_PTR(result);
	q = create(args);
	if (IS_ERR(q))
		return ERR_CAST(q);
	args->mapped_bytes = q->mring_bytes;
	file = anon_inode_getfile("[kevent]", &kevent_queue_fops, q,
				  O_RDWR | (args->flags & KEVENT_INIT_NONBLOCK ? O_NONBLOCK : 0));
	if (IS_ERR(file)) {
		kevent_stats_del(q);
		kevent_index_drain(&q->index, kevent_end);
		free_memory(q);
	}
	return file;
}
