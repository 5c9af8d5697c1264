/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * kevent: one interface for every kind of event; what the module and programs agree on.
 *
 * A program opens /dev/kevent, calls KEVENT_IOC_INIT on it and gets a queue descriptor; every other
 * call is an ioctl on that descriptor. All structures have the same layout for 32 and 64 bit.
 * Unless said otherwise a call returns a number >= 0 or -1 with errno, and a field named reserved
 * must be 0 (EINVAL).
 */
#ifndef _UAPI_LINUX_KEVENT_H
#define _UAPI_LINUX_KEVENT_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Grows when something is added; INIT refuses (EINVAL) a program that asks for a newer one. */
#define KEVENT_VERSION			1

#define KEVENT_DEVICE			"/dev/kevent"

/* What a kevent watches: ukevent.type. */
enum {
	KEVENT_SOCKET = 0,
	KEVENT_INODE,
	KEVENT_TIMER,
	KEVENT_POLL,
	KEVENT_NAIO,
	KEVENT_AIO,
	KEVENT_PIPE,
	KEVENT_SIGNAL,
	KEVENT_POSIX_TIMER,
	KEVENT_USER,
	KEVENT_MAX,
};

#define KEVENT_MASK_ALL			0xffffffff
#define KEVENT_MASK_EMPTY		0x0

/*
 * ukevent.req_flags. Without ONESHOT and ET a kevent is level-triggered: it is looked at again on
 * delivery and reported for as long as its condition holds.
 */
#define KEVENT_REQ_ONESHOT		0x01	/* unregister with the first report */
#define KEVENT_REQ_WAKEUP_ALL		0x02	/* neither queues nor waiters share: all are told */
#define KEVENT_REQ_ET			0x04	/* report activity once, do not look again */
#define KEVENT_REQ_LAST_CHECK		0x08	/* look again on delivery in any mode */
#define KEVENT_REQ_ALWAYS_QUEUE		0x10	/* ready at ADD: queue it, do not hand it back */
#define KEVENT_REQ_READY		0x20	/* ADD marks it ready without looking; queues it */
#define KEVENT_REQ_ALL			0x3f

/* ukevent.ret_flags. */
#define KEVENT_RET_BROKEN		0x1	/* the source failed or is gone; unregistered */
#define KEVENT_RET_DONE			0x2	/* the event happened, or the command was done */
#define KEVENT_RET_COPY_FAILED		0x4	/* it is not in the ring, or payloads were merged */

/* Commands of KEVENT_IOC_CTL. */
#define KEVENT_CTL_ADD			0
#define KEVENT_CTL_REMOVE		1
#define KEVENT_CTL_MODIFY		2
#define KEVENT_CTL_READY		3
/*
 * Each entry names its command (one of the above) in ret_flags. All entries are written back in
 * place: 0 in ret_flags when an ADD was queued, else as that command reports. Returns how many came
 * back with anything but "queued" for an ADD or DONE without BROKEN for another command.
 */
#define KEVENT_CTL_BATCH		4

/* SOCKET, NAIO and PIPE: ukevent.event. Reported bits in ret_data[0]; of NAIO as of AIO. */
#define KEVENT_SOCKET_RECV		0x1
#define KEVENT_SOCKET_ACCEPT		0x2
#define KEVENT_SOCKET_SEND		0x4
#define KEVENT_NAIO_RECV		KEVENT_SOCKET_RECV
#define KEVENT_NAIO_SEND		KEVENT_SOCKET_SEND
#define KEVENT_PIPE_RECV		KEVENT_SOCKET_RECV
#define KEVENT_PIPE_SEND		KEVENT_SOCKET_SEND

/*
 * INODE: raw[0] = descriptor of a file or directory. Reported bits in ret_data[0], the cookie that
 * pairs MOVED_FROM with MOVED_TO in ret_data[1].
 */
#define KEVENT_INODE_CREATE		0x00000001	/* a name was made in the directory */
#define KEVENT_INODE_REMOVE		0x00000002	/* a name was removed from it */
#define KEVENT_INODE_ACCESS		0x00000010
#define KEVENT_INODE_MODIFY		0x00000020
#define KEVENT_INODE_ATTRIB		0x00000040
#define KEVENT_INODE_CLOSE_WRITE	0x00000080
#define KEVENT_INODE_CLOSE_NOWRITE	0x00000100
#define KEVENT_INODE_OPEN		0x00000200
#define KEVENT_INODE_OPEN_EXEC		0x00000400
#define KEVENT_INODE_MOVED_FROM		0x00000800
#define KEVENT_INODE_MOVED_TO		0x00001000
#define KEVENT_INODE_DELETE_SELF	0x00002000	/* comes with BROKEN once the inode dies */
#define KEVENT_INODE_MOVE_SELF		0x00004000
#define KEVENT_INODE_UNMOUNT		0x00008000	/* reported only, with BROKEN */
#define KEVENT_INODE_ISDIR		0x40000000	/* reported only: it happened to a directory */
#define KEVENT_INODE_ON_CHILD		0x80000000	/* asks for the directory's children, too */
#define KEVENT_INODE_EVENTS		0x0000fff3

