# SPDX-License-Identifier: MIT
"""Unmodified web servers in the guest, on their own epoll and on kevent by the preload library."""
