#pragma once
// Without _GNU_SOURCE: with it, glibc declares fd_set and others differently than for Swift's own Glibc module.
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// A GNU extension, hence declared here.
extern int accept4(int, struct sockaddr *, socklen_t *, int);
static inline int clinux_accept(int listener, struct sockaddr_storage *address, socklen_t *length) {
    return accept4(listener, (struct sockaddr *)address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

// The enums of <sys/socket.h> reach Swift with types that differ between C libraries; plain ints do not.
static inline int clinux_tcp_socket(int family) {
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}
static inline int clinux_shutdown_write(int fd) { return shutdown(fd, SHUT_WR); }
static inline ssize_t clinux_send(int fd, const void *bytes, size_t count) {
    return send(fd, bytes, count, MSG_NOSIGNAL);
}
static inline ssize_t clinux_send_two(int fd, const void *a, size_t a_count, const void *b, size_t b_count) {
    struct iovec parts[2] = {{(void *)a, a_count}, {(void *)b, b_count}};
    struct msghdr message = {0};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}
static inline int clinux_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
// At most 15 bytes of it count.
static inline void clinux_name_this_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
// Since Linux 6.12: the slice of processor time that this thread asks for at once, 0.1 to 100 ms. One that asks for
// less than others need not wait until theirs is over. Older kernels take no notice. Policy and niceness stay what a
// unit has set; of policies only the ordinary one, 0, and that of batches, 3, know slices.
static inline void clinux_ask_for_slices(unsigned nanoseconds) {
    struct {
        unsigned size, policy;
        unsigned long long flags;
        int nice;
        unsigned priority;
        unsigned long long runtime, deadline, period;
    } attributes = {0};
    if (syscall(SYS_sched_getattr, 0, &attributes, (unsigned)sizeof attributes, 0u) != 0) return;
    if (attributes.policy != 0 && attributes.policy != 3) return;
    attributes.size = sizeof attributes;
    attributes.runtime = nanoseconds;
    syscall(SYS_sched_setattr, 0, &attributes, 0u);
}
// Bytes that the allocator has given out.
static inline size_t clinux_bytes_in_use(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
static inline void clinux_give_memory_back(void) { malloc_trim(0); }
