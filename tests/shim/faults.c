/* Faults of a disk, for one program: preloaded before libc, it fails chosen calls on the files of one folder, and
 * writes down what was asked of that folder, so that a power cut can be played afterwards.
 *
 * FAULTS_UNDER    the folder, absolute and without links; calls on other files pass
 * FAULTS_SYNC     which sync call fails with EIO, counted from 1; later ones succeed, as the system's would
 * FAULTS_EIO      which write fails with EIO, counted from 1, with nothing written; later ones succeed
 * FAULTS_WRITE    from which write on the disk is full: that one is cut in half, all later ones give ENOSPC
 * FAULTS_FULL     a file: while it stands, the disk is full, and every write gives ENOSPC
 * FAULTS_KILL     after which change of the folder the program is killed (SIGKILL), counted from 1
 * FAULTS_ARMED    a file: if this is given, changes are counted for that only while it stands
 * FAULTS_LOG      a file that gets a line for each sync, each write, and each line said on standard output; after a
 *                 failed sync or write, what any other thread does up to and with its first sync is marked "beside": it may have
 *                 begun that before it could be told
 * FAULTS_JOURNAL  a file that gets each change of the folder with its bytes, each sync, and each line said
 *
 * A record of the journal: u8 kind, u32 length of the path, u32 length of the data, u64 place (all little-endian),
 * path under the folder, data. Kinds: c create, w write, t truncate, s sync, r rename (data: the new path), u unlink,
 * m mkdir, a said. Not here: what a cut leaves (power.rs).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static long syncs, writes, changes;
/* Whether a sync, or a write with EIO, has failed; and whether this thread is one that must know, by its own failure or by having ended since
 * then what it was at. All with the turn held. */
static int failed;
static __thread int must_know;

static int inside(const char *path, const char **rest) {
    const char *under = getenv("FAULTS_UNDER");
    size_t len = under ? strlen(under) : 0;
    if (!len || strncmp(path, under, len) || (path[len] && path[len] != '/')) return 0;
    *rest = path[len] ? path + len + 1 : path + len;
    return 1;
}

/* The path of an open file, if it lies in the folder. */
static int named(int fd, char *buffer, const char **rest) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, buffer, PATH_MAX - 1);
    if (len <= 0) return 0;
    buffer[len] = 0;
    return inside(buffer, rest);
}

/* Past this library, and past the counters. */
static void append(const char *variable, const void *bytes, size_t len) {
    const char *path = getenv(variable);
    if (!path) return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EMFILE) return;
    if (fd < 0 || syscall(SYS_write, fd, bytes, len) != (long)len) abort();
    syscall(SYS_close, fd);
}

static long chosen(const char *variable) {
    const char *text = getenv(variable);
    return text ? atol(text) : 0;
}

/* Whether a file stands that a variable names; `otherwise` if none is named. */
static int is_there(const char *variable, int otherwise) {
    const char *path = getenv(variable);
    return path ? !syscall(SYS_faccessat, AT_FDCWD, path, F_OK) : otherwise;
}

/* Called with the turn held, once a change was made. */
static void journal(char kind, const char *path, const void *data, size_t len, uint64_t place) {
    if (kind != 'a' && is_there("FAULTS_ARMED", 1) && ++changes == chosen("FAULTS_KILL")) kill(getpid(), SIGKILL);
    if (!getenv("FAULTS_JOURNAL")) return;
    uint32_t path_len = (uint32_t)strlen(path), data_len = (uint32_t)len;
    size_t total = 17 + path_len + len;
    char *record = malloc(total);
    if (!record) abort();
    record[0] = kind;
    memcpy(record + 1, &path_len, 4);
    memcpy(record + 5, &data_len, 4);
    memcpy(record + 9, &place, 8);
    memcpy(record + 17, path, path_len);
    if (len) memcpy(record + 17 + path_len, data, len);
    append("FAULTS_JOURNAL", record, total);
    free(record);
}

static void note(const char *what, long number, const char *path, const char *result) {
    char line[PATH_MAX + 80];
    int len = snprintf(line, sizeof line, "%s %ld %s %s\n", what, number, path, result);
    append("FAULTS_LOG", line, (size_t)len);
}

#define REAL(name, ...)                                                                                                \
    static int (*real)(__VA_ARGS__);                                                                                   \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, name)

/* Called with the turn held; 1 if this sync is to fail. */
static int sync_fails(const char *name, const char *path) {
    int fails = ++syncs == chosen("FAULTS_SYNC");
    note(name, syncs, path, fails ? "EIO" : failed && !must_know ? "beside" : "ok");
    failed |= fails;
    must_know |= failed;
    return fails;
}

#define SYNC(name, promises, parameters, ...)                                                                          \
    int name parameters {                                                                                              \
        static int(*real) parameters;                                                                                  \
        if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name);                                                          \
        char buffer[PATH_MAX];                                                                                         \
        const char *path;                                                                                              \
        if (!named(fd, buffer, &path)) return real(__VA_ARGS__);                                                       \
        pthread_mutex_lock(&turn);                                                                                     \
        int result = sync_fails(#name, path) ? (errno = EIO, -1) : real(__VA_ARGS__);                                  \
        int error = errno;                                                                                             \
        if (promises && !result) journal('s', path, NULL, 0, 0);                                                       \
        pthread_mutex_unlock(&turn);                                                                                   \
        errno = error;                                                                                                 \
        return result;                                                                                                 \
    }

