#include "count.h"

#include "letters.h"

enum { LONGEST = 64 };

int count_words(FILE *file, struct table *table) {
    char word[LONGEST];
    size_t length = 0;
    for (int byte; (byte = getc(file)) != EOF;) {
        if (!letters[byte]) {
            if (length)
                table_add(table, word, length);
            length = 0;
        } else if (length < LONGEST) {
            word[length++] = (char)letters[byte];
        }
    }
    if (length)
        table_add(table, word, length);
    return ferror(file) ? -1 : 0;
}
