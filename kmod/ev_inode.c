// SPDX-License-Identifier: GPL-2.0-only
/*
 * INODE: what happens to a file, or in a directory, through fsnotify.
 *
 * Each kevent has a mark of its own on the inode: marks of one group on one inode need no list of
 * ours, and each is found dead or alive without regard to the others. The mark pins the inode, not
 * the file system: unmounting, and deleting the last name, end the mark from outside.
 *
 * Closing the descriptor that names the kevent ends it like any other kevent on a descriptor.
 *
 * A mark outlives its kevent, since fsnotify frees it after a grace period of its own. What ties
 * them is mark->owner, which detach() clears under mark->lock; events are fired under that lock.
 */
#include <linux/file.h>
#include <linux/fsnotify_backend.h>

#include "close.h"
#include "kevent_core.h"

struct ev_inode_mark {
	struct fsnotify_mark mark;
	spinlock_t lock;
	struct ev_inode *owner;		/* lock */
	bool unmount;			/* the file system goes; written before the mark ends */
};

struct ev_inode {
	struct kevent_on_file on;
	struct ev_inode_mark *mark;	/* ctl_mutex */
	u32 pending;			/* queue->lock: bits for the next report, also those */
					/* that are reported unasked */
	u32 cookie;			/* queue->lock: of the last move */
};

struct inode_note {
	u32 bits;
	u32 cookie;
};

static struct fsnotify_group *inode_group;

static const struct {
	u32 ours;
	u32 theirs;
} inode_bits[] = {
	{ KEVENT_INODE_CREATE, FS_CREATE },
	{ KEVENT_INODE_REMOVE, FS_DELETE },
	{ KEVENT_INODE_ACCESS, FS_ACCESS },
	{ KEVENT_INODE_MODIFY, FS_MODIFY },
	{ KEVENT_INODE_ATTRIB, FS_ATTRIB },
	{ KEVENT_INODE_CLOSE_WRITE, FS_CLOSE_WRITE },
	{ KEVENT_INODE_CLOSE_NOWRITE, FS_CLOSE_NOWRITE },
	{ KEVENT_INODE_OPEN, FS_OPEN },
	{ KEVENT_INODE_OPEN_EXEC, FS_OPEN_EXEC },
	{ KEVENT_INODE_MOVED_FROM, FS_MOVED_FROM },
	{ KEVENT_INODE_MOVED_TO, FS_MOVED_TO },
	{ KEVENT_INODE_DELETE_SELF, FS_DELETE_SELF },
	{ KEVENT_INODE_MOVE_SELF, FS_MOVE_SELF },
	{ KEVENT_INODE_ON_CHILD, FS_EVENT_ON_CHILD },
};

/* What only a directory can report. */
#define DIRECTORY_BITS	(KEVENT_INODE_CREATE | KEVENT_INODE_REMOVE | KEVENT_INODE_MOVED_FROM | \
			 KEVENT_INODE_MOVED_TO | KEVENT_INODE_ON_CHILD)

/* Reported whether asked for or not. */
#define UNASKED_BITS	(KEVENT_INODE_ISDIR | KEVENT_INODE_UNMOUNT)

static u32 to_fsnotify(u32 event)
{
	/* The end of the file system is always told, as BROKEN. */
	u32 mask = FS_UNMOUNT;
	int i;

	for (i = 0; i < ARRAY_SIZE(inode_bits); i++)
		if (event & inode_bits[i].ours)
			mask |= inode_bits[i].theirs;
	return mask;
}

static u32 from_fsnotify(u32 mask)
{
	u32 event = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(inode_bits); i++)
		if (mask & inode_bits[i].theirs)
			event |= inode_bits[i].ours;
	return event & KEVENT_INODE_EVENTS;
}

static void tell(struct fsnotify_mark *fs_mark, u32 mask, u32 cookie)
{
	struct ev_inode_mark *mark = container_of(fs_mark, struct ev_inode_mark, mark);
	u32 bits = from_fsnotify(mask & fs_mark->mask);
	struct inode_note note = { .bits = bits, .cookie = cookie };

	if (mask & FS_ISDIR)
		note.bits |= KEVENT_INODE_ISDIR;
	spin_lock(&mark->lock);
	if (mark->owner && bits)
		kevent_fire_note(&mark->owner->on.kev, bits, 0, &note);
	spin_unlock(&mark->lock);
}

static int inode_handle_event(struct fsnotify_group *group, u32 mask, const void *data,
			      int data_type, struct inode *dir, const struct qstr *name,
			      u32 cookie, struct fsnotify_iter_info *iter)
{
	struct fsnotify_mark *parent = fsnotify_iter_parent_mark(iter);
	struct fsnotify_mark *own = fsnotify_iter_inode_mark(iter);

	if (parent)
		tell(parent, mask, 0);
	if (own && (mask & FS_UNMOUNT))
		container_of(own, struct ev_inode_mark, mark)->unmount = true;
	/* The bit says that the parent is told; a watch on the child itself has no use for it. */
	if (own)
		tell(own, mask & ~FS_EVENT_ON_CHILD, cookie);
	return 0;
}

/* The mark ends: by detach(), which has cleared owner, or since the inode or its mount is gone. */
static void inode_freeing_mark(struct fsnotify_mark *fs_mark, struct fsnotify_group *group)
{
	struct ev_inode_mark *mark = container_of(fs_mark, struct ev_inode_mark, mark);
	struct inode_note note = { .bits = mark->unmount ? KEVENT_INODE_UNMOUNT : 0 };

	spin_lock(&mark->lock);
	if (mark->owner)
		kevent_fire_note(&mark->owner->on.kev, 0, KEVENT_FIRE_BROKEN, &note);
	spin_unlock(&mark->lock);
}

