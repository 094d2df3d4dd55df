// Writes the table of the bytes that words are made of. It runs while the project is built.
#include <ctype.h>
#include <stdio.h>

int main(void) {
    printf("// Written by letters.c.\nstatic const unsigned char letters[256] = {");
    for (int byte = 0; byte < 256; byte++) {
        int letter = byte >= 128 || isalpha(byte) || byte == '\'';
        printf("%s%d,", byte % 32 ? " " : "\n    ", letter ? tolower(byte) : 0);
    }
    printf("\n};\n");
    return 0;
}
