// SPDX-License-Identifier: GPL-2.0-only
/*
 * Close detection: with a hook at __fput() (close_hook.c), or with fsnotify. There __fput() announces
 * the close of a file before it releases it, in process context, with a pointer into struct file:
 * comparing that tells exactly which file goes. One mark a superblock is enough, since what matters is
 * found in a hash of files; so watching another socket costs no mark, and closing an unrelated one a
 * look into an empty bucket.
 */
#include <linux/file.h>
#include <linux/fsnotify_backend.h>
#include <linux/hash.h>
#include <linux/list_bl.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

#include "close.h"
#include "compat.h"
#include "queue.h"

#define BUCKET_BITS	14
#define SB_BITS		6
/* A mark nobody needs makes every close of its superblock dearer: it goes after so long. */
#define IDLE_MARK	HZ

struct kevent_sb {
	struct hlist_node all;		/* sbs_mutex; read under RCU */
	struct super_block *sb;
	struct fsnotify_mark *mark;	/* sbs_mutex */
	/* Kevents bound. Leaves 0 only under sbs_mutex, which makes sure of the mark. */
	atomic_long_t users;
	struct rcu_head rcu;
};

static char *close_watch = "auto";
module_param(close_watch, charp, 0444);
MODULE_PARM_DESC(close_watch, "How closes are learned of: auto (default), ftrace or fsnotify");

static bool hooked;

/* kevent.watched: what tells of the close of its file. */
enum {
	BY_REFERENCE,		/* nothing: it is kept open */
	BY_MARK,
	BY_HOOK,
};

static struct hlist_bl_head *buckets;
static struct hlist_head sbs[1 << SB_BITS];
static DEFINE_MUTEX(sbs_mutex);
static struct fsnotify_group *group;

static void sweep(struct work_struct *work);
static DECLARE_DELAYED_WORK(sweep_work, sweep);

static struct hlist_bl_head *bucket_of(const struct file *file)
{
	return &buckets[hash_ptr(file, BUCKET_BITS)];
}

static struct hlist_head *sb_head(const struct super_block *sb)
{
	return &sbs[hash_ptr(sb, SB_BITS)];
}

static struct kevent_sb *find_sb(const struct super_block *sb)
{
	struct kevent_sb *entry;

	hlist_for_each_entry_rcu(entry, sb_head(sb), all, lockdep_is_held(&sbs_mutex)) {
		if (entry->sb == sb)
			return entry;
	}
	return NULL;
}

/* Under the bucket lock, so that the file has not gone on to its release. */
static void stop_watching(const struct kevent_on_file *on, const struct file *file)
{
	struct kevent_sb *entry;

	if (on->kev.watched == BY_HOOK) {
		kevent_hook_put();
	} else if (on->kev.watched == BY_MARK) {
		rcu_read_lock();
		entry = find_sb(file_inode(file)->i_sb);
		if (atomic_long_dec_and_test(&entry->users))
			schedule_delayed_work(&sweep_work, IDLE_MARK);
		rcu_read_unlock();
	}
}

static struct kevent_on_file *on_file(struct hlist_bl_node *node)
{
	return container_of(node, struct kevent_on_file, close.node);
}

/* Under the bucket lock. */
static void unbind(struct hlist_bl_head *bucket, struct kevent_on_file *on)
{
	on->kev.ops->closed(&on->kev);
	hlist_bl_del_init(&on->close.node);
	/* After this the file's memory may become another file: see kevent_close_file(). */
	smp_store_release(&on->close.file, NULL);
}

/*
 * All kevents on a file that is being closed. They are unhooked when this returns. The RCU section
 * begins before the first is taken out and so keeps its queue: release has to unbind it first,
 * finds that done, and then waits for the grace period.
 */
