#ifndef TOLLGATE_CPOSTGRES_H
#define TOLLGATE_CPOSTGRES_H

// What we use of libpq (14 or later), found at the first use: nothing is linked, and no package is needed to build.

typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;

typedef struct {
    char *keyword, *envvar, *compiled, *val, *label, *dispchar;
    int dispsize;
} PQconninfoOption;

typedef void (*tollgate_notice_receiver)(void *, const PGresult *);

// The name of each function, its result and its arguments.
#define TOLLGATE_LIBPQ(call)                                                                                           \
    call(PQconninfoParse, PQconninfoOption *, (const char *, char **))                                                 \
    call(PQconninfoFree, void, (PQconninfoOption *))                                                                   \
    call(PQconnectStartParams, PGconn *, (const char *const *, const char *const *, int))                              \
    call(PQconnectPoll, int, (PGconn *))                                                                               \
    call(PQstatus, int, (const PGconn *))                                                                              \
    call(PQerrorMessage, char *, (const PGconn *))                                                                     \
    call(PQsocket, int, (const PGconn *))                                                                              \
    call(PQfinish, void, (PGconn *))                                                                                   \
    call(PQsetnonblocking, int, (PGconn *, int))                                                                       \
    call(PQsetNoticeReceiver, tollgate_notice_receiver, (PGconn *, tollgate_notice_receiver, void *))                  \
    call(PQenterPipelineMode, int, (PGconn *))                                                                         \
    call(PQexitPipelineMode, int, (PGconn *))                                                                          \
    call(PQpipelineSync, int, (PGconn *))                                                                              \
    call(PQsendPrepare, int, (PGconn *, const char *, const char *, int, const unsigned *))                            \
    call(PQsendQueryPrepared, int,                                                                                     \
         (PGconn *, const char *, int, const char *const *, const int *, const int *, int))                            \
    call(PQsendQueryParams, int,                                                                                       \
         (PGconn *, const char *, int, const unsigned *, const char *const *, const int *, const int *, int))          \
    call(PQsetSingleRowMode, int, (PGconn *))                                                                          \
    call(PQflush, int, (PGconn *))                                                                                     \
    call(PQconsumeInput, int, (PGconn *))                                                                              \
    call(PQisBusy, int, (PGconn *))                                                                                    \
    call(PQgetResult, PGresult *, (PGconn *))                                                                          \
    call(PQresultStatus, int, (const PGresult *))                                                                      \
    call(PQresultErrorField, char *, (const PGresult *, int))                                                          \
    call(PQcmdStatus, char *, (PGresult *))                                                                            \
    call(PQcmdTuples, char *, (PGresult *))                                                                            \
    call(PQntuples, int, (const PGresult *))                                                                           \
    call(PQnfields, int, (const PGresult *))                                                                           \
    call(PQgetisnull, int, (const PGresult *, int, int))                                                               \
    call(PQgetlength, int, (const PGresult *, int, int))                                                               \
    call(PQgetvalue, char *, (const PGresult *, int, int))                                                             \
    call(PQclear, void, (PGresult *))

#define TOLLGATE_FIELD(name, result, arguments) result(*name) arguments;
typedef struct {
    TOLLGATE_LIBPQ(TOLLGATE_FIELD)
} tollgate_libpq;
#undef TOLLGATE_FIELD

// Null where it is not installed, or lacks a function. Any thread; the same each time.
const tollgate_libpq *tollgate_libpq_load(void);
// What was missing then.
const char *tollgate_libpq_missing(void);

// From now on counts the connection's warnings there.
void tollgate_libpq_count_warnings(PGconn *connection, int *count);

#endif
