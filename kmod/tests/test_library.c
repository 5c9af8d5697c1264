// SPDX-License-Identifier: MIT
/* libkevent's own helpers, beyond the calls that every other program here goes through. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "queue.h"

/* The five of 2006, with the types they were declared with. */
static int (*const historic_init)(struct kevent_ring *, unsigned int, unsigned int) = kevent_init;
static int (*const historic_ctl)(int, unsigned int, unsigned int, struct ukevent *) = kevent_ctl;
static int (*const historic_get)(int, unsigned int, unsigned int, struct timespec,
				 struct ukevent *, unsigned int) = kevent_get_events;
static int (*const historic_wait)(int, unsigned int, unsigned int, struct timespec,
				  unsigned int) = kevent_wait;
static int (*const historic_commit)(int, unsigned int, unsigned int) = kevent_commit;

CASE(the_five_calls_of_2006_serve_a_program_of_then)
{
	struct kevent_ring *ring = ring_memory(4);
	struct timespec second = { 1, 0 };
	struct ukevent uk = { 0 };
	int fd = historic_init(ring, 4, 0);

	CHECK_GE(fd, 0);
	uk.type = KEVENT_TIMER;
	uk.event = KEVENT_TIMER_FIRED;
	uk.req_flags = KEVENT_REQ_ONESHOT;
	uk.id.raw[1] = 1000000;
	uk.ptr = ring;
	CHECK_EQ(historic_ctl(fd, KEVENT_CTL_ADD, 1, &uk), 0);
	CHECK_EQ(historic_wait(fd, 1, 0, second, 0), 1);
	CHECK_EQ(ring->ring_kidx, 1);
	CHECK(ring->event[0].ptr == ring);
	CHECK_EQ(historic_commit(fd, 1, ring->ring_over), 1);
	CHECK_EQ(historic_get(fd, 0, 1, (struct timespec){ 0, 0 }, &uk, 0), 0);
}

CASE(info_names_the_types_there_are)
{
	struct kevent_info info;

	CHECK_EQ(kevent_get_info(&info), 0);
	CHECK_EQ(info.version, KEVENT_VERSION);
	CHECK_NE(info.types & 1U << KEVENT_USER, 0);
	CHECK_NE(info.types & 1U << KEVENT_SOCKET, 0);
	CHECK_EQ(info.max_mapped, KEVENT_MRING_MAX);
	CHECK_GT(info.max_user_watches, 0);
	ktest_note("types %x, index %u", info.types, info.index);
}

CASE_ON(queue, add_and_remove_say_what_went_wrong)
{
	struct ukevent entry = request(KEVENT_USER, 1, 1, 0), bad = request(KEVENT_POLL, 999, 1, 0);

	CHECK_EQ(kevent_add(self->fd, &entry), 0);
	CHECK_ERRNO(kevent_add(self->fd, &entry), EEXIST);
	CHECK_ERRNO(kevent_add(self->fd, &bad), EBADF);
	CHECK_EQ(kevent_remove(self->fd, &entry), 0);
	CHECK_ERRNO(kevent_remove(self->fd, &entry), ENOENT);
}

CASE(mapped_wait_times_out)
{
	struct timespec moment = after_ms(20);
	struct kevent_mapped map;
	struct ukevent event;

	CHECK_GE(kevent_mapped_open(&map, 4, KEVENT_INIT_CLOEXEC), 0);
	CHECK_EQ(fcntl(map.fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(kevent_mapped_wait(&map, &event, 1, &moment, NULL), 0);
	kevent_mapped_close(&map);
	CHECK_ERRNO(kevent_mapped_open(&map, 0, 0), EINVAL);
}

static void need(unsigned int type)
{
	struct kevent_info info;

	CHECK_EQ(kevent_get_info(&info), 0);
	if (!(info.types & 1U << type))
		SKIP("the module has no type %u", type);
}

static int handled;

static void count(int number)
{
	handled++;
}

CASE_ON(queue, signal_helpers_watch_with_and_without_the_handler)
{
	struct sigaction action = { .sa_handler = count };

	need(KEVENT_SIGNAL);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(kevent_signal_add(self->fd, SIGUSR1, 0, 0, 7), 0);
	raise(SIGUSR1);
	CHECK_EQ(take_one(self->fd).user_u64, 7);
	CHECK_EQ(handled, 1);
	CHECK_EQ(kevent_signal_remove(self->fd, SIGUSR1, 0), 0);
	CHECK_EQ(kevent_signal_add(self->fd, SIGUSR1, 1, 0, 8), 0);
	raise(SIGUSR1);
	CHECK_EQ(take_one(self->fd).user_u64, 8);
	CHECK_EQ(handled, 1);
	CHECK_EQ(kevent_signal_remove(self->fd, SIGUSR1, 1), 0);
	CHECK_ERRNO(kevent_signal_add(self->fd, SIGKILL, 1, 0, 0), EINVAL);
}

CASE_ON(queue, posix_timer_helpers_report_the_value)
{
	union sigval value = { .sival_int = 4711 };
	struct itimerspec soon = { .it_value.tv_nsec = 1000000 };
	struct kevent_posix_timer timer;
	struct ukevent event;

	need(KEVENT_POSIX_TIMER);
	CHECK_EQ(kevent_posix_timer_create(&timer, self->fd, CLOCK_MONOTONIC, value, 0, 9), 0);
	CHECK_EQ(kevent_posix_timer_settime(&timer, 0, &soon, NULL), 0);
	event = take_one(self->fd);
	CHECK_EQ(event.user_u64, 9);
	CHECK_EQ(event.ret_data[1], 4711);
	CHECK_EQ(kevent_posix_timer_delete(&timer), 0);
}

CASE_ON(queue, aio_helpers_move_data)
{
	char path[] = "/tmp/kevent-aio-XXXXXX", back[8] = { 0 };
	int file, pair[2];
	struct ukevent event;

	need(KEVENT_AIO);
	file = mkstemp(path);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(kevent_aio_write(self->fd, 1, file, "kevent!", 7, 0, 11), 0);
	event = take_one(self->fd);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(event.ret_data[0], 7);
	CHECK_EQ(kevent_aio_read(self->fd, 1, file, back, 7, 0, 12), 0);
	CHECK_EQ(take_one(self->fd).user_u64, 12);
	CHECK_EQ(strcmp(back, "kevent!"), 0);
	unix_pair(SOCK_STREAM, pair);
	CHECK_EQ(kevent_aio_sendfile(self->fd, 1, pair[0], file, 0, 7, 13), 0);
	CHECK_EQ(take_one(self->fd).ret_data[0], 7);
	CHECK_EQ(drain(pair[1]), 7);
}

CASE_ON(queue, naio_helpers_move_data)
{
	char back[8] = { 0 };
	int pair[2];

	need(KEVENT_NAIO);
	unix_pair(SOCK_STREAM, pair);
	CHECK_EQ(kevent_naio_recv(self->fd, 1, pair[0], back, 7, 0, 21), 0);
	take_none(self->fd);
	CHECK_EQ(kevent_naio_send(self->fd, 2, pair[1], "network", 7, 0, 22), 0);
	for (int i = 0; i < 2; i++) {
		struct ukevent event;

		CHECK_EQ(take(self->fd, &event, 1, SOON_MS), 1);
		CHECK_EQ(event.ret_flags, KEVENT_RET_DONE);
		CHECK_EQ(event.ret_data[0], 7);
	}
	CHECK_EQ(strcmp(back, "network"), 0);
}
