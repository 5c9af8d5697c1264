// SPDX-License-Identifier: GPL-2.0-only
/* Transfers in flight: io.h says what they are. */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>

#include "io.h"

static struct workqueue_struct *io_workqueue;

void kevent_io_discard(struct kevent_io *io)
{
	if (io->ops->free)
		io->ops->free(io);
	if (io->file)
		fput(io->file);
	put_cred(io->cred);
	mmdrop(io->mm);
	kfree(io);
	module_put(THIS_MODULE);
}

static void io_free_work(struct work_struct *work)
{
	kevent_io_discard(container_of(work, struct kevent_io, free_work));
}

/* In any context: neither pages nor an mm can be let go in an interrupt. */
static void io_put(struct kevent_io *io)
{
	if (refcount_dec_and_test(&io->refs))
		queue_work(io_workqueue, &io->free_work);
}

/* Where the caller may sleep, which spares the switch to a worker. */
static void io_put_at_once(struct kevent_io *io)
{
	if (refcount_dec_and_test(&io->refs))
		kevent_io_discard(io);
}

static void io_end(struct kevent_io *io, int error, bool tell)
{
	struct ev_io *owner;
	unsigned long flags;

	spin_lock_irqsave(&io->lock, flags);
	owner = io->owner;
	if (owner) {
		owner->moved = io->moved;
		owner->error = error;
		io->over = true;
		if (tell)
			kevent_fire(&owner->on.kev, io->bits, error ? KEVENT_FIRE_BROKEN : 0);
	}
	spin_unlock_irqrestore(&io->lock, flags);
	complete_all(&io->finished);
	io_put(io);
}

void kevent_io_finish(struct kevent_io *io, int error)
{
	io_end(io, error, true);
}

void kevent_io_punt(struct kevent_io *io)
{
	queue_work(io_workqueue, &io->work);
}

static bool change_wait_state(struct kevent_io *io, int from, int to)
{
	return atomic_cmpxchg(&io->wait_state, from, to) == from;
}

/* Under the wait queue's lock, in any context. */
static int io_wake(struct wait_queue_entry *entry, unsigned int mode, int sync, void *key)
{
	struct kevent_io *io = container_of(entry, struct kevent_io, wait);

	if (key && !(key_to_poll(key) & io->events))
		return 0;
	list_del_init(&entry->entry);
	if (change_wait_state(io, KEVENT_IO_WAIT_ARMED, KEVENT_IO_WAIT_WOKEN))
		kevent_io_punt(io);
	else
		change_wait_state(io, KEVENT_IO_WAIT_ARMING, KEVENT_IO_WAIT_WOKEN);
	return 1;
}

struct io_poll {
	struct poll_table_struct table;
	struct kevent_io *io;
	bool failed;
};

static void add_wait(struct file *file, struct wait_queue_head *head,
		     struct poll_table_struct *table)
{
	struct io_poll *poll = container_of(table, struct io_poll, table);
	struct kevent_io *io = poll->io;

	/* No socket has a second one. */
	if (io->head) {
		poll->failed = true;
		return;
	}
	io->head = head;
	init_waitqueue_func_entry(&io->wait, io_wake);
	add_wait_queue(head, &io->wait);
}

/* While the socket is there. An entry that has woken is off the list. */
static void remove_wait(struct kevent_io *io)
{
	unsigned long flags;

	if (!io->head)
		return;
	spin_lock_irqsave(&io->head->lock, flags);
	list_del_init(&io->wait.entry);
	spin_unlock_irqrestore(&io->head->lock, flags);
}

bool kevent_io_cancelled(struct kevent_io *io)
{
	bool cancelled;

	spin_lock_irq(&io->lock);
	cancelled = io->cancelled;
	spin_unlock_irq(&io->lock);
	return cancelled;
}

static void unhook(struct kevent_io *io)
{
	remove_wait(io);
	atomic_set(&io->wait_state, KEVENT_IO_WAIT_IDLE);
}

/* 0 or -errno. */
static int hook(struct kevent_io *io, struct file *sock, __poll_t events)
{
	struct io_poll poll = { .io = io };

	init_poll_funcptr(&poll.table, add_wait);
	io->events = events | EPOLLERR | EPOLLHUP;
	poll.table._key = io->events;
	io->head = NULL;
	atomic_set(&io->wait_state, KEVENT_IO_WAIT_ARMING);
	/* What it returns is not asked: the transfer itself says whether it can go on. */
	vfs_poll(sock, &poll.table);
	if (!poll.failed && io->head)
		return 0;
	unhook(io);
	return -EOPNOTSUPP;
}