static void inode_free_mark(struct fsnotify_mark *fs_mark)
{
	kfree(container_of(fs_mark, struct ev_inode_mark, mark));
}

static const struct fsnotify_ops inode_fsnotify_ops = {
	.handle_event = inode_handle_event,
	.freeing_mark = inode_freeing_mark,
	.free_mark = inode_free_mark,
};

static void drop_mark(struct ev_inode_mark *mark)
{
	spin_lock(&mark->lock);
	mark->owner = NULL;
	spin_unlock(&mark->lock);
	fsnotify_destroy_mark(&mark->mark, inode_group);
	fsnotify_put_mark(&mark->mark);
}

static struct ev_inode_mark *add_mark(struct ev_inode *ev, struct inode *inode)
{
	struct ev_inode_mark *mark;
	int err;

	mark = kzalloc(sizeof(*mark), GFP_KERNEL_ACCOUNT);
	if (!mark)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&mark->lock);
	mark->owner = ev;
	fsnotify_init_mark(&mark->mark, inode_group);
	mark->mark.mask = to_fsnotify(ev->on.kev.u.event);
	err = fsnotify_add_inode_mark(&mark->mark, inode, 0);
	if (err) {
		mark->owner = NULL;
		fsnotify_put_mark(&mark->mark);
		return ERR_PTR(err);
	}
	return mark;
}

static int check_request(u32 event, struct file *file)
{
	u32 possible = KEVENT_INODE_EVENTS & ~KEVENT_INODE_UNMOUNT;

	if (event != KEVENT_MASK_ALL && (event & ~(possible | KEVENT_INODE_ON_CHILD)))
		return -EINVAL;
	if (!(event & possible))
		return -EINVAL;
	/* Shared by unrelated files of all processes. */
	if (IS_PRIVATE(file_inode(file)))
		return -EINVAL;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;
	if (!S_ISDIR(file_inode(file)->i_mode) && !(event & possible & ~DIRECTORY_BITS))
		return -ENOTDIR;
	return 0;
}

/* Another mark for the request as it is now, in place of the one there may be. */
static int replace_mark(struct ev_inode *ev, struct file *file)
{
	struct ev_inode_mark *mark;
	int err;

	err = check_request(ev->on.kev.u.event, file);
	if (err)
		return err;
	mark = add_mark(ev, file_inode(file));
	if (IS_ERR(mark))
		return PTR_ERR(mark);
	/* Nothing is missed in between, and what both marks see merges. */
	if (ev->mark)
		drop_mark(ev->mark);
	ev->mark = mark;
	return 0;
}

/* The mark stays to the end of the kevent: it cannot be dropped where a file is being closed. */
static void ev_inode_closed(struct kevent *kev)
{
}

static int ev_inode_attach(struct kevent *kev)
{
	struct ev_inode *ev = container_of(kev, struct ev_inode, on.kev);
	struct file *file = kevent_fget(kev);
	int err;

	if (IS_ERR(file))
		return PTR_ERR(file);
	err = replace_mark(ev, file);
	if (!err) {
		err = kevent_close_bind(&ev->on, file);
		if (err)
			drop_mark(ev->mark);
	}
	fput(file);
	return err;
}

/* The mask of a mark is fixed: fsnotify does not export what sums up the masks of an inode. */
static int ev_inode_modify(struct kevent *kev, const struct ukevent *uk)
{
	struct ev_inode *ev = container_of(kev, struct ev_inode, on.kev);
	struct file *file = kevent_close_file(&ev->on);
	int err;

	if (!file)
		return -EBADF;
	err = replace_mark(ev, file);
	fput(file);
	/* What has not been reported yet is not forgotten. */
	if (!err)
		kevent_fire_note(kev, kev->u.event & KEVENT_INODE_EVENTS, 0, NULL);
	return err;
}

static void ev_inode_detach(struct kevent *kev)
{
	struct ev_inode *ev = container_of(kev, struct ev_inode, on.kev);

	kevent_close_unbind(&ev->on);
	drop_mark(ev->mark);
}

/* Without news: is something left from before that is still asked for? */
static bool ev_inode_note(struct kevent *kev, const void *data)
{
	struct ev_inode *ev = container_of(kev, struct ev_inode, on.kev);
	const struct inode_note *note = data;

	if (!note)
		return ev->pending & kev->u.event & KEVENT_INODE_EVENTS;
	ev->pending |= note->bits;
	if (note->cookie)
		ev->cookie = note->cookie;
	return true;
}

static bool ev_inode_fill(struct kevent *kev, struct ukevent *out)
{
	struct ev_inode *ev = container_of(kev, struct ev_inode, on.kev);

	/* Only READY makes an event of nothing. */
	if (ev->pending)
		out->ret_data[0] = ev->pending & (kev->u.event | UNASKED_BITS);
	out->ret_data[1] = ev->cookie;
	ev->pending = 0;
	ev->cookie = 0;
	return false;
}

static int ev_inode_init(void)
{
	inode_group = fsnotify_alloc_group(&inode_fsnotify_ops, FSNOTIFY_GROUP_DUPS);
	return PTR_ERR_OR_ZERO(inode_group);
}

/* fsnotify calls inode_free_mark() from a worker: it must not find this text gone. */
static void ev_inode_exit(void)
{
	fsnotify_put_group(inode_group);
	fsnotify_wait_marks_destroyed();
}

const struct kevent_source_ops kevent_inode_ops = {
	.name = "inode",
	.size = sizeof(struct ev_inode),
	.init = ev_inode_init,
	.exit = ev_inode_exit,
	.attach = ev_inode_attach,
	.modify = ev_inode_modify,
	.detach = ev_inode_detach,
	.closed = ev_inode_closed,
	.note = ev_inode_note,
	.fill = ev_inode_fill,
};