/* POLL: the bits of poll(2); ERR and HUP only if asked for. Reported bits in ret_data[0]. */
#define KEVENT_POLL_POLLIN		0x0001
#define KEVENT_POLL_POLLPRI		0x0002
#define KEVENT_POLL_POLLOUT		0x0004
#define KEVENT_POLL_POLLERR		0x0008
#define KEVENT_POLL_POLLHUP		0x0010
#define KEVENT_POLL_POLLNVAL		0x0020
#define KEVENT_POLL_POLLRDNORM		0x0040
#define KEVENT_POLL_POLLRDBAND		0x0080
#define KEVENT_POLL_POLLWRNORM		0x0100
#define KEVENT_POLL_POLLWRBAND		0x0200
#define KEVENT_POLL_POLLMSG		0x0400
#define KEVENT_POLL_POLLREMOVE		0x1000
#define KEVENT_POLL_POLLRDHUP		0x2000
#define KEVENT_POLL_ALL			0x37ff

/*
 * TIMER: id = {seconds, nanoseconds} of the period, which with user is also the timer's name.
 * ret_data[0] = system uptime in milliseconds, ret_data[1] = expiries missed since the last report.
 * Further bits of event choose the clock and the first expiry; KEVENT_MASK_ALL means FIRED alone.
 */
#define KEVENT_TIMER_FIRED		0x1
#define KEVENT_TIMER_REALTIME		0x100	/* CLOCK_REALTIME instead of CLOCK_MONOTONIC */
#define KEVENT_TIMER_BOOTTIME		0x200	/* CLOCK_BOOTTIME */
/* id is a point in time, and the timer fires once; with START only the first expiry is one. */
#define KEVENT_TIMER_ABSTIME		0x400
/* At ADD and MODIFY ret_data = {seconds, nanoseconds} is the first expiry, id only the period. */
#define KEVENT_TIMER_START		0x800

/* AIO: reported in ret_data: bytes moved, low and high half; if BROKEN, {bytes, -errno}. */
#define KEVENT_AIO_BIO			0x1

/*
 * SIGNAL: raw[0] = number. With NOMASK in raw_u64 the signal makes the event and nothing else.
 * ret_data[0] = si_code; ret_data[1] = si_int (real-time signals) or si_pid.
 */
#define KEVENT_SIGNAL_DELIVERY		0x1
#define KEVENT_SIGNAL_NOMASK		0x8000000000000000ULL

/*
 * POSIX_TIMER: raw[0] = the kernel's timer number (timer_create system call), raw[1] = the signal
 * it was made with. ret_data[0] = overruns, ret_data[1] = sigev_value.sival_int.
 */
#define KEVENT_POSIX_TIMER_FIRED	0x1

/* USER: the program's own; ctl READY fires it. ret_data[0] = firings since the last report. */
#define KEVENT_USER_FIRED		0x1

struct kevent_id {
	union {
		__u32		raw[2];
		__aligned_u64	raw_u64;
	};
};

/*
 * The event, both ways. The name of a registration is (type, id), with user added for TIMER and
 * USER. ret_data is output, except at ADD for types that take parameters there: TIMER with START,
 * and AIO and NAIO, where it is the address of a struct kevent_aio (low half first).
 */
struct ukevent {
	struct kevent_id	id;
	__u32			type;
	__u32			event;
	__u32			req_flags;
	__u32			ret_flags;
	__u32			ret_data[2];
	union {
		__u32		user[2];
		void		*ptr;
		__aligned_u64	user_u64;
	};
};

/* The ring of 2006: in memory of the program, written inside calls. */
struct kevent_ring {
	unsigned int		ring_kidx;
	unsigned int		ring_over;
	struct ukevent		event[];
};

