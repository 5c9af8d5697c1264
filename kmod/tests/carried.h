/* SPDX-License-Identifier: MIT */
/* The preload library, which programs carry inside so that both reach a guest in one file. */
#ifndef CARRIED_H
#define CARRIED_H

/* The path of a copy, made when it is not there yet. */
const char *carried_library(void);

#endif