SYNC(fsync, 1, (int fd), fd)
SYNC(fdatasync, 1, (int fd), fd)
/* Promises nothing across a power cut, but a program may believe that it does. */
SYNC(sync_file_range, 0, (int fd, off64_t offset, off64_t count, unsigned flags), fd, offset, count, flags)

/* One write, of which `place` is where, or -1 for where the file stands. */
static ssize_t put(int fd, const void *bytes, size_t count, off64_t place) {
    char buffer[PATH_MAX];
    const char *path;
    long number = place < 0 ? SYS_write : SYS_pwrite64;
    if (fd == STDOUT_FILENO) {
        pthread_mutex_lock(&turn);
        journal('a', "", bytes, count, 0);
        note("said", 0, "-", "ok");
        pthread_mutex_unlock(&turn);
    }
    if (!named(fd, buffer, &path)) return syscall(number, fd, bytes, count, place);
    pthread_mutex_lock(&turn);
    long full = chosen("FAULTS_WRITE");
    int fails = (++writes >= full && full) || is_there("FAULTS_FULL", 0);
    int breaks = writes == chosen("FAULTS_EIO");
    const char *passed = failed && !must_know ? "beside" : "ok";
    note("write", writes, path, breaks ? "EIO" : !fails ? passed : writes == full && count > 1 ? "half" : "ENOSPC");
    failed |= breaks;
    must_know |= breaks;
    if (fails && writes == full) count /= 2;
    ssize_t done = -1;
    int error = breaks ? EIO : ENOSPC;
    if (breaks) fails = 1, count = 0;
    if (!fails || (writes == full && count)) {
        off64_t at = place;
        struct stat found;
        int flags = fcntl(fd, F_GETFL);
        if (place < 0) at = flags & O_APPEND && !fstat(fd, &found) ? found.st_size : lseek64(fd, 0, SEEK_CUR);
        done = syscall(number, fd, bytes, count, place);
        error = errno;
        if (done > 0) journal('w', path, bytes, (size_t)done, (uint64_t)at);
    }
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}

ssize_t write(int fd, const void *bytes, size_t count) { return put(fd, bytes, count, -1); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t place) { return put(fd, bytes, count, place); }
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t place) { return put(fd, bytes, count, place); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        if (!parts[i].iov_len) continue;
        ssize_t done = put(fd, parts[i].iov_base, parts[i].iov_len, -1);
        if (done < 0) return all ? all : -1;
        all += done;
        if ((size_t)done < parts[i].iov_len) break;
    }
    return all;
}

static int resize(int fd, off64_t size) {
    char buffer[PATH_MAX];
    const char *path;
    if (!named(fd, buffer, &path)) return (int)syscall(SYS_ftruncate, fd, size);
    pthread_mutex_lock(&turn);
    int result = (int)syscall(SYS_ftruncate, fd, size), error = errno;
    if (!result) journal('t', path, NULL, 0, (uint64_t)size);
    pthread_mutex_unlock(&turn);
    errno = error;
    return result;
}

int ftruncate(int fd, off_t size) { return resize(fd, size); }
int ftruncate64(int fd, off64_t size) { return resize(fd, size); }

static int take(const char *name, int flags, mode_t mode) {
    const char *path;
    if (!(flags & (O_CREAT | O_TRUNC)) || !inside(name, &path)) {
        return (int)syscall(SYS_openat, AT_FDCWD, name, flags | O_LARGEFILE, mode);
    }
    pthread_mutex_lock(&turn);
    int fresh = syscall(SYS_faccessat, AT_FDCWD, name, F_OK) != 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, name, flags | O_LARGEFILE, mode), error = errno;
    if (fd >= 0 && fresh) journal('c', path, NULL, 0, 0);
    if (fd >= 0 && !fresh && flags & O_TRUNC) journal('t', path, NULL, 0, 0);
    pthread_mutex_unlock(&turn);
    errno = error;
    return fd;
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                       \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;                                      \
        va_end(rest);                                                                                                  \
        return take(path, flags, mode);                                                                                \
    }

OPEN(open)
OPEN(open64)

int rename(const char *from, const char *to) {
    REAL("rename", const char *, const char *);
    const char *path, *target;
    if (!inside(from, &path) || !inside(to, &target)) return real(from, to);
    pthread_mutex_lock(&turn);
    int result = real(from, to), error = errno;
    if (!result) journal('r', path, target, strlen(target), 0);
    pthread_mutex_unlock(&turn);
    errno = error;
    return result;
}

int unlink(const char *name) {
    REAL("unlink", const char *);
    const char *path;
    if (!inside(name, &path)) return real(name);
    pthread_mutex_lock(&turn);
    int result = real(name), error = errno;
    if (!result) journal('u', path, NULL, 0, 0);
    pthread_mutex_unlock(&turn);
    errno = error;
    return result;
}

int mkdir(const char *name, mode_t mode) {
    REAL("mkdir", const char *, mode_t);
    const char *path;
    if (!inside(name, &path)) return real(name, mode);
    pthread_mutex_lock(&turn);
    int result = real(name, mode), error = errno;
    if (!result) journal('m', path, NULL, 0, 0);
    pthread_mutex_unlock(&turn);
    errno = error;
    return result;
}