/*
 * The mapped ring: mmap(NULL, bytes, PROT_READ|PROT_WRITE, MAP_SHARED, queue, 0), bytes as INIT
 * says. The kernel writes it at the moment an event happens. tail and head run freely; a record
 * lies at event[index & (entries - 1)].
 *
 * To consume: read tail with acquire; copy the records from head up to tail; store head with
 * release; pass a full memory barrier; only then act on the copies. In that order a condition that
 * is already announced by an unread record need not be announced twice. When flags is not 0, call
 * KEVENT_IOC_WAIT or KEVENT_IOC_COMMIT soon.
 */
struct kevent_mring {
	__u32			tail;		/* written by the kernel */
	__u32			flags;		/* KEVENT_MRING_*, written by the kernel */
	__u32			entries;
	__u32			overflows;	/* events that found the ring full, so far */
	__u32			version;
	__u32			reserved[11];
	__u32			head;		/* written by the program */
	__u32			pad[15];
	struct ukevent		event[];
};

#define KEVENT_MRING_EVENTS		128	/* offset of event[] */
#define KEVENT_MRING_MAX		32768	/* most entries */

#define KEVENT_MRING_OVERFLOW		0x1	/* events wait outside for room in the ring */
#define KEVENT_MRING_RECHECK		0x2	/* level-triggered or unclear events: look again */

/* A time, or a span; 0 <= tv_nsec < 1000000000 and tv_sec >= 0. */
struct kevent_timespec {
	__s64			tv_sec;
	__s64			tv_nsec;
};

/* What to do: KEVENT_AIO_* (type AIO); type NAIO knows only its event bits RECV and SEND. */
#define KEVENT_AIO_READ			0
#define KEVENT_AIO_WRITE		1
#define KEVENT_AIO_SENDFILE		2

/*
 * Parameters of one AIO or NAIO operation, read at ADD. AIO: id is any number the program chose.
 * NAIO: raw[0] = socket, raw[1] any number. Such kevents are ONESHOT whether it is said or not;
 * REMOVE cancels where possible.
 */
struct kevent_aio {
	__u32			op;		/* AIO only */
	__u32			flags;		/* AIO: RWF_* of preadv2; NAIO: MSG_* of recv, send */
	__s32			fd;		/* AIO only: the file read or written */
	__s32			out_fd;		/* SENDFILE only: a stream socket */
	__aligned_u64		buf;		/* not for SENDFILE */
	__aligned_u64		len;
	__s64			offset;		/* AIO only; -1: the file's own position */
	__aligned_u64		reserved[3];
};

/* KEVENT_IOC_INFO, on the device and on queues. */
struct kevent_info {
	__u32			version;
	__u32			types;		/* bit n: type n can be registered */
	__u32			max_mapped;	/* most entries of a mapped ring */
	__u32			index;		/* 0 red-black tree, 1 AVL tree, 2 hash */
	__aligned_u64		max_user_watches;
	__aligned_u64		reserved[5];
};

#define KEVENT_INIT_CLOEXEC		0x1
#define KEVENT_INIT_NONBLOCK		0x2

/* KEVENT_IOC_INIT: returns the queue's descriptor. At most one of the two rings. */
struct kevent_init_args {
	__u32			version;	/* KEVENT_VERSION */
	__u32			flags;		/* KEVENT_INIT_* */
	__aligned_u64		ring;		/* struct kevent_ring *, or 0 */
	__u32			ring_size;	/* its entries, at least 2 */
	__u32			mapped;		/* entries of a mapped ring, power of two >= 2, or 0 */
	__u32			mapped_bytes;	/* out: what to map */
	__u32			reserved[3];
};

/* KEVENT_IOC_CTL: see KEVENT_CTL_*. ADD returns how many came back (at the front of arg). */
struct kevent_ctl_args {
	__u32			cmd;
	__u32			num;
	__aligned_u64		arg;		/* struct ukevent[num] */
};

/* flags of the calls that wait. */
#define KEVENT_FLAGS_ABSTIME		0x1	/* timeout is a point of CLOCK_REALTIME */
#define KEVENT_FLAGS_FOREVER		0x2	/* wait without end; timeout is not looked at */
#define KEVENT_FLAGS_SIGMASK		0x4	/* block the signals in sigmask while waiting */
/* ENTER only: commit new_uidx, over before waiting; do not wait at all. */
#define KEVENT_FLAGS_COMMIT		0x8
#define KEVENT_FLAGS_NOWAIT		0x10

#define KEVENT_FLAGS_WAITS		0x7	/* what every call that waits knows */
#define KEVENT_FLAGS_ENTER		0x18	/* what ENTER knows besides */

