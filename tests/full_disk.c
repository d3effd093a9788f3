/* Preloaded into a server of the tests: while a file of a certain name is there, no file of the server may grow, and it is
   told ENOSPC, as by a disk that is full. FULL_DISK_WHILE is that name; what has FULL_DISK_SPARES in its path grows. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_spared(int file) {
    const char *spared = getenv("FULL_DISK_SPARES");
    char link[64], path[4096];
    if (!spared || !*spared)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strstr(path, spared) != NULL;
}

static int has_no_room(int file, off_t end) {
    const char *full = getenv("FULL_DISK_WHILE");
    struct stat now;
    int before = errno;
    /* What it says about itself it says elsewhere. */
    int none = file > STDERR_FILENO && full && access(full, F_OK) == 0 && fstat(file, &now) == 0 && S_ISREG(now.st_mode) && end > now.st_size &&
               !is_spared(file);
    errno = none ? ENOSPC : before;
    return none;
}

static off_t sum(const struct iovec *parts, int count) {
    off_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += parts[i].iov_len;
    return bytes;
}

static off_t position(int file) {
    int flags = fcntl(file, F_GETFL);
    return lseek(file, 0, flags >= 0 && flags & O_APPEND ? SEEK_END : SEEK_CUR);
}

/* Defines a function of the C library anew: CALL(type, name, arguments, their names, where it ends, what it returns). */
#define CALL(type, name, arguments, names, end, refusal)                                                               \
    type name arguments {                                                                                              \
        static type(*real) arguments;                                                                                  \
        if (!real)                                                                                                     \
            real = (type(*) arguments)dlsym(RTLD_NEXT, #name);                                                         \
        return has_no_room(file, end) ? (refusal) : real names;                                                        \
    }

CALL(ssize_t, write, (int file, const void *bytes, size_t size), (file, bytes, size), position(file) + (off_t)size, -1)
#define PWRITE(name)                                                                                                   \
    CALL(ssize_t, name, (int file, const void *bytes, size_t size, off_t at), (file, bytes, size, at),                 \
         at + (off_t)size, -1)
PWRITE(pwrite)
PWRITE(pwrite64)
#define PWRITEV(name)                                                                                                  \
    CALL(ssize_t, name, (int file, const struct iovec *parts, int count, off_t at), (file, parts, count, at),          \
         at + sum(parts, count), -1)
PWRITEV(pwritev)
PWRITEV(pwritev64)
#define POSIX_FALLOCATE(name)                                                                                          \
    CALL(int, name, (int file, off_t at, off_t size), (file, at, size), at + size, ENOSPC)
POSIX_FALLOCATE(posix_fallocate)
POSIX_FALLOCATE(posix_fallocate64)
#define FALLOCATE(name)                                                                                                \
    CALL(int, name, (int file, int mode, off_t at, off_t size), (file, mode, at, size), at + size, -1)
FALLOCATE(fallocate)
FALLOCATE(fallocate64)