/* KEVENT_IO_ARMED; or unhooked: -EAGAIN when a wake-up came meanwhile, or -ECANCELED. */
static int go_to_sleep(struct kevent_io *io)
{
	int ret = -EAGAIN;

	if (change_wait_state(io, KEVENT_IO_WAIT_ARMING, KEVENT_IO_WAIT_ARMED)) {
		/* Either this sees the cancellation, or the canceller sees ARMED. */
		if (!kevent_io_cancelled(io) ||
		    !change_wait_state(io, KEVENT_IO_WAIT_ARMED, KEVENT_IO_WAIT_IDLE))
			return KEVENT_IO_ARMED;
		ret = -ECANCELED;
	}
	unhook(io);
	return ret;
}

int kevent_io_try(struct kevent_io *io, struct file *sock, __poll_t events, bool worker,
		  kevent_io_attempt *attempt)
{
	bool hooked = false;
	int ret;

	for (;;) {
		ret = attempt(io, sock, worker);
		if (ret != -EAGAIN || !events)
			break;
		if (!hooked) {
			ret = hook(io, sock, events);
			if (ret)
				return ret;
			hooked = true;
			continue;
		}
		ret = go_to_sleep(io);
		if (ret != -EAGAIN)
			return ret;
		if (!worker)
			return KEVENT_IO_BLOCKS;
		hooked = false;
		cond_resched();
	}
	if (hooked)
		unhook(io);
	return ret;
}

/*
 * The socket is being closed, or the kevent detached: the only place that unhooks an armed transfer.
 * A wake-up may be running; it waits for the wait queue's lock and then finds nothing to do.
 */
void kevent_io_closed(struct kevent *kev)
{
	struct kevent_io *io = container_of(kev, struct ev_io, on.kev)->io;
	unsigned long flags;

	if (change_wait_state(io, KEVENT_IO_WAIT_ARMED, KEVENT_IO_WAIT_IDLE)) {
		remove_wait(io);
		kevent_io_finish(io, -ECANCELED);
		return;
	}
	/* A worker will find out; but the report that the socket is gone may come before. */
	spin_lock_irqsave(&io->lock, flags);
	if (io->owner && !io->over)
		io->owner->error = -ECANCELED;
	spin_unlock_irqrestore(&io->lock, flags);
}

/* The socket for a step, or NULL if it or the kevent is gone. */
static struct file *hold_socket(struct kevent_io *io)
{
	struct file *sock = NULL;
	struct ev_io *owner;

	spin_lock_irq(&io->lock);
	owner = io->owner;
	if (owner)
		kevent_get(&owner->on.kev);
	spin_unlock_irq(&io->lock);
	if (owner) {
		sock = kevent_close_file(&owner->on);
		kevent_put(&owner->on.kev);
	}
	return sock;
}

static int step_for_caller(struct kevent_io *io, struct file *sock)
{
	const struct cred *old;
	int ret;

	/* The mm is gone when the process is: nobody is left to read the result. */
	if (!mmget_not_zero(io->mm))
		return -ECANCELED;
	kthread_use_mm(io->mm);
	old = override_creds(io->cred);
	ret = io->ops->step(io, sock, true);
	revert_creds(old);
	kthread_unuse_mm(io->mm);
	mmput(io->mm);
	return ret;
}

static void io_work(struct work_struct *work)
{
	struct kevent_io *io = container_of(work, struct kevent_io, work);
	struct file *sock = NULL;
	int ret = -ECANCELED;

	/* From ARMED on, the operation's reference is another one's. */
	refcount_inc(&io->refs);
	atomic_set(&io->wait_state, KEVENT_IO_WAIT_IDLE);
	if (io->on_socket)
		sock = hold_socket(io);
	if (!kevent_io_cancelled(io) && (sock || !io->on_socket))
		ret = step_for_caller(io, sock);
	if (ret <= 0)
		kevent_io_finish(io, ret);
	/* If it is the last one, this closes the socket, which finishes an armed transfer. */
	if (sock)
		fput(sock);
	io_put_at_once(io);
}

