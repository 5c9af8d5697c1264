// SPDX-License-Identifier: GPL-2.0-only
/* The 2006 ring in user memory. The caller holds ring_mutex. */
#include <linux/uaccess.h>

#include "queue.h"
#include "taken.h"

int kevent_uring_fill(struct kevent_queue *q, const struct ukevent *records, u32 nr)
{
	struct kevent_ring __user *ring = q->uring_user;
	struct kevent_uring *r = &q->uring;
	struct kevent_uring before = *r;
	u32 done = 0;

	while (done < nr && !r->full) {
		/* In one piece up to the end of the memory. */
		u32 n = min3(nr - done, kevent_uring_room(r), r->size - r->kidx);
		u32 i;

		if (copy_to_user(&ring->event[r->kidx], &records[done], n * sizeof(*records)))
			goto fault;
		for (i = 0; i < n; i++)
			kevent_uring_produce(r);
		done += n;
	}
	if (!done)
		return 0;
	/* The records first: another thread may look at the index without a call. */
	smp_wmb();
	if (put_user(r->kidx, &ring->ring_kidx))
		goto fault;
	return done;

fault:
	*r = before;
	return -EFAULT;
}

int kevent_uring_plain(struct kevent_queue *q, u32 max, u32 *budget)
{
	struct kevent_ring __user *ring = q->uring_user;
	struct kevent_uring *r = &q->uring;
	bool writable;
	u32 delivered;
	u32 i;

	/* As it stands there already: only to see that the new one can be stored afterwards. */
	pagefault_disable();
	writable = !put_user(r->kidx, &ring->ring_kidx);
	pagefault_enable();
	if (!writable)
		return 0;
	max = min3(max, kevent_uring_room(r), r->size - r->kidx);
	delivered = kevent_deliver_plain(q, &ring->event[r->kidx], max, budget,
					 &q->stats.ringed);
	if (!delivered)
		return 0;
	for (i = 0; i < delivered; i++)
		kevent_uring_produce(r);
	/* The records first: another thread may look at the index without a call. */
	smp_wmb();
	return put_user(r->kidx, &ring->ring_kidx) ? -EFAULT : delivered;
}

int kevent_uring_store_over(struct kevent_queue *q)
{
	return put_user(q->uring.over, &q->uring_user->ring_over) ? -EFAULT : 0;
}
