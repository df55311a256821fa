#pragma once
#include <sqlite3.h>

// sqlite3_config and sqlite3_db_config are variadic, SQLITE_TRANSIENT is a cast: neither is seen by Swift.
static inline int tollgate_sqlite3_db_config_flag(sqlite3 *db, int op, int on) {
    return sqlite3_db_config(db, op, on, (int *)0);
}
static inline int tollgate_sqlite3_config_flag(int op, int on) { return sqlite3_config(op, on); }
static inline sqlite3_destructor_type tollgate_sqlite3_transient(void) { return SQLITE_TRANSIENT; }
