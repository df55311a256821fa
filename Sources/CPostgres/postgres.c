#include "postgres.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static tollgate_libpq library;
static const char *missing = "libpq.so.5";

static void load(void) {
    void *handle = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (!handle) handle = dlopen("libpq.so", RTLD_NOW | RTLD_LOCAL);
    if (!handle) return;
#define TOLLGATE_FIND(name, result, arguments)                                                                         \
    if (!(library.name = (result(*) arguments)dlsym(handle, #name))) {                                                 \
        missing = #name;                                                                                               \
        return;                                                                                                        \
    }
    TOLLGATE_LIBPQ(TOLLGATE_FIND)
    missing = NULL;
}

const tollgate_libpq *tollgate_libpq_load(void) {
    pthread_once(&once, load);
    return missing ? NULL : &library;
}

const char *tollgate_libpq_missing(void) { return missing; }

// 'V' is the severity as no language changes it.
static void notice(void *count, const PGresult *result) {
    const char *severity = library.PQresultErrorField(result, 'V');
    if (severity && strcmp(severity, "WARNING") == 0) ++*(int *)count;
}

void tollgate_libpq_count_warnings(PGconn *connection, int *count) {
    library.PQsetNoticeReceiver(connection, notice, count);
}
