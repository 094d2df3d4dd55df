#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory) {
    if (!memory) {
        fputs("tally: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

// Where a word is, or the free place where it belongs.
static struct entry *place(struct entry *entries, size_t room, const char *word, size_t length) {
    size_t hash = 5381;
    for (size_t at = 0; at < length; at++)
        hash = hash * 33 + (unsigned char)word[at];
    for (size_t at = hash % room;; at = (at + 1) % room) {
        struct entry *entry = &entries[at];
        if (!entry->word || (strncmp(entry->word, word, length) == 0 && !entry->word[length]))
            return entry;
    }
}

static void grow(struct table *table) {
    size_t room = table->room ? table->room * 2 : 64;
    struct entry *entries = checked(calloc(room, sizeof *entries));
    for (size_t at = 0; at < table->room; at++) {
        struct entry *entry = &table->entries[at];
        if (entry->word)
            *place(entries, room, entry->word, strlen(entry->word)) = *entry;
    }
    free(table->entries);
    table->entries = entries;
    table->room = room;
}

void table_add(struct table *table, const char *word, size_t length) {
    if (2 * table->used >= table->room)
        grow(table);
    struct entry *entry = place(table->entries, table->room, word, length);
    if (!entry->word) {
        entry->word = checked(strndup(word, length));
        table->used++;
    }
    entry->times++;
}

static int by_times(const void *one, const void *other) {
    const struct entry *left = one, *right = other;
    if (!left->word || !right->word)
        return !left->word - !right->word;
    if (left->times != right->times)
        return left->times < right->times ? 1 : -1;
    return strcmp(left->word, right->word);
}

void table_sort(struct table *table) {
    if (table->room)
        qsort(table->entries, table->room, sizeof *table->entries, by_times);
}

void table_free(struct table *table) {
    for (size_t at = 0; at < table->room; at++)
        free(table->entries[at].word);
    free(table->entries);
    *table = (struct table){0};
}
