/*
 * A library to be preloaded (LD_PRELOAD): a call of a program or of its children fails, or all that
 * changes files is written down. It is told by the environment, which children inherit:
 *
 * - FAILING_STATE: a file of zeros, as long as `state`, that all processes share
 *
 * - FAILING_UNDER: which files count: the beginnings of their absolute names, colons between them;
 *   "pipe" and "socket" are those of any name, "memory" what is mapped without a file,
 *   "allocation" what is asked of the C library, of LARGE bytes and more
 *
 * - FAILING_CALL: KIND:N:HOW:TIMES: the N-th call of a kind, counted from 1 over all processes,
 *   fails with the error number HOW, or ends its process (HOW 0), or does half of what it could
 *   (HOW -1); TIMES "once", or "ever" since
 *
 * - FAILING_LOG: a file for what is written, named, and brought to the disk: `entry`, two names,
 *   the bytes
 *
 * Where a process crashes is written down, too: the libraries of its stack, the innermost first.
 *
 * Calls on other files, as Python's imports are, go through uncounted. The system is asked by its
 * numbers, so that nothing here meets itself.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
    OPEN,
    READ,
    WRITE,
    SYNC,
    RENAME,
    UNLINK,
    MAP,
    FORK,
    EXEC,
    THREAD,
    STAT,
    LIST,
    MAKE,
    TRUNCATE,
    ALLOC,
    N_KINDS
};
static const char *const NAMES[] = {"open",   "read", "write", "sync",     "rename",
                                    "unlink", "map",  "fork",  "exec",     "thread",
                                    "stat",   "list", "make",  "truncate", "alloc"};
enum { GOES = INT_MIN, HALF = -1 };

struct state {
    _Atomic uint64_t counts[16]; /* calls by kind */
    _Atomic uint64_t struck;     /* calls that failed */
    _Atomic int32_t lock;        /* the thread that writes the log */
    int32_t unused;
    char first[512]; /* what failed first: function, name */
    _Atomic uint64_t crashes;
    char crash[8192]; /* of the first: of its stack a line each: file, tab, function */
};

struct entry {
    uint64_t size; /* of all of it, in bytes */
    uint64_t inode, offset, length;
    uint32_t of_one, of_other; /* bytes of the names */
    char what; /* W write, T truncate, C create, L link, R rename, U unlink, M mkdir, D rmdir, S
                  sync */
    char unused[7];
};

static struct state *state;
static const char *under;
static int log_fd = -1, at_kind = -1, how, for_ever;
static uint64_t at_call;

/* Write down whose code it was, and go on to crash. */
static void crashed(int number)
{
    struct state *told = state;
    state = NULL; /* no call from here on counts or fails */
    void *frames[64];
    Dl_info of;
    if (!told || atomic_fetch_add(&told->crashes, 1))
        return;
    size_t at = 0;
    int n = backtrace(frames, 64);
    for (int k = 1; k < n; k++) { /* past this function */
        int is_known = dladdr(frames[k], &of) && of.dli_fname;
        int wrote =
            snprintf(told->crash + at, sizeof told->crash - at, "%s\t%s\n",
                     is_known ? of.dli_fname : "", is_known && of.dli_sname ? of.dli_sname : "");
        if (wrote < 0 || (at += (size_t)wrote) >= sizeof told->crash)
            break;
    }
    if (number == SIGABRT)
        raise(number);
}

static void watch_for_crashes(void)
{
    void *frame[1];
    backtrace(frame, 1); /* what it loads cannot be loaded when it is wanted */
    struct sigaction how_so = {.sa_handler = crashed, .sa_flags = SA_RESETHAND | SA_NODEFER};
    for (int k = 0; k < 5; k++)
        sigaction((const int[]){SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE}[k], &how_so, NULL);
}

/* Also called by a process that has forked off one in which nothing counts, with more to read now.
 */
