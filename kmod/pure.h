/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the pure parts (state.h, uring.h, mring.h, avl.c) need from their surroundings. They know no
 * locks, no user memory and no allocation, so that the same text is tested in user space.
 */
#ifndef KEVENT_PURE_H
#define KEVENT_PURE_H

#ifdef __KERNEL__
#include <asm/barrier.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/types.h>
#else
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t u32;
typedef uint64_t u64;

#define READ_ONCE(x)			__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value)		__atomic_store_n(&(x), value, __ATOMIC_RELAXED)
/* As the kernel's, for tests in user space. */
#define smp_mb()			__atomic_thread_fence(__ATOMIC_SEQ_CST)
/* Likewise. */
#define smp_store_release(p, value)	__atomic_store_n(p, value, __ATOMIC_RELEASE)
#endif

#endif /* KEVENT_PURE_H */
