/* SPDX-License-Identifier: MIT */
/* The parts of the epoll program that test_preload runs with and without the preload library. */
#ifndef EPOLL_SCENARIOS_H
#define EPOLL_SCENARIOS_H

int run_epoll_scenarios(void);
void epoll_scenario_tcp(void);
void epoll_scenario_threads(void);

#endif
