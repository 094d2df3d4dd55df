/* Programs: the exec family, spawning, and what a child does with what it was given. */
#include "player.h"

#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;

static void say_status(struct call *c, pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) == -1)
        if (errno != EINTR) { say_errno(c); return; }
    if (WIFSIGNALED(status)) say(c, "signal %d", WTERMSIG(status));
    else say(c, "exit %d", WEXITSTATUS(status));
}
/* In the child: everything says nothing, so that only the exit code counts. */
static void quiet(void)
{
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    if (null > 2)
        close(null);
}
#define EXEC(name, prepare, expression) \
    static void act_##name(struct call *c) \
    { \
        int *why = shared; \
        char *program = path(c, 0), *given[] = { program ? program : "none", "one", NULL }; \
        *why = 0; \
        prepare; \
        pid_t child = fork(); \
        if (child == 0) { quiet(); expression; *why = errno; _exit(0); } \
        if (child == -1) { say_errno(c); return; } \
        int status = 0; \
        while (waitpid(child, &status, 0) == -1 && errno == EINTR) ; \
        if (*why) { errno = *why; say_errno(c); } \
        else if (WIFSIGNALED(status)) say(c, "signal %d", WTERMSIG(status)); \
        else say(c, "exit %d", WEXITSTATUS(status)); \
        (void)given; \
    }
static char *few[] = { "A=b", NULL }, *none[] = { NULL };
EXEC(execve, , execve(program, given, environ))
EXEC(execve_few, , execve(program, given, few))
EXEC(execve_none, , execve(program, given, none))
EXEC(execv, , execv(program, given))
EXEC(execvp, , execvp(program, given))
EXEC(execvpe, , execvpe(program, given, few))
EXEC(execl, , execl(program, "name", "one", "two", "three", "four", "five", "six", (char *)NULL))
EXEC(execlp, , execlp(program, "name", "one", (char *)NULL))
EXEC(execle, , execle(program, "name", "one", (char *)NULL, few))
EXEC(fexecve, , fexecve(open(program ? program : "", O_RDONLY | O_CLOEXEC), given, environ))
EXEC(execveat, , execveat(AT_FDCWD, program, given, environ, 0))
EXEC(sys_execve, , syscall(SYS_execve, program, given, environ))

static void act_vfork_execve(struct call *c)
{
    char *program = path(c, 0), *given[] = { program, NULL };
    int *why = shared;
    *why = 0;
    pid_t child = vfork();
    if (child == 0) {
        execve(program, given, few);
        *why = errno;
        _exit(0);
    }
    if (*why) {
        int status;
        while (waitpid(child, &status, 0) == -1 && errno == EINTR) ;
        errno = *why;
        say_errno(c);
    } else {
        say_status(c, child);
    }
}
static void spawn(struct call *c, int search)
{
    char *program = path(c, 0), *given[] = { program, NULL };
    posix_spawn_file_actions_t actions;
    pid_t child;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, path(c, 1), O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0644);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    int result = (search ? posix_spawnp : posix_spawn)(&child, program, &actions, NULL, given, environ);
    if (result == 0) say_status(c, child); else say(c, "%s", strerrorname_np(result));
    posix_spawn_file_actions_destroy(&actions);
}
static void act_posix_spawn(struct call *c) { spawn(c, 0); }
static void act_posix_spawnp(struct call *c) { spawn(c, 1); }
static void act_spawn_in(struct call *c)
{
    char *given[] = { "sh", "-c", "test \"$(pwd -P)\" != '' && test -f b && cat b >out.spawn 2>/dev/null; test -e a", NULL };
    posix_spawn_file_actions_t actions;
    pid_t child;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, path(c, 0));
    int result = posix_spawn(&child, "/bin/sh", &actions, NULL, given, environ);
    if (result == 0) say_status(c, child); else say(c, "%s", strerrorname_np(result));
    posix_spawn_file_actions_destroy(&actions);
}
/* Shell commands: their words are joined again with spaces. */
static const char *words(struct call *c)
{
    static char text[TEXT];
    size_t at = 0;
    for (int place = 0; place < c->count; place++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", place ? " " : "", path(c, place));
    return text;
}
static void act_system(struct call *c)
{
    int status = system(words(c));
    if (status == -1) say_errno(c); else say(c, "exit %d", WEXITSTATUS(status));
}
static void act_popen(struct call *c)
{
    char got[4096];
    FILE *pipe = popen(words(c), "r");
    if (pipe == NULL) { say_errno(c); return; }
    size_t length = fread(got, 1, sizeof got - 1, pipe);
    got[length] = 0;
    if (length && got[length - 1] == '\n') got[length - 1] = 0;
    int status = pclose(pipe);
    say(c, "exit %d ", WEXITSTATUS(status));
    say_path(c, got);
}
/* Pipes and sockets could keep a child waiting. */
static int is_file(struct call *c)
{
    struct stat stat;
    if (fstat(fd(c, 0), &stat) == 0 && S_ISREG(stat.st_mode))
        return 1;
    say(c, "none");
    return 0;
}
/* A child writes through what it inherited, and does not close it. */
static void act_child_writes(struct call *c)
{
    size_t length;
    const char *text = bytes(c, 1, &length);
    if (!is_file(c)) return;
    pid_t child = fork();
    if (child == 0)
        _exit(write(fd(c, 0), text, length) == (ssize_t)length ? 0 : 1);
    say_status(c, child);
}
static void act_cat_from(struct call *c)
{
    static char got[1 << 20];
    int ends[2];
    if (!is_file(c)) return;
    if (pipe(ends) != 0) { say_errno(c); return; }
    pid_t child = fork();
    if (child == 0) {
        dup2(fd(c, 0), 0);
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execl("/bin/cat", "cat", (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t step; (step = read(ends[0], got + length, sizeof got - length)) > 0 || (step == -1 && errno == EINTR);)
        length += step > 0 ? (size_t)step : 0;
    close(ends[0]);
    say_bytes(c, got, length);
    say(c, " ");
    say_status(c, child);
}

#define O(name, family, signature) { #name, family, signature, act_##name }
const struct operation running[] = {
    O(execve, "exec", "P"), O(execve_few, "exec", "P"), O(execve_none, "exec", "P"), O(execv, "exec", "P"), O(execvp, "exec", "P"),
    O(execvpe, "exec", "P"), O(execl, "exec", "P"), O(execlp, "exec", "P"), O(execle, "exec", "P"), O(fexecve, "exec", "P"),
    O(execveat, "exec", "P"), O(sys_execve, "exec", "P"), O(vfork_execve, "exec", "P"), O(posix_spawn, "spawn", "Pp"),
    O(posix_spawnp, "spawn", "Pp"), O(spawn_in, "spawn", "p"), O(system, "shell", ""), O(popen, "shell", ""),
    O(child_writes, "child", "fb"), O(cat_from, "child", "f"),
    END
};
