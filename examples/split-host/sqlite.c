#include <sqlite3.h>
#include <stdio.h>

static int row(void *line, int columns, char **values, char **names) {
    (void)columns, (void)names;
    snprintf(line, 100, "the sum of a table is %s", values[0]);
    return 0;
}

const char *anymod_init_sqlite(void) {
    static char line[100] = "failed";
    sqlite3 *base;
    if (sqlite3_open(":memory:", &base) == SQLITE_OK)
        sqlite3_exec(base, "create table t(n); insert into t values(1),(2),(39); select sum(n) from t", row, line, NULL);
    sqlite3_close(base);
    return line;
}
