/* Preloaded into a gateway: which statements it prepares, and how much work each run of one was, in steps of SQLite's
   machine. Counts, not times: they are the same on every machine and under any load. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FULLSCAN_STEP = 1, SORT = 2, VM_STEP = 4, STEPS_MIN = 2000, LINE_MAX = 16384 };

typedef struct sqlite3_stmt sqlite3_stmt;
typedef struct sqlite3 sqlite3;
extern int sqlite3_stmt_status(sqlite3_stmt *, int, int);
extern const char *sqlite3_sql(sqlite3_stmt *);

static void tell(const char *head, const char *sql, int length) {
    static int file = -2;
    char line[LINE_MAX];
    if (file == -2) {
        const char *path = getenv("TOLLGATE_STATEMENTS");
        file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    }
    if (file < 0 || !sql) return;
    int count = snprintf(line, sizeof line - 1, "%s\t%.*s", head, length < 0 ? (int)strlen(sql) : length, sql);
    if (count > (int)sizeof line - 2) count = sizeof line - 2;
    for (int index = 0; index < count; index++)
        if (line[index] == '\n') line[index] = ' ';
    line[count] = '\n';
    /* One call: lines of several threads do not mix. */
    if (write(file, line, count + 1) < 0) abort();
}

static void count(sqlite3_stmt *statement) {
    char head[96];
    if (!statement) return;
    int steps = sqlite3_stmt_status(statement, VM_STEP, 1);
    int scanned = sqlite3_stmt_status(statement, FULLSCAN_STEP, 1);
    int sorts = sqlite3_stmt_status(statement, SORT, 1);
    if (steps < STEPS_MIN) return;
    snprintf(head, sizeof head, "run\t%d\t%d\t%d", steps, scanned, sorts);
    tell(head, sqlite3_sql(statement), -1);
}

int sqlite3_reset(sqlite3_stmt *statement) {
    static int (*next)(sqlite3_stmt *);
    if (!next) next = (int (*)(sqlite3_stmt *))dlsym(RTLD_NEXT, "sqlite3_reset");
    count(statement);
    return next(statement);
}

int sqlite3_finalize(sqlite3_stmt *statement) {
    static int (*next)(sqlite3_stmt *);
    if (!next) next = (int (*)(sqlite3_stmt *))dlsym(RTLD_NEXT, "sqlite3_finalize");
    count(statement);
    return next(statement);
}

int sqlite3_prepare_v3(sqlite3 *database, const char *sql, int bytes, unsigned flags, sqlite3_stmt **made, const char **rest) {
    static int (*next)(sqlite3 *, const char *, int, unsigned, sqlite3_stmt **, const char **);
    if (!next)
        next = (int (*)(sqlite3 *, const char *, int, unsigned, sqlite3_stmt **, const char **))dlsym(RTLD_NEXT, "sqlite3_prepare_v3");
    int status = next(database, sql, bytes, flags, made, rest);
    if (status == 0 && made && *made) tell("prepared\t0\t0\t0", sql, -1);
    return status;
}