__attribute__((constructor)) void failing_prepare(void)
{
    const char *where = getenv("FAILING_STATE"), *call = getenv("FAILING_CALL"),
               *log = getenv("FAILING_LOG");
    char kind[16] = "", times[8] = "";
    under = getenv("FAILING_UNDER");
    if (!where || !under)
        return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, where, O_RDWR | O_CLOEXEC, 0);
    void *at = fd < 0 ? MAP_FAILED
                      : (void *)syscall(SYS_mmap, NULL, sizeof *state, PROT_READ | PROT_WRITE,
                                        MAP_SHARED, fd, 0L);
    if (at == MAP_FAILED)
        _exit(99);
    syscall(SYS_close, fd);
    watch_for_crashes();
    state = at;
    if (call && sscanf(call, "%15[a-z]:%lu:%d:%7s", kind, &at_call, &how, times) != 4)
        _exit(99);
    for (int k = 0; k < N_KINDS; k++)
        if (!strcmp(kind, NAMES[k]))
            at_kind = k;
    for_ever = !strcmp(times, "ever");
    if (log) { /* out of the way of those who close low numbers */
        fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND, 0);
        log_fd = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 900);
        syscall(SYS_close, fd);
        if (log_fd < 0)
            _exit(99);
    }
}

/* ---- which calls count */

static int counts(const char *name)
{
    for (const char *one = under; state && *one;) {
        size_t n = strcspn(one, ":");
        if (n && !strncmp(name, one, n))
            return 1;
        one += n + (one[n] == ':');
    }
    return 0;
}

static const char *name_of(int fd, char name[static PATH_MAX])
{
    char link[32];
    if (fd == AT_FDCWD)
        strcpy(link, "/proc/self/cwd");
    else
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int error = errno;
    long n = state ? syscall(SYS_readlinkat, AT_FDCWD, link, name, PATH_MAX - 1) : 0;
    errno = error;
    name[n < 0 ? 0 : n] = 0;
    return name;
}

static const char *absolute(int dir, const char *path, char name[static PATH_MAX])
{
    size_t n = 0;
    if (path[0] != '/') {
        n = strlen(name_of(dir, name));
        name[n++] = '/';
    }
    snprintf(name + n, PATH_MAX - n, "%s", path);
    return name;
}

/* Count a call; return GOES, HALF, or the number of its error. */
static int fate(enum kind kind, const char *function, const char *name)
{
    if (!state || !counts(name))
        return GOES;
    uint64_t n = atomic_fetch_add(&state->counts[kind], 1) + 1;
    if ((int)kind != at_kind || n < at_call || (n > at_call && !for_ever))
        return GOES;
    if (!atomic_fetch_add(&state->struck, 1))
        snprintf(state->first, sizeof state->first, "%s %s", function, name);
    if (how == 0)
        syscall(SYS_kill, getpid(), SIGKILL);
    return how;
}

/* The fate of a call that cannot be done by halves: does it fail, with errno? */
static int fails(enum kind kind, const char *function, const char *name)
{
    int error = fate(kind, function, name);
    if (error == GOES || error == HALF)
        return 0;
    errno = error;
    return 1;
}

static int fails_at(enum kind kind, const char *function, int dir, const char *path)
{
    char name[PATH_MAX];
    return state && path && fails(kind, function, absolute(dir, path, name));
}

/* ---- the log: one thread of all processes at a time does what it does, and writes it down */

static int locked(const char *name)
{
    if (log_fd < 0 || !counts(name))
        return 0;
    int32_t self = (int32_t)syscall(SYS_gettid), other = 0;
    while (!atomic_compare_exchange_weak(&state->lock, &other, self)) {
        if (other && syscall(SYS_kill, other, 0) && errno == ESRCH)
            atomic_compare_exchange_strong(&state->lock, &other, 0);
        sched_yield();
        other = 0;
    }
    return 1;
}

static void unlocked(int was)
{
    if (was)
        atomic_store(&state->lock, 0);
}

static void note(char what, uint64_t inode, int64_t offset, const char *one, const char *other,
                 const void *bytes, size_t n)
{
    int error = errno;
    struct entry entry = {.inode = inode, .offset = (uint64_t)offset, .length = n, .what = what};
    entry.of_one = one ? (uint32_t)strlen(one) : 0;
    entry.of_other = other ? (uint32_t)strlen(other) : 0;
    entry.size = sizeof entry + entry.of_one + entry.of_other + (bytes ? n : 0);
    struct iovec parts[] = {{&entry, sizeof entry},
                            {(void *)one, entry.of_one},
                            {(void *)other, entry.of_other},
                            {(void *)bytes, bytes ? n : 0}};
    if (syscall(SYS_writev, log_fd, parts, 4) != (long)entry.size)
        _exit(99);
    errno = error;
}

static uint64_t inode_of(int fd)
{
    struct stat found;
    return syscall(SYS_fstat, fd, &found) || !(S_ISREG(found.st_mode) || S_ISDIR(found.st_mode))
               ? 0
               : found.st_ino;
}

