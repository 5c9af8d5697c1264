// SPDX-License-Identifier: GPL-2.0-only
/*
 * POLL, and what SOCKET and PIPE (ev_socket.c) are made of: anything with a poll method, through
 * entries in the wait queues it shows.
 *
 * The wake-up's key says what happened and decides at once. A wake-up without a key, or one that
 * tells of an error, makes the kevent unsure: poll is then asked by whoever takes the event, never
 * here, where the wait queue is locked.
 */
#include <linux/file.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <net/sock.h>

#include "ev_poll.h"
#include "fire.h"

#define READABLE	((__force u32)(EPOLLIN | EPOLLRDNORM))
#define WRITABLE	((__force u32)(EPOLLOUT | EPOLLWRNORM))
#define FAILED		((__force u32)(EPOLLERR | EPOLLHUP | EPOLLRDHUP))
/* Sockets put these into keys whether they are so or not. */
#define VAGUE		((__force u32)(EPOLLPRI | EPOLLRDBAND | EPOLLMSG))
#define FREED		((__force u32)POLLFREE)

static struct kmem_cache *entry_cache;

static struct kevent_poll *to_poll(struct kevent *kev)
{
	return container_of(kev, struct kevent_poll, on.kev);
}

static bool is_poll(const struct kevent *kev)
{
	return kev->u.type == KEVENT_POLL;
}

static void set_interest(struct kevent_poll *kp, const struct ukevent *uk)
{
	u32 readable = KEVENT_SOCKET_RECV;
	u32 mask = FAILED;

	if (uk->type == KEVENT_POLL) {
		WRITE_ONCE(kp->mask, uk->event & KEVENT_POLL_ALL);
		return;
	}
	if (uk->type == KEVENT_SOCKET)
		readable |= KEVENT_SOCKET_ACCEPT;
	WRITE_ONCE(kp->readable, uk->event & readable);
	WRITE_ONCE(kp->writable, uk->event & KEVENT_SOCKET_SEND);
	if (kp->readable)
		mask |= READABLE;
	if (kp->writable)
		mask |= WRITABLE;
	WRITE_ONCE(kp->mask, mask);
	/* The backlog is all there is to fill in. */
	kp->on.kev.fills = kp->readable & KEVENT_SOCKET_ACCEPT;
}

/* Event bits for which the poll bits stand. */
static inline u32 bits_of(const struct kevent_poll *kp, u32 mask)
{
	u32 bits = 0;

	if (is_poll(&kp->on.kev))
		return mask & kp->mask;
	if (mask & READABLE)
		bits = kp->readable;
	if (mask & WRITABLE)
		bits |= kp->writable;
	return bits;
}

/* What a poll result means: readable data goes before an error, as it can still be taken. */
static int judge(const struct kevent_poll *kp, u32 mask)
{
	u32 bits = bits_of(kp, mask);

	if (bits || is_poll(&kp->on.kev))
		return bits;
	return mask & FAILED ? KEVENT_ATTACH_BROKEN : 0;
}

/* Runs under the lock of the wait queue. */
static int poll_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct kevent_poll *kp = wait->private;
	u32 mask = (__force u32)key_to_poll(key);
	u32 bits;

	if (unlikely(mask & FREED)) {
		struct poll_entry *entry = container_of(wait, struct poll_entry, wait);

		kevent_fire(&kp->on.kev, 0, KEVENT_FIRE_BROKEN);
		list_del_init(&wait->entry);
		/* From here on the kevent may be freed: see unhook(). */
		smp_store_release(&entry->head, NULL);
		return 1;
	}
	if (mask && !(mask & READ_ONCE(kp->mask)))
		return 0;
	bits = bits_of(kp, mask);
	if (unlikely(!bits || (is_poll(&kp->on.kev) && bits & VAGUE)))
		return kevent_fire(&kp->on.kev, 0, KEVENT_FIRE_UNSURE);
	return kevent_fire_inline(&kp->on.kev, bits, 0, false, NULL);
}

/* Leaves all wait queues. The queues live as long as the file, or say POLLFREE before they go. */
static void unhook(struct kevent *kev)
{
	struct poll_entry *entry;

	for (entry = &to_poll(kev)->first; entry; entry = entry->next) {
		wait_queue_head_t *head;

		rcu_read_lock();
		/* Pairs with POLLFREE: what is not NULL stays for this RCU section. */
		head = smp_load_acquire(&entry->head);
		if (head)
			remove_wait_queue(head, &entry->wait);
		entry->head = NULL;
		rcu_read_unlock();
	}
}

struct hook_table {
	poll_table table;
	struct kevent_poll *kp;
	int error;
};

static struct poll_entry *free_entry(struct kevent_poll *kp)
{
	struct poll_entry *entry;

	for (entry = &kp->first; entry; entry = entry->next) {
		if (!entry->head)
			return entry;
	}
	entry = kmem_cache_zalloc(entry_cache, GFP_KERNEL_ACCOUNT);
	if (entry) {
		entry->next = kp->first.next;
		kp->first.next = entry;
	}
	return entry;
}

static void hook(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct hook_table *h = container_of(table, struct hook_table, table);
	struct kevent_poll *kp = h->kp;
	struct poll_entry *entry;

	if (h->error)
		return;
	entry = free_entry(kp);
	if (!entry) {
		h->error = -ENOMEM;
		return;
	}
	init_waitqueue_func_entry(&entry->wait, poll_wake);
	entry->wait.private = kp;
	entry->head = head;
	if (kp->exclusive)
		add_wait_queue_exclusive(head, &entry->wait);
	else
		add_wait_queue(head, &entry->wait);
}