static void file_closed(const struct file *file, struct hlist_bl_head *bucket)
{
	struct hlist_bl_node *node;
	struct hlist_bl_node *next;
	struct kevent_on_file *on;

	rcu_read_lock();
again:
	hlist_bl_lock(bucket);
	for (node = hlist_bl_first(bucket); node; node = next) {
		next = node->next;
		on = on_file(node);
		if (on->close.file != file)
			continue;
		kevent_get(&on->kev);
		stop_watching(on, file);
		unbind(bucket, on);
		hlist_bl_unlock(bucket);
		kevent_fire(&on->kev, 0, KEVENT_FIRE_BROKEN);
		kevent_put(&on->kev);
		goto again;
	}
	hlist_bl_unlock(bucket);
	rcu_read_unlock();
}

void kevent_close_of(const struct file *file)
{
	struct hlist_bl_head *bucket = bucket_of(file);

	if (!hlist_bl_empty(bucket))
		file_closed(file, bucket);
}

static int handle_event(struct fsnotify_group *from, u32 mask, const void *data, int data_type,
			struct inode *dir, const struct qstr *name, u32 cookie,
			struct fsnotify_iter_info *iter)
{
	/* Only ever compared: a path that lies in no file matches none. */
	if (data_type == FSNOTIFY_EVENT_PATH)
		kevent_close_of(container_of((const struct path *)data, struct file, f_path));
	return 0;
}

static void free_mark(struct fsnotify_mark *mark)
{
	kfree(mark);
}

static const struct fsnotify_ops close_ops = {
	.handle_event = handle_event,
	.free_mark = free_mark,
};

static void drop_mark(struct fsnotify_mark *mark)
{
	fsnotify_destroy_mark(mark, group);
	fsnotify_put_mark(mark);
}

static struct fsnotify_mark *make_mark(struct super_block *sb)
{
	struct fsnotify_mark *mark = kzalloc(sizeof(*mark), GFP_KERNEL);
	int result;

	if (!mark)
		return ERR_PTR(-ENOMEM);
	fsnotify_init_mark(mark, group);
	mark->mask = FS_CLOSE_WRITE | FS_CLOSE_NOWRITE;
	result = kevent_compat_add_sb_mark(mark, sb);
	if (result) {
		fsnotify_put_mark(mark);
		return ERR_PTR(result);
	}
	return mark;
}

static bool mark_works(const struct fsnotify_mark *mark)
{
	return READ_ONCE(mark->flags) & FSNOTIFY_MARK_FLAG_ATTACHED;
}

/*
 * The entry of a superblock with nobody bound, or a new one; the mark is made sure of. A mark left
 * from an unmounted file system, at the same address, is no longer attached.
 */
static struct kevent_sb *get_sb_slowly(struct super_block *sb)
{
	struct fsnotify_mark *mark;
	struct kevent_sb *entry;

	mutex_lock(&sbs_mutex);
	entry = find_sb(sb);
	if (entry && mark_works(entry->mark))
		goto out_get;
	mark = make_mark(sb);
	if (IS_ERR(mark)) {
		entry = ERR_CAST(mark);
		goto out;
	}
	if (entry) {
		drop_mark(entry->mark);
		entry->mark = mark;
		goto out_get;
	}
	entry = kzalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry) {
		drop_mark(mark);
		entry = ERR_PTR(-ENOMEM);
		goto out;
	}
	entry->sb = sb;
	entry->mark = mark;
	hlist_add_head_rcu(&entry->all, sb_head(sb));
out_get:
	atomic_long_inc(&entry->users);
out:
	mutex_unlock(&sbs_mutex);
	return entry;
}

static struct kevent_sb *get_sb(struct super_block *sb)
{
	struct kevent_sb *entry;

	rcu_read_lock();
	entry = find_sb(sb);
	if (entry && !atomic_long_inc_not_zero(&entry->users))
		entry = NULL;
	rcu_read_unlock();
	return entry ? entry : get_sb_slowly(sb);
}

static void drop_sb(struct kevent_sb *entry)
{
	hlist_del_rcu(&entry->all);
	drop_mark(entry->mark);
	kfree_rcu(entry, rcu);
}

