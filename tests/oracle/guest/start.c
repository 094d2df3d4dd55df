/* Starts a program that is for another machine under qemu. What is preloaded is for the program, not for qemu; this one is
 * linked statically, so that nothing is preloaded into it either. The program is the file `NAME.guest` beside `NAME`. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **words)
{
    char program[4096], preload[4096], **all = calloc(count + 8, sizeof *all);
    char *library = getenv("GUEST_PRELOAD"), *root = getenv("GUEST_ROOT");
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 7);
    int at = 0;
    if (length < 0 || !all || !root) return 125;
    strcpy(program + length, ".guest");
    all[at++] = "qemu-aarch64";
    all[at++] = "-L";
    all[at++] = root;
    if (library) {
        snprintf(preload, sizeof preload, "LD_PRELOAD=%s", library);
        all[at++] = "-E";
        all[at++] = preload;
        unsetenv("GUEST_PRELOAD");
    }
    all[at++] = program;
    for (int i = 1; i < count; i++) all[at++] = words[i];
    execvp(all[0], all);
    return 127;
}
