// SPDX-License-Identifier: MIT
/* epoll_ctl(). Every function runs under the lock of the set. */
#include <errno.h>
#include <fcntl.h>
#include <kevent.h>
#include <sys/stat.h>

#include "preload.h"

/* Bits that are no condition of a descriptor but say how to watch it. */
#define HOW (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP)

/* What may stand beside EPOLLEXCLUSIVE. */
#define WITH_EXCLUSIVE (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | HOW)

static int fail(int error)
{
	errno = error;
	return -1;
}

static struct ukevent entry_for(int fd, const struct epoll_event *event)
{
	unsigned int flags = KEVENT_REQ_ALWAYS_QUEUE;
	unsigned int mask = event->events & ~HOW & KEVENT_POLL_ALL;

	if (event->events & EPOLLET)
		flags |= KEVENT_REQ_ET;
	if (event->events & EPOLLONESHOT)
		flags |= KEVENT_REQ_ONESHOT;
	if (!(event->events & EPOLLEXCLUSIVE))
		flags |= KEVENT_REQ_WAKEUP_ALL;
	/* With epoll these come unasked. */
	mask |= EPOLLERR | EPOLLHUP;
	return kevent_request(KEVENT_POLL, (unsigned int)fd, mask, flags, event->data.u64);
}

static uint64_t inode_of(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

static int armed(struct watch *watch, int fd, const struct epoll_event *event)
{
	watch->state = WATCH_ARMED;
	watch->events = event->events;
	watch->data = event->data.u64;
	watch->inode = event->events & EPOLLONESHOT ? inode_of(fd) : 0;
	return 0;
}

/* 0, or the errno an ADD was refused with. */
static int try_add(int epfd, const struct ukevent *entry)
{
	return kevent_add(epfd, entry) == 0 ? 0 : errno;
}

/* The same watch through a true epoll descriptor, which the queue watches. */
static int add_foreign(int epfd, struct set *set, struct watch *watch, int fd, int error,
		       const struct epoll_event *event)
{
	struct epoll_event copy = *event;

	if (set->foreign < 0) {
		struct ukevent entry;
		int foreign = real_calls()->epoll_create1(EPOLL_CLOEXEC);

		if (foreign < 0)
			return fail(error);
		entry = kevent_request(KEVENT_POLL, (unsigned int)foreign, EPOLLIN, 0, 0);
		if (try_add(epfd, &entry) != 0) {
			real_calls()->close(foreign);
			return fail(error);
		}
		set->foreign = foreign;
	}
	if (real_calls()->epoll_ctl(set->foreign, EPOLL_CTL_ADD, fd, &copy) != 0)
		return -1;
	tell_fallback("a descriptor that kevent cannot watch", error);
	armed(watch, fd, event);
	watch->state = WATCH_FOREIGN;
	return 0;
}

static int add(int epfd, struct set *set, struct watch *watch, int fd,
	       const struct epoll_event *event)
{
	struct ukevent entry = entry_for(fd, event);
	int error;

	if (watch->state == WATCH_FOREIGN)
		return fail(EEXIST);
	if (watch->state == WATCH_FIRED && watch->inode && watch->inode == inode_of(fd))
		return fail(EEXIST);
	error = try_add(epfd, &entry);
	if (error == EEXIST && watch->state == WATCH_NONE && !set->shared) {
		/*
		 * This number was closed while a copy of the descriptor lives on. For epoll the two
		 * are different; here the new one takes over.
		 */
		kevent_remove(epfd, &entry);
		error = try_add(epfd, &entry);
	}
	switch (error) {
	case 0:
		return armed(watch, fd, event);
	case ELOOP:
	case EINVAL:
	case EOPNOTSUPP:
	case ENOSYS:
		return add_foreign(epfd, set, watch, fd, error, event);
	default:
		return fail(error);
	}
}

/* Whether a registration that the kernel does not have counts as one that has fired. */
static bool may_have_fired(const struct set *set, const struct watch *watch)
{
	if (watch->state == WATCH_FIRED)
		return true;
	return watch->state == WATCH_ARMED && (watch->events & EPOLLONESHOT || set->shared);
}

static int missing(struct watch *watch, int fd)
{
	watch->state = WATCH_NONE;
	return fail(real_calls()->fcntl(fd, F_GETFD) < 0 ? EBADF : ENOENT);
}

static int modify(int epfd, struct set *set, struct watch *watch, int fd,
		  const struct epoll_event *event)
{
	struct ukevent entry = entry_for(fd, event);
	int error;

	if (watch->state == WATCH_FOREIGN) {
		struct epoll_event copy = *event;

		return real_calls()->epoll_ctl(set->foreign, EPOLL_CTL_MOD, fd, &copy);
	}
	if (event->events & EPOLLEXCLUSIVE ||
	    (watch->state != WATCH_NONE && watch->events & EPOLLEXCLUSIVE))
		return fail(EINVAL);
	if (watch->state == WATCH_ARMED && !set->shared && watch->data == event->data.u64) {
		struct ukevent answer = entry;

		if (kevent_ctl(epfd, KEVENT_CTL_MODIFY, 1, &answer) < 0)
			return -1;
		if (!(answer.ret_flags & KEVENT_RET_BROKEN))
			return armed(watch, fd, event);
	} else if (kevent_remove(epfd, &entry) == 0) {
		error = try_add(epfd, &entry);
		return error ? fail(error) : armed(watch, fd, event);
	}
	if (!may_have_fired(set, watch))
		return missing(watch, fd);
	error = try_add(epfd, &entry);
	return error ? fail(error) : armed(watch, fd, event);
}

static int delete(int epfd, struct set *set, struct watch *watch, int fd)
{
	struct ukevent entry = kevent_request(KEVENT_POLL, (unsigned int)fd, 0, 0, 0);
	bool fired = may_have_fired(set, watch);

	if (watch->state == WATCH_FOREIGN) {
		watch->state = WATCH_NONE;
		return real_calls()->epoll_ctl(set->foreign, EPOLL_CTL_DEL, fd, NULL);
	}
	if (kevent_remove(epfd, &entry) != 0 && !fired)
		return missing(watch, fd);
	watch->state = WATCH_NONE;
	return 0;
}

int ctl_watch(int epfd, struct set *set, int op, int fd, const struct epoll_event *event)
{
	struct watch *watch;
	int result;

	if (op != EPOLL_CTL_DEL && !event)
		return fail(EFAULT);
	if (fd < 0)
		return fail(EBADF);
	if (set_find(fd) == set)
		return fail(EINVAL);
	if (op == EPOLL_CTL_ADD && event->events & EPOLLEXCLUSIVE &&
	    (event->events & ~WITH_EXCLUSIVE || event->events & EPOLLONESHOT || set_find(fd)))
		return fail(EINVAL);
	/* As deep as epoll allows. */
	if (op == EPOLL_CTL_ADD && set_leads_to(fd, set, 4))
		return fail(ELOOP);
	pthread_mutex_lock(&set->lock);
	watch = set_watch(set, fd);
	if (!watch)
		result = fail(ENOMEM);
	else if (op == EPOLL_CTL_ADD)
		result = add(epfd, set, watch, fd, event);
	else if (op == EPOLL_CTL_MOD)
		result = modify(epfd, set, watch, fd, event);
	else if (op == EPOLL_CTL_DEL)
		result = delete(epfd, set, watch, fd);
	else
		result = fail(EINVAL);
	pthread_mutex_unlock(&set->lock);
	return result;
}