static void note_written(int fd, int64_t offset, const void *bytes, long n)
{
    uint64_t inode = inode_of(fd);
    if (n <= 0 || !inode)
        return;
    if (offset < 0)
        offset = syscall(SYS_lseek, fd, 0L, SEEK_CUR) - n;
    note('W', inode, offset, NULL, NULL, bytes, (size_t)n);
}

/* ---- files are opened */

static int opened(const char *function, int dir, const char *path, int flags, mode_t mode)
{
    char name[PATH_MAX] = "";
    if (state)
        absolute(dir, path, name);
    if (fails(OPEN, function, name))
        return -1;
    int lock = locked(name), is_new = 0;
    if (lock && flags & (O_CREAT | O_TMPFILE))
        is_new = syscall(SYS_faccessat, dir, path, F_OK) != 0;
    if (lock && (flags & O_TMPFILE) == O_TMPFILE)
        is_new = 1;
    int fd = (int)syscall(SYS_openat, dir, path, flags | O_LARGEFILE, mode);
    if (lock && fd >= 0 && is_new)
        note('C', inode_of(fd), 0, (flags & O_TMPFILE) == O_TMPFILE ? "" : name, NULL, NULL, 0);
    else if (lock && fd >= 0 && flags & O_TRUNC)
        note('T', inode_of(fd), 0, NULL, NULL, NULL, 0);
    unlocked(lock);
    return fd;
}

#define MODE(last)                                                                                 \
    mode_t mode = 0;                                                                               \
    if (last & (O_CREAT | O_TMPFILE)) {                                                            \
        va_list rest;                                                                              \
        va_start(rest, last);                                                                      \
        mode = va_arg(rest, mode_t);                                                               \
        va_end(rest);                                                                              \
    }
#define OPENS(name)                                                                                \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        MODE(flags)                                                                                \
        return opened(#name, AT_FDCWD, path, flags, mode);                                         \
    }
