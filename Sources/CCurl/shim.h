#pragma once
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

// curl_easy_setopt and curl_easy_getinfo are variadic, which Swift does not call: one wrapper a type of argument.
static inline CURLcode tollgate_curl_set_long(CURL *curl, CURLoption option, long value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode tollgate_curl_set_offset(CURL *curl, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode tollgate_curl_set_text(CURL *curl, CURLoption option, const char *value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode tollgate_curl_set_pointer(CURL *curl, CURLoption option, void *value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode tollgate_curl_set_list(CURL *curl, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode tollgate_curl_set_transfer(
    CURL *curl, CURLoption option, size_t (*value)(char *, size_t, size_t, void *)) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode tollgate_curl_get_long(CURL *curl, CURLINFO info, long *value) {
    return curl_easy_getinfo(curl, info, value);
}
static inline CURLcode tollgate_curl_global_start(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }
static inline CURLcode tollgate_curl_set_open_socket(CURL *curl, curl_opensocket_callback value) {
    return curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, value);
}
static inline CURLcode tollgate_curl_set_prerequest(CURL *curl, curl_prereq_callback value) {
    return curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, value);
}

// The 16 bytes of an address that is about to be connected to, IPv4 in its mapped form; 0 for any other family.
// libcurl's struct holds less than an IPv6 address has, and its memory goes on behind it.
static inline int tollgate_curl_address(const struct curl_sockaddr *from, unsigned char *bytes) {
    const unsigned char *start = (const unsigned char *)&from->addr;
    if (from->family == AF_INET && from->addrlen >= sizeof(struct sockaddr_in)) {
        memset(bytes, 0, 10);
        memset(bytes + 10, 0xFF, 2);
        memcpy(bytes + 12, start + offsetof(struct sockaddr_in, sin_addr), 4);
        return 1;
    }
    if (from->family == AF_INET6 && from->addrlen >= sizeof(struct sockaddr_in6)) {
        memcpy(bytes, start + offsetof(struct sockaddr_in6, sin6_addr), 16);
        return 1;
    }
    return 0;
}

// The multi interface by sockets: what is asked is what has something to do, however many others wait.
static inline CURLMcode tollgate_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}
static inline CURLMcode tollgate_curl_multi_set_pointer(CURLM *multi, CURLMoption option, void *value) {
    return curl_multi_setopt(multi, option, value);
}
static inline CURLMcode tollgate_curl_multi_on_socket(CURLM *multi, curl_socket_callback value) {
    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, value);
}
static inline CURLMcode tollgate_curl_multi_on_timer(CURLM *multi, curl_multi_timer_callback value) {
    return curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, value);
}
static inline CURLSHcode tollgate_curl_share_sessions(CURLSH *share) {
    return curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

// epoll with plain ints: the enums of its header reach Swift with other types.
static inline int tollgate_poll_new(void) { return epoll_create1(EPOLL_CLOEXEC); }
static inline int tollgate_poll_signal(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
static inline void tollgate_poll_set(int poll, int fd, int reads, int writes) {
    struct epoll_event event = {0};
    event.events = (reads ? EPOLLIN : 0) | (writes ? EPOLLOUT : 0);
    event.data.fd = fd;
    if (epoll_ctl(poll, EPOLL_CTL_MOD, fd, &event) != 0) epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}
static inline void tollgate_poll_remove(int poll, int fd) { epoll_ctl(poll, EPOLL_CTL_DEL, fd, NULL); }
// Of each descriptor that is ready: itself, and in `states` 1 for reading, 2 for writing, 4 for an error, added up.
static inline int tollgate_poll_wait(int poll, int *fds, int *states, int max, int milliseconds) {
    struct epoll_event events[64];
    int count = epoll_wait(poll, events, max < 64 ? max : 64, milliseconds);
    for (int i = 0; i < count; i++) {
        unsigned int found = events[i].events;
        fds[i] = events[i].data.fd;
        states[i] = (found & (EPOLLIN | EPOLLHUP) ? 1 : 0) | (found & EPOLLOUT ? 2 : 0) | (found & EPOLLERR ? 4 : 0);
    }
    return count;
}
