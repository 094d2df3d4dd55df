#ifndef COUNT_H
#define COUNT_H

#include <stdio.h>

#include "table.h"

// Adds the words of a file. Returns 0, or -1 with errno.
int count_words(FILE *file, struct table *table);

#endif
