/* Plays a script from standard input: `player BASE [no-access-times]`, or lists its operations: `player list`.
 *
 * A line is an operation and its arguments. Words in front of an operation: `touches` also says which nodes changed,
 * `forked` plays it in a child, `threaded` in a thread with a small stack. An empty line and `#` are skipped. */
#include "player.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

int descriptor[SLOTS];
FILE *stream[SLOTS];
DIR *directory[SLOTS];
void *shared;
int skip_access_times;
int at_random, has_locked;

static const struct operation *const families[] = { opening, looking, listing, changing, moving, describing, running, odd, further, talking };

const struct operation *operation(const char *name)
{
    for (size_t family = 0; family < COUNT(families); family++)
        for (const struct operation *at = families[family]; at->name; at++)
            if (strcmp(at->name, name) == 0)
                return at;
    return NULL;
}

/* What was in the slot is closed, once something new is there. */
void take_slot(int place, int fd)
{
    if (fd == -1)
        return;
    if (descriptor[place] != -1 && descriptor[place] != fd)
        close(descriptor[place]);
    descriptor[place] = fd;
}

static void interrupt(int number)
{
    (void)number;
}

/* Opening a FIFO may wait for ever; after this long the call is interrupted: 60 ms, or what the environment says. */
static void limit(int on)
{
    const char *patience = getenv("PLAYER_PATIENCE_MS");
    struct itimerval wait = { { 0, 0 }, { 0, on * 1000L * (patience ? atol(patience) : 60) } };
    setitimer(ITIMER_REAL, &wait, NULL);
}

static const struct operation *found(struct call *c)
{
    const struct operation *known = operation(c->argument[0]);
    if (known == NULL) {
        fprintf(stderr, "player: no operation '%s'\n", c->argument[0]);
        exit(99);
    }
    c->count--;
    memmove(c->argument, c->argument + 1, sizeof(char *) * (ARGUMENTS - 1));
    return known;
}

/* Who may not search the directories that the tree lies in is a matter of the kernel alone. */
static void open_above(void)
{
    static const char *const above[] = { "/1/2/3/4", "/1/2/3/4/5", "/1/2/3/4/5/6" };
    char name[700];
    struct stat stat;
    size_t base = strlen(root_path()) - strlen("/1/2/3/4/5/6/tree");
    for (size_t at = 0; at < COUNT(above); at++) {
        snprintf(name, sizeof name, "%.*s%s", (int)base, root_path(), above[at]);
        if (lstat(name, &stat) == 0 && (stat.st_mode & 0700) != 0700)
            chmod(name, stat.st_mode | 0700);
    }
}

static void *in_thread(void *given)
{
    struct call *c = given;
    const struct operation *known = found(c);
    limit(1);
    errno = 77;
    known->act(c);
    if (strstr(known->family, "chmod"))
        open_above();
    limit(0);
    return NULL;
}

static void threaded(struct call *c)
{
    pthread_attr_t small;
    pthread_t thread;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    if (pthread_create(&thread, &small, in_thread, c) == 0) {
        /* The interruption is for the thread. */
        pthread_sigmask(SIG_BLOCK, &alarm, NULL);
        pthread_join(thread, NULL);
        pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
    } else {
        say(c, "no thread");
    }
    pthread_attr_destroy(&small);
}

static void forked(struct call *c)
{
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        play_one(c);
        memcpy(shared, c->result, sizeof c->result);
        _exit(0);
    }
    while (waitpid(child, &status, 0) == -1 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        say(c, "signal %d", WTERMSIG(status));
    else
        say(c, "%s", (const char *)shared);
}

void play_one(struct call *c)
{
    const char *word = c->argument[0];
    int wraps = strcmp(word, "touches") == 0 ? 1 : strcmp(word, "forked") == 0 ? 2 : strcmp(word, "threaded") == 0 ? 3 : 0;
    if (wraps) {
        c->count--;
        memmove(c->argument, c->argument + 1, sizeof(char *) * (ARGUMENTS - 1));
    }
    if (wraps == 1) {
        remember_tree();
        play_one(c);
        say_touched(c);
    } else if (wraps == 2) {
        forked(c);
    } else if (wraps == 3) {
        threaded(c);
    } else {
        const struct operation *known = found(c);
        /* What a shell says takes as long as the machine needs. */
        if (strcmp(known->family, "shell") != 0)
            limit(1);
        errno = 77;
        known->act(c);
        int kept = errno;
        if (strstr(known->family, "chmod"))
            open_above();
        limit(0);
        errno = kept;
    }
}

static void say_line(long number, const struct call *c)
{
    char head[24];
    int length = snprintf(head, sizeof head, "%ld ", number);
    /* One write a line: what was said is not lost when the next call kills the process. */
    memmove((char *)c->result + length, c->result, c->length);
    memcpy((char *)c->result, head, length);
    ((char *)c->result)[c->length + length] = '\n';
    size_t size = c->length + length + 1, wrote = 0;
    while (wrote < size) {
        ssize_t step = write(1, c->result + wrote, size - wrote);
        if (step > 0)
            wrote += (size_t)step;
        else if (errno != EINTR)
            _exit(98);
    }
}

int main(int count, char **arguments)
{
    static struct call call;
    if (count == 2 && strcmp(arguments[1], "list") == 0) {
        for (size_t family = 0; family < COUNT(families); family++)
            for (const struct operation *at = families[family]; at->name; at++)
                printf("%s %s %s\n", at->name, at->family, at->signature[0] ? at->signature : "-");
        return 0;
    }
    if (count < 2)
        return 99;
    set_roots(arguments[1]);
    skip_access_times = count > 2 && strcmp(arguments[2], "no-access-times") == 0;
    for (int at = 0; at < SLOTS; at++)
        descriptor[at] = -1;
    close_range(3, ~0u, 0);
    umask(022);
    struct sigaction action = { .sa_handler = interrupt };
    sigaction(SIGALRM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    shared = mmap(NULL, RESULT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    /* The script is read as a whole first, so that descriptor 0 cannot be in its way. */
    size_t room = 1 << 16, length = 0;
    char *script = malloc(room);
    for (ssize_t got; (got = read(0, script + length, room - length - 1)) > 0;) {
        length += (size_t)got;
        if (room - length < 4096)
            script = realloc(script, room *= 2);
    }
    script[length] = 0;
    at_random = strncmp(script, "# random", 8) == 0;
    if (chdir(root_path()) != 0) {
        fprintf(stderr, "player: %s: %s\n", root_path(), strerror(errno));
        return 97;
    }
    setenv("PWD", root_path(), 1);
    long number = 0;
    for (char *line = script; *line;) {
        char *end = strchrnul(line, '\n');
        char *next = *end ? end + 1 : end;
        *end = 0;
        number++;
        call.count = 0;
        call.length = 0;
        call.result[0] = 0;
        for (char *word = strtok(line, " "); word && call.count < ARGUMENTS; word = strtok(NULL, " "))
            call.argument[call.count++] = word;
        for (int at = call.count; at < ARGUMENTS; at++)
            call.argument[at] = "";
        line = next;
        if (call.count == 0 || call.argument[0][0] == '#')
            continue;
        play_one(&call);
        if (call.length > RESULT - 64)
            call.length = RESULT - 64;
        say_line(number, &call);
    }
    return 0;
}