static void sweep(struct work_struct *work)
{
	struct hlist_node *next;
	struct kevent_sb *entry;
	int i;

	mutex_lock(&sbs_mutex);
	for (i = 0; i < ARRAY_SIZE(sbs); i++) {
		hlist_for_each_entry_safe(entry, next, &sbs[i], all) {
			if (!atomic_long_read(&entry->users))
				drop_sb(entry);
		}
	}
	mutex_unlock(&sbs_mutex);
}

/* How the close of the file will be learned of, or -ENOMEM. */
static int start_watching(struct file *file)
{
	struct kevent_sb *sb;

	if (hooked && kevent_hook_get())
		return BY_HOOK;
	if (!kevent_compat_nonotify(file)) {
		sb = get_sb(file_inode(file)->i_sb);
		if (!IS_ERR(sb))
			return BY_MARK;
		if (sb == ERR_PTR(-ENOMEM))
			return -ENOMEM;
	}
	get_file(file);
	return BY_REFERENCE;
}

int kevent_close_bind(struct kevent_on_file *on, struct file *file)
{
	struct hlist_bl_head *bucket = bucket_of(file);
	int watched = start_watching(file);

	if (watched < 0)
		return watched;
	on->kev.watched = watched;
	hlist_bl_lock(bucket);
	on->close.file = file;
	hlist_bl_add_head(&on->close.node, bucket);
	hlist_bl_unlock(bucket);
	return 0;
}

void kevent_close_unbind(struct kevent_on_file *on)
{
	struct file *file = READ_ONCE(on->close.file);
	struct hlist_bl_head *bucket;
	bool ours;

	if (!file)
		return;
	bucket = bucket_of(file);
	hlist_bl_lock(bucket);
	ours = on->close.file;
	if (ours) {
		stop_watching(on, file);
		unbind(bucket, on);
	}
	hlist_bl_unlock(bucket);
	if (ours && on->kev.watched == BY_REFERENCE)
		fput(file);
}

struct file *kevent_close_file(struct kevent_on_file *on)
{
	struct file *file;

	rcu_read_lock();
	file = READ_ONCE(on->close.file);
	if (file && !atomic_long_inc_not_zero(&file->f_count))
		file = NULL;
	/* The reference may be to another file in the same memory; then ours has been unbound. */
	if (file && smp_load_acquire(&on->close.file) != file) {
		fput(file);
		file = NULL;
	}
	rcu_read_unlock();
	return file;
}

const char *kevent_close_how(void)
{
	return hooked ? "ftrace" : "fsnotify";
}

static int choose(void)
{
	static const char *const ways[] = { "auto", "ftrace", "fsnotify" };

	if (match_string(ways, ARRAY_SIZE(ways), close_watch) < 0) {
		pr_err("kevent: close_watch is auto, ftrace or fsnotify, not %s\n", close_watch);
		return -EINVAL;
	}
	hooked = strcmp(close_watch, "fsnotify") && kevent_hook_init();
	if (!hooked && !strcmp(close_watch, "ftrace")) {
		pr_err("kevent: this kernel lets no hook hear every close; use close_watch=auto\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

int kevent_close_init(void)
{
	int result = -ENOMEM;

	buckets = vzalloc(sizeof(*buckets) << BUCKET_BITS);
	if (!buckets)
		return result;
	group = fsnotify_alloc_group(&close_ops, 0);
	if (IS_ERR(group)) {
		result = PTR_ERR(group);
		goto out_buckets;
	}
	result = choose();
	if (result)
		goto out_group;
	return 0;

out_group:
	fsnotify_put_group(group);
out_buckets:
	vfree(buckets);
	return result;
}

/* Nothing is bound any more. */
void kevent_close_exit(void)
{
	if (hooked)
		kevent_hook_exit();
	cancel_delayed_work_sync(&sweep_work);
	sweep(NULL);
	/* The last mark must be gone before our functions are. */
	fsnotify_wait_marks_destroyed();
	fsnotify_put_group(group);
	rcu_barrier();
	vfree(buckets);
}
