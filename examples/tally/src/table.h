// How often each word was seen.
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>

struct entry {
    char *word;
    size_t times;
};

struct table {
    struct entry *entries;
    size_t used, room;
};

// Counts a word once more. Ends the process if there is no memory.
void table_add(struct table *table, const char *word, size_t length);

// Sorts by times, the most first, and by the alphabet. Nothing can be added afterwards.
void table_sort(struct table *table);

void table_free(struct table *table);

#endif