/* Enters the wait queues and asks poll, in that order. The result, or -errno with nothing hooked. */
static int hook_and_poll(struct kevent_poll *kp, struct file *file)
{
	struct kevent *kev = &kp->on.kev;
	struct hook_table h = { .kp = kp };
	u32 mask;

	kp->exclusive = !(kev->u.req_flags & KEVENT_REQ_WAKEUP_ALL);
	set_interest(kp, &kev->u);
	init_poll_funcptr(&h.table, hook);
	h.table._key = (__force __poll_t)kp->mask;
	mask = (__force u32)vfs_poll(file, &h.table);
	if (h.error) {
		unhook(kev);
		return h.error;
	}
	return judge(kp, mask);
}

static int check_request(const struct ukevent *uk)
{
	u32 known = KEVENT_SOCKET_RECV | KEVENT_SOCKET_SEND;

	if (uk->event == KEVENT_MASK_ALL)
		return 0;
	if (uk->type == KEVENT_POLL)
		known = KEVENT_POLL_ALL;
	else if (uk->type == KEVENT_SOCKET)
		known |= KEVENT_SOCKET_ACCEPT;
	return uk->event & ~known ? -EINVAL : 0;
}

static int check_file(const struct kevent *kev, struct file *file)
{
	if (kev->u.type == KEVENT_SOCKET && !sock_from_file(file))
		return -ENOTSOCK;
	if (kev->u.type == KEVENT_PIPE && !S_ISFIFO(file_inode(file)->i_mode))
		return -EINVAL;
	if (!file_can_poll(file))
		return -EPERM;
	return 0;
}

/* A file whose poll may lead to other queues, and so back here. Returns -ELOOP for a circle. */
static int note_nesting(struct kevent *kev, const struct file *file)
{
	if (file->f_op == &kevent_queue_fops) {
		kev->nested = true;
		return kevent_nest_enter(kev, file->private_data);
	}
	kev->nested = !strcmp(file->f_path.dentry->d_name.name, "[eventpoll]");
	return 0;
}

/* The file is being closed, or the kevent detached. Under the bucket lock. */
void kevent_poll_closed(struct kevent *kev)
{
	unhook(kev);
	if (kev->nested)
		kevent_nest_leave(kev);
}

int kevent_poll_attach(struct kevent *kev)
{
	struct kevent_poll *kp = to_poll(kev);
	struct file *file;
	int result;

	result = check_request(&kev->u);
	if (result)
		return result;
	file = kevent_fget(kev);
	if (IS_ERR(file))
		return PTR_ERR(file);
	result = check_file(kev, file);
	if (result)
		goto out;
	if (is_poll(kev)) {
		result = note_nesting(kev, file);
		if (result)
			goto out;
	}
	result = kevent_close_bind(&kp->on, file);
	if (result) {
		kevent_nest_leave(kev);
		goto out;
	}
	result = hook_and_poll(kp, file);
	if (result < 0)
		kevent_close_unbind(&kp->on);
out:
	fput(file);
	return result;
}

int kevent_poll_check(struct kevent *kev)
{
	struct kevent_poll *kp = to_poll(kev);
	struct file *file = kevent_close_file(&kp->on);
	u32 mask;

	if (!file)
		return 0;
	mask = (__force u32)vfs_poll(file, NULL);
	fput(file);
	return judge(kp, mask);
}

int kevent_poll_modify(struct kevent *kev, const struct ukevent *uk)
{
	struct kevent_poll *kp = to_poll(kev);
	struct file *file;
	int result;

	result = check_request(uk);
	if (result)
		return result;
	if (kp->exclusive == !(uk->req_flags & KEVENT_REQ_WAKEUP_ALL)) {
		set_interest(kp, uk);
		/* A wake-up that saw the old mask came before what poll will see now. */
		smp_mb();
		return kevent_poll_check(kev);
	}
	file = kevent_close_file(&kp->on);
	if (!file)
		return 0;
	/* With the file held nobody else unhooks, and with ctl_mutex nobody else hooks. */
	unhook(kev);
	result = hook_and_poll(kp, file);
	fput(file);
	return result;
}

void kevent_poll_detach(struct kevent *kev)
{
	kevent_close_unbind(&to_poll(kev)->on);
}

void kevent_poll_free(struct kevent *kev)
{
	struct poll_entry *entry = to_poll(kev)->first.next;

	while (entry) {
		struct poll_entry *next = entry->next;

		kmem_cache_free(entry_cache, entry);
		entry = next;
	}
}

static int poll_init(void)
{
	entry_cache = kmem_cache_create("kevent_poll_entry", sizeof(struct poll_entry), 0,
					SLAB_ACCOUNT, NULL);
	return entry_cache ? 0 : -ENOMEM;
}

static void poll_exit(void)
{
	kmem_cache_destroy(entry_cache);
}

const struct kevent_source_ops kevent_poll_ops = {
	.name = "kevent_poll",
	.size = sizeof(struct kevent_poll),
	.flags = KEVENT_SOURCE_CONDITION,
	.init = poll_init,
	.exit = poll_exit,
	.attach = kevent_poll_attach,
	.modify = kevent_poll_modify,
	.detach = kevent_poll_detach,
	.closed = kevent_poll_closed,
	.check = kevent_poll_check,
	.free = kevent_poll_free,
};
