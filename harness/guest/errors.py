# SPDX-License-Identifier: MIT
"""The one error type that reaches the user as a single line."""


class GuestError(Exception):
    """This machine or the request cannot do what was asked; the text says what to do about it.

    The command line prints it as one line and leaves with status 4. What goes wrong inside a guest
    that did start is never reported this way: that is a `GuestResult`.
    """
