/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: what is added, becomes ready, is delivered, is dropped. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kevent

#if !defined(KEVENT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KEVENT_TRACE_H

#include <linux/tracepoint.h>

#include "queue.h"

DECLARE_EVENT_CLASS(kevent_class,
	TP_PROTO(const struct kevent_queue *q, const struct kevent *kev),
	TP_ARGS(q, kev),
	TP_STRUCT__entry(
		__field(const void *, queue)
		__field(u32, type)
		__field(u64, id)
		__field(u64, user)
		__field(u32, event)
		__field(u32, fired)
		__field(u32, state)
	),
	TP_fast_assign(
		__entry->queue = q;
		__entry->type = kev->u.type;
		__entry->id = kev->u.id.raw_u64;
		__entry->user = kev->u.user_u64;
		__entry->event = kev->u.event;
		__entry->fired = kev->fired;
		__entry->state = kev->state;
	),
	TP_printk("queue=%p type=%u id=%llx user=%llx event=%x fired=%x state=%x",
		  __entry->queue, __entry->type, __entry->id, __entry->user, __entry->event,
		  __entry->fired, __entry->state)
);

DEFINE_EVENT(kevent_class, kevent_ready,
	TP_PROTO(const struct kevent_queue *q, const struct kevent *kev),
	TP_ARGS(q, kev)
);

DEFINE_EVENT(kevent_class, kevent_deliver,
	TP_PROTO(const struct kevent_queue *q, const struct kevent *kev),
	TP_ARGS(q, kev)
);

DEFINE_EVENT(kevent_class, kevent_drop,
	TP_PROTO(const struct kevent_queue *q, const struct kevent *kev),
	TP_ARGS(q, kev)
);

TRACE_EVENT(kevent_add,
	TP_PROTO(const struct kevent_queue *q, const struct ukevent *request, int result),
	TP_ARGS(q, request, result),
	TP_STRUCT__entry(
		__field(const void *, queue)
		__field(u32, type)
		__field(u64, id)
		__field(u64, user)
		__field(u32, event)
		__field(u32, req_flags)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->queue = q;
		__entry->type = request->type;
		__entry->id = request->id.raw_u64;
		__entry->user = request->user_u64;
		__entry->event = request->event;
		__entry->req_flags = request->req_flags;
		__entry->result = result;
	),
	TP_printk("queue=%p type=%u id=%llx user=%llx event=%x req_flags=%x result=%d",
		  __entry->queue, __entry->type, __entry->id, __entry->user, __entry->event,
		  __entry->req_flags, __entry->result)
);

#endif /* KEVENT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
