#pragma once
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

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
