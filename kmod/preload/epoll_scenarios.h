/* SPDX-License-Identifier: MIT */
/* The parts of the epoll program that test_preload runs with and without the preload library. */
#ifndef EPOLL_SCENARIOS_H
#define EPOLL_SCENARIOS_H

#include <stdint.h>

/* What a wait that must find something is given; an emulated machine is slow. */
#define SOON_MS 5000

int run_epoll_scenarios(void);
void epoll_scenario_tcp(void);
void epoll_scenario_threads(void);

int scene_watch(int epfd, int op, int fd, uint32_t events, uint64_t data);

/* Prints what a call returned, or its errno. */
void scene_say(const char *what, int result);

/* Waits, and prints the events sorted by their data; returns their number. */
int scene_look(const char *what, int epfd, int timeout);

void scene_put(int fd);
void scene_drain(int fd);
void scene_make_pipe(int fd[2]);
void scene_make_pair(int fd[2]);

#endif
