// tally [FILE...]: the ten most frequent words.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "count.h"

enum { SHOWN = 10 };

static int tally(const char *name, struct table *table) {
    FILE *file = strcmp(name, "-") ? fopen(name, "r") : stdin;
    int failed = !file || count_words(file, table);
    if (failed)
        fprintf(stderr, "tally: %s: %s\n", name, strerror(errno));
    if (file && file != stdin)
        fclose(file);
    return failed;
}

int main(int count, char **arguments) {
    struct table table = {0};
    int failed = count < 2 ? tally("-", &table) : 0;
    for (int at = 1; at < count; at++)
        failed |= tally(arguments[at], &table);
    table_sort(&table);
    for (size_t at = 0; at < table.used && at < SHOWN; at++)
        printf("%6zu %s\n", table.entries[at].times, table.entries[at].word);
    table_free(&table);
    return failed;
}