#define OPENS_AT(name)                                                                             \
    int name(int dir, const char *path, int flags, ...)                                            \
    {                                                                                              \
        MODE(flags)                                                                                \
        return opened(#name, dir, path, flags, mode);                                              \
    }
OPENS(open)
OPENS(open64)
OPENS_AT(openat) OPENS_AT(openat64)

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define OPENS_STREAM(name)                                                                         \
    FILE *name(const char *restrict path, const char *restrict mode)                               \
    {                                                                                              \
        return fails_at(OPEN, #name, AT_FDCWD, path) ? NULL : REAL(name)(path, mode);              \
    }
    OPENS_STREAM(fopen) OPENS_STREAM(fopen64)

        DIR *opendir(const char *path)
{
    return fails_at(LIST, "opendir", AT_FDCWD, path) ? NULL : REAL(opendir)(path);
}

DIR *fdopendir(int fd)
{
    char name[PATH_MAX];
    return fails(LIST, "fdopendir", name_of(fd, name)) ? NULL : REAL(fdopendir)(fd);
}

#define STATS(name)                                                                                \
    int name(const char *restrict path, struct stat *restrict found)                               \
    {                                                                                              \
        return fails_at(STAT, #name, AT_FDCWD, path) ? -1 : REAL(name)(path, found);               \
    }
#define STATS64(name)                                                                              \
    int name(const char *restrict path, struct stat64 *restrict found)                             \
    {                                                                                              \
        return fails_at(STAT, #name, AT_FDCWD, path) ? -1 : REAL(name)(path, found);               \
    }
STATS(stat)
STATS(lstat)
STATS64(stat64) STATS64(lstat64)

    int fstatat64(int dir, const char *restrict path, struct stat64 *restrict found, int flags)
{
    return fails_at(STAT, "fstatat64", dir, path) ? -1 : REAL(fstatat64)(dir, path, found, flags);
}

/* ---- read and written */

#define HALVED(kind, function)                                                                     \
    char name[PATH_MAX];                                                                           \
    int error = fate(kind, function, name_of(fd, name));                                           \
    if (error > 0)                                                                                 \
        return errno = error, -1;                                                                  \
    if (error == HALF && n > 1)                                                                    \
        n /= 2;

ssize_t read(int fd, void *at, size_t n)
{
    HALVED(READ, "read")
    return syscall(SYS_read, fd, at, n);
}
#define READS(function)                                                                            \
    ssize_t function(int fd, void *at, size_t n, off_t offset)                                     \
    {                                                                                              \
        HALVED(READ, #function)                                                                    \
        return syscall(SYS_pread64, fd, at, n, offset);                                            \
    }
READS(pread)
READS(pread64)

ssize_t write(int fd, const void *at, size_t n)
{
    HALVED(WRITE, "write")
    int lock = locked(name);
    ssize_t done = syscall(SYS_write, fd, at, n);
    if (lock)
        note_written(fd, -1, at, done);
    unlocked(lock);
    return done;
}
#define WRITES(function)                                                                           \
    ssize_t function(int fd, const void *at, size_t n, off_t offset)                               \
    {                                                                                              \
        HALVED(WRITE, #function)                                                                   \
        int lock = locked(name);                                                                   \
        ssize_t done = syscall(SYS_pwrite64, fd, at, n, offset);                                   \
        if (lock)                                                                                  \
            note_written(fd, offset, at, done);                                                    \
        unlocked(lock);                                                                            \
        return done;                                                                               \
    }
WRITES(pwrite)
WRITES(pwrite64)

/* One part after the other, each of which may be the last. */
ssize_t writev(int fd, const struct iovec *parts, int n_parts)
{
    ssize_t done = 0;
    for (int part = 0; part < n_parts; part++) {
        ssize_t n = write(fd, parts[part].iov_base, parts[part].iov_len);
        if (n < 0)
            return done ? done : -1;
        done += n;
        if ((size_t)n < parts[part].iov_len)
            break;
    }
    return done;
}

/* What copies within the kernel is not there: whoever asks copies by itself, where we see it. */
ssize_t sendfile64(int to, int from, off_t *offset, size_t n)
{
    (void)to, (void)from, (void)offset, (void)n;
    return errno = ENOTSOCK, -1;
}
ssize_t sendfile(int to, int from, off_t *offset, size_t n)
{
    return sendfile64(to, from, offset, n);
}
ssize_t copy_file_range(int from, off_t *at, int to, off_t *there, size_t n, unsigned flags)
{
    (void)from, (void)at, (void)to, (void)there, (void)n, (void)flags;
    return errno = EXDEV, -1;
}

static int truncated(const char *function, int fd, off_t n)
{
    char name[PATH_MAX];
    if (fails(TRUNCATE, function, name_of(fd, name)))
        return -1;
    int lock = locked(name), failed = (int)syscall(SYS_ftruncate, fd, n);
    if (lock && !failed)
        note('T', inode_of(fd), n, NULL, NULL, NULL, 0);
    unlocked(lock);
    return failed;
}
int ftruncate(int fd, off_t n)
{
    return truncated("ftruncate", fd, n);
}
int ftruncate64(int fd, off_t n)
{
    return truncated("ftruncate64", fd, n);
}

static int synced(const char *function, long number, int fd)
{
    char name[PATH_MAX];
    if (fails(SYNC, function, name_of(fd, name)))
        return -1;
    int lock = locked(name), failed = (int)syscall(number, fd);
    if (lock && !failed)
        note('S', inode_of(fd), 0, name, NULL, NULL, 0);
    unlocked(lock);
    return failed;
}
int fsync(int fd)
{
    return synced("fsync", SYS_fsync, fd);
}
int fdatasync(int fd)
{
    return synced("fdatasync", SYS_fdatasync, fd);
}

#define MAPS(function)                                                                             \
    void *function(void *at, size_t n, int protection, int flags, int fd, off_t offset)            \
    {                                                                                              \
        char name[PATH_MAX] = "memory";                                                            \
        if (!(flags & MAP_ANONYMOUS))                                                              \
            name_of(fd, name);                                                                     \
        if (fails(MAP, #function, name))                                                           \
            return MAP_FAILED;                                                                     \
        return (void *)syscall(SYS_mmap, at, n, protection, flags, fd, offset);                    \
    }
MAPS(mmap)
MAPS(mmap64)

/* ---- named */

static int named(enum kind kind, char what, const char *function, int dir, const char *path,
                 int to_dir, const char *to_path, long number, long more)
{
    char one[PATH_MAX] = "", other[PATH_MAX] = "";
    if (state)
        absolute(dir, path, one);
    if (state && to_path)
        absolute(to_dir, to_path, other);
    if (fails(kind, function, one))
        return -1;
    int lock = locked(to_path ? other : one);
    uint64_t inode = 0;
    struct stat found;
    if (lock && what == 'L' &&
        !syscall(SYS_newfstatat, dir, path, &found,
                 more & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW))
        inode = found.st_ino;
    int failed = (int)(to_path ? syscall(number, dir, path, to_dir, to_path, more)
                               : syscall(number, dir, path, more));
    if (lock && !failed)
        note(what, inode, 0, one, other, NULL, 0);
    unlocked(lock);
    return failed;
}

int renameat(int dir, const char *path, int to_dir, const char *to_path)
{
    return named(RENAME, 'R', "renameat", dir, path, to_dir, to_path, SYS_renameat2, 0);
}
int rename(const char *path, const char *to)
{
    return named(RENAME, 'R', "rename", AT_FDCWD, path, AT_FDCWD, to, SYS_renameat2, 0);
}
int linkat(int dir, const char *path, int to_dir, const char *to_path, int flags)
{
    return named(MAKE, 'L', "linkat", dir, path, to_dir, to_path, SYS_linkat, flags);
}
int link(const char *path, const char *to)
{
    return named(MAKE, 'L', "link", AT_FDCWD, path, AT_FDCWD, to, SYS_linkat, 0);
}
int unlinkat(int dir, const char *path, int flags)
{
    return named(UNLINK, flags & AT_REMOVEDIR ? 'D' : 'U', "unlinkat", dir, path, 0, NULL,
                 SYS_unlinkat, flags);
}
int unlink(const char *path)
{
    return named(UNLINK, 'U', "unlink", AT_FDCWD, path, 0, NULL, SYS_unlinkat, 0);
}
int rmdir(const char *path)
{
    return named(UNLINK, 'D', "rmdir", AT_FDCWD, path, 0, NULL, SYS_unlinkat, AT_REMOVEDIR);
}
int mkdirat(int dir, const char *path, mode_t mode)
{
    return named(MAKE, 'M', "mkdirat", dir, path, 0, NULL, SYS_mkdirat, mode);
}
int mkdir(const char *path, mode_t mode)
{
    return named(MAKE, 'M', "mkdir", AT_FDCWD, path, 0, NULL, SYS_mkdirat, mode);
}

/* ---- begun: of processes and threads all count */

static int cannot(enum kind kind, const char *function)
{
    return under && fails(kind, function, under);
}

pid_t fork(void)
{
    return cannot(FORK, "fork") ? -1 : REAL(fork)();
}
pid_t vfork(void)
{
    return cannot(FORK, "vfork") ? -1 : REAL(fork)();
}

int posix_spawn(pid_t *restrict pid, const char *restrict path,
                const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *restrict how_so,
                char *const given[restrict], char *const places[restrict])
{
    return cannot(FORK, "posix_spawn")
               ? errno
               : REAL(posix_spawn)(pid, path, actions, how_so, given, places);
}

int execve(const char *path, char *const given[], char *const places[])
{
    return cannot(EXEC, "execve") ? -1 : (int)syscall(SYS_execve, path, given, places);
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict how_so,
                   void *(*begin)(void *), void *restrict with)
{
    return cannot(THREAD, "pthread_create") ? errno
                                            : REAL(pthread_create)(thread, how_so, begin, with);
}

/* ---- memory */

enum { LARGE = 4096 }; /* bytes; what is smaller is the interpreter's own, at any moment */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t n);
void *__libc_memalign(size_t to, size_t n);

static int no_memory(const char *function, size_t n)
{
    return state && n >= LARGE && fails(ALLOC, function, "allocation");
}
void *malloc(size_t n)
{
    return no_memory("malloc", n) ? NULL : __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
    return no_memory("calloc", size && n >= LARGE / size ? LARGE : n * size)
               ? NULL
               : __libc_calloc(n, size);
}
void *realloc(void *old, size_t n)
{
    return no_memory("realloc", n) ? NULL : __libc_realloc(old, n);
}
void *aligned_alloc(size_t to, size_t n)
{
    return no_memory("aligned_alloc", n) ? NULL : __libc_memalign(to, n);
}
void *memalign(size_t to, size_t n)
{
    return no_memory("memalign", n) ? NULL : __libc_memalign(to, n);
}
int posix_memalign(void **at, size_t to, size_t n)
{
    int error = errno;
    void *got = no_memory("posix_memalign", n) ? NULL : __libc_memalign(to, n);
    errno = error;
    return got ? *at = got, 0 : ENOMEM;
}