int kevent_io_request(const struct kevent *kev, struct kevent_aio *req)
{
	u64 address = (u64)kev->u.ret_data[1] << 32 | kev->u.ret_data[0];

	if (copy_from_user(req, u64_to_user_ptr(address), sizeof(*req)))
		return -EFAULT;
	if (memchr_inv(req->reserved, 0, sizeof(req->reserved)))
		return -EINVAL;
	req->len = min_t(u64, req->len, MAX_RW_COUNT);
	return 0;
}

struct kevent_io *kevent_io_create(const struct kevent_aio *req, const struct kevent_io_ops *ops)
{
	struct kevent_io *io;

	io = kzalloc(sizeof(*io), GFP_KERNEL_ACCOUNT);
	if (!io)
		return ERR_PTR(-ENOMEM);
	io->ops = ops;
	refcount_set(&io->refs, 2);
	spin_lock_init(&io->lock);
	init_completion(&io->finished);
	INIT_WORK(&io->work, io_work);
	INIT_WORK(&io->free_work, io_free_work);
	io->cred = get_current_cred();
	io->mm = current->mm;
	mmgrab(io->mm);
	/* Held until it is over, which may be after the queue's descriptor is. */
	__module_get(THIS_MODULE);
	io->req = *req;
	return io;
}

int kevent_io_start(struct kevent_io *io, struct kevent *kev, struct file *sock)
{
	struct ev_io *ev = container_of(kev, struct ev_io, on.kev);
	int ret;

	ev->io = io;
	io->owner = ev;
	io->on_socket = sock;
	if (sock) {
		ret = kevent_close_bind(&ev->on, sock);
		if (ret) {
			kevent_io_discard(io);
			return ret;
		}
	}
	ret = io->ops->step(io, sock, false);
	switch (ret) {
	case KEVENT_IO_BLOCKS:
		kevent_io_punt(io);
		return 0;
	case KEVENT_IO_ARMED:
	case KEVENT_IO_SUBMITTED:
		return 0;
	}
	io_end(io, ret, false);
	if (ret == KEVENT_IO_DONE)
		return io->bits;
	if (ev->moved)
		return io->bits | KEVENT_ATTACH_BROKEN;
	kevent_io_detach(kev);
	return ret;
}

/* An outcome that has not been reported is not forgotten: there will be no other. */
int kevent_io_modify(struct kevent *kev, const struct ukevent *uk)
{
	struct kevent_io *io = container_of(kev, struct ev_io, on.kev)->io;

	spin_lock_irq(&io->lock);
	if (io->over)
		kevent_fire(kev, io->bits, 0);
	spin_unlock_irq(&io->lock);
	if (uk->event == KEVENT_MASK_ALL && kev->u.type == KEVENT_AIO)
		return 0;
	return uk->event == io->bits ? 0 : -EINVAL;
}

/*
 * A transfer that has begun cannot be called back: it may still use the caller's memory. So this
 * waits for it, but neither beyond a kill nor when nobody is left whose memory it could be: what it
 * waits for may be a file system served by the very process that exits.
 */
void kevent_io_detach(struct kevent *kev)
{
	struct ev_io *ev = container_of(kev, struct ev_io, on.kev);
	struct kevent_io *io = ev->io;

	if (!io)
		return;
	spin_lock_irq(&io->lock);
	io->owner = NULL;
	io->cancelled = true;
	spin_unlock_irq(&io->lock);
	kevent_close_unbind(&ev->on);
	if (cancel_work(&io->work))
		kevent_io_finish(io, -ECANCELED);
	else if (!(current->flags & (PF_EXITING | PF_KTHREAD)))
		wait_for_completion_killable(&io->finished);
	io_put_at_once(io);
}

bool kevent_io_fill(struct kevent *kev, struct ukevent *out)
{
	struct ev_io *ev = container_of(kev, struct ev_io, on.kev);

	out->ret_data[0] = lower_32_bits(ev->moved);
	out->ret_data[1] = ev->error ? ev->error : upper_32_bits(ev->moved);
	return false;
}

int kevent_io_init(void)
{
	io_workqueue = alloc_workqueue("kevent_io", WQ_UNBOUND, WQ_MAX_ACTIVE);
	return io_workqueue ? 0 : -ENOMEM;
}

void kevent_io_exit(void)
{
	destroy_workqueue(io_workqueue);
}