/* KEVENT_IOC_GET_EVENTS: returns the number of events in buf. EINVAL on a mapped queue. */
struct kevent_get_args {
	__u32			min_nr;		/* wait for so many; 0 counts as 1 */
	__u32			max_nr;
	__aligned_u64		buf;		/* struct ukevent[max_nr] */
	struct kevent_timespec	timeout;
	__aligned_u64		sigmask;	/* bit n-1: signal n */
	__u32			flags;		/* KEVENT_FLAGS_* */
	__u32			reserved;
};

/*
 * KEVENT_IOC_WAIT. Ring of 2006: moves up to num events into the ring and returns how many; start =
 * the first slot filled. Mapped ring: waits until num events (0 counts as 1) lie in the ring
 * unread, and returns how many do.
 */
struct kevent_wait_args {
	__u32			num;
	__u32			old_uidx;	/* ring of 2006 only */
	struct kevent_timespec	timeout;
	__aligned_u64		sigmask;
	__u32			flags;
	__u32			start;		/* out */
};

/*
 * KEVENT_IOC_COMMIT. Ring of 2006: frees the slots before new_uidx, returns how many. Mapped ring:
 * moves what waits outside into the ring and looks again at level-triggered events that were read;
 * returns how many unread events the ring holds; both arguments must be 0.
 */
struct kevent_commit_args {
	__u32			new_uidx;
	__u32			over;
};

/*
 * KEVENT_IOC_ENTER: ctl (when num > 0), then commit (COMMIT), then get_events (buf given) or wait
 * (queue with a ring), with min_nr and max_nr as there (max_nr is wait's num). Does not block when
 * the ctl part returned more than 0. Returns what the last part returns; ends early, with that
 * error, when a part fails. Every part that was done has its out field written, also then.
 */
struct kevent_enter_args {
	__u32			cmd;
	__u32			num;
	__aligned_u64		arg;
	__u32			new_uidx;
	__u32			over;
	__u32			min_nr;
	__u32			max_nr;
	__aligned_u64		buf;
	struct kevent_timespec	timeout;
	__aligned_u64		sigmask;
	__u32			flags;
	__u32			old_uidx;
	__u32			ctl_ret;	/* out */
	__u32			commit_ret;	/* out */
	__u32			start;		/* out */
	__u32			reserved;
};

#define KEVENT_IOC_MAGIC		0xE7
#define KEVENT_IOC_INIT			_IOWR(KEVENT_IOC_MAGIC, 0, struct kevent_init_args)
#define KEVENT_IOC_INFO			_IOR(KEVENT_IOC_MAGIC, 1, struct kevent_info)
#define KEVENT_IOC_CTL			_IOW(KEVENT_IOC_MAGIC, 2, struct kevent_ctl_args)
#define KEVENT_IOC_GET_EVENTS		_IOW(KEVENT_IOC_MAGIC, 3, struct kevent_get_args)
#define KEVENT_IOC_WAIT			_IOWR(KEVENT_IOC_MAGIC, 4, struct kevent_wait_args)
#define KEVENT_IOC_COMMIT		_IOW(KEVENT_IOC_MAGIC, 5, struct kevent_commit_args)
#define KEVENT_IOC_ENTER		_IOWR(KEVENT_IOC_MAGIC, 6, struct kevent_enter_args)

/*
 * The short entry: the frequent calls without a block of arguments, as fadvise64(queue, offset,
 * len, advice), which costs less than an ioctl. advice is one of these, flags or-ed in:
 *
 * GET: as GET_EVENTS; offset = buf, len = max_nr | min_nr << 32.
 * CTL: as CTL; offset = arg, len = num | cmd << 32.
 * RING: with COMMIT as COMMIT, offset = new_uidx | over << 32, and then with WAIT as WAIT, len =
 *       num | old_uidx << 32. Returns what the last of the two returns, or the first error.
 *
 * GET and WAIT do not block without FOREVER, and know no other timeout. Results and errors are those
 * of the ioctls. Where len has 32 bits, use fadvise64_64(). A kernel that does not know the entry,
 * or a descriptor that is no queue, says EINVAL, ESPIPE or ENOSYS and has done nothing.
 */
#define KEVENT_SHORT_GET		0x4b450000
#define KEVENT_SHORT_CTL		0x4b450100
#define KEVENT_SHORT_RING		0x4b450200

#define KEVENT_SHORT_FOREVER		0x1
#define KEVENT_SHORT_COMMIT		0x2
#define KEVENT_SHORT_WAIT		0x4
#define KEVENT_SHORT_FLAGS		0x7

#endif /* _UAPI_LINUX_KEVENT_H */
