#pragma once
// Debian's library has it, as those of Fedora, Arch and macOS do.
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#define SQLITE_ENABLE_SESSION 1
#include <sqlite3.h>
#include <string.h>

// sqlite3_config and sqlite3_db_config are variadic, SQLITE_TRANSIENT is a cast: neither is seen by Swift.
static inline int tollgate_sqlite3_db_config_flag(sqlite3 *db, int op, int on) {
    return sqlite3_db_config(db, op, on, (int *)0);
}
static inline int tollgate_sqlite3_config_flag(int op, int on) { return sqlite3_config(op, on); }
static inline int tollgate_sqlite3_config_page_cache(void *memory, int page_bytes, int pages) {
    return sqlite3_config(SQLITE_CONFIG_PAGECACHE, memory, page_bytes, pages);
}

// Called for a row of a watched table, before it is written: op, the table's name, the row's id before and after.
typedef void (*tollgate_row_written)(void *, sqlite3 *, int, const char *, sqlite3_int64, sqlite3_int64);
struct tollgate_row_watch {
    // By a hash of their names: most rows that are written are of no watched table, and are passed by here.
    unsigned char slots[256];
    tollgate_row_written written;
    void *context;
};
static inline unsigned char tollgate_row_slot(const char *name) {
    unsigned hash = 0;
    for (; *name; name++) hash = hash * 31 + (unsigned char)*name;
    return (unsigned char)(hash ^ hash >> 8);
}
static inline void tollgate_row_passes(
    void *context, sqlite3 *db, int op, const char *schema, const char *table, sqlite3_int64 before,
    sqlite3_int64 after
) {
    struct tollgate_row_watch *watch = (struct tollgate_row_watch *)context;
    if (watch->slots[tollgate_row_slot(table)] && strcmp(schema, "main") == 0)
        watch->written(watch->context, db, op, table, before, after);
}
static inline void tollgate_watch_rows(sqlite3 *db, struct tollgate_row_watch *watch) {
    sqlite3_preupdate_hook(db, watch ? tollgate_row_passes : 0, watch);
}

static inline sqlite3_destructor_type tollgate_sqlite3_transient(void) { return SQLITE_TRANSIENT; }
