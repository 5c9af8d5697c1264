// SPDX-License-Identifier: MIT
#include "kevbench/adapter/detail/ring_poster.hpp"

#include <cerrno>

namespace kevbench::adapter::detail {
namespace {

constexpr unsigned entries = 4;

}  // namespace

ring_poster::~ring_poster() {
    if (open_) {
        io_uring_queue_exit(&ring_);
    }
}

int ring_poster::open(ring& target) noexcept {
    if (open_) {
        return -EINVAL;
    }
    const int status = io_uring_queue_init(entries, &ring_, 0);
    open_ = status == 0;
    target_ = target.native().ring_fd;
    return status;
}

int ring_poster::post(request_id target) noexcept {
    io_uring_sqe* const entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) {
        return -EAGAIN;
    }
    io_uring_prep_msg_ring(entry, target_, 1, target.packed(), 0);
    // Only failures come back, so that a post costs the sender no completion.
    io_uring_sqe_set_flags(entry, IOSQE_CQE_SKIP_SUCCESS);
    int status = 0;
    do {
        status = io_uring_submit(&ring_);
    } while (status == -EINTR);
    if (status < 0) {
        return status;
    }
    io_uring_cqe* failed = nullptr;
    if (io_uring_peek_cqe(&ring_, &failed) != 0) {
        return 0;
    }
    const int reason = failed->res;
    io_uring_cqe_seen(&ring_, failed);
    return reason == -EOVERFLOW ? -EAGAIN : reason;
}

}  // namespace kevbench::adapter::detail
