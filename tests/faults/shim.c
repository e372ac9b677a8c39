/* Stands between a process and the C library: counts its calls on files below one folder, and lets one fail.

   Loaded with LD_PRELOAD, so that SQLite's own calls come by as well. Nothing happens before faults_arm().
   faults_record() writes every change of the file system to a descriptor, for power.py to lose some of it. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_DESCRIPTORS 4096
#define PATHS 4096

enum kind { COUNT, FAIL, FAIL_FROM, SHORT, KILL_BEFORE, KILL_AFTER, SHARING };
/* What is counted: a bit each. */
enum class { OPEN = 1, READ = 2, WRITE = 4, SYNC = 8, NAME = 16, LOOK = 32, LOCK = 64, CLOSE = 128, MODE = 256 };

static char root[PATHS];
static size_t root_length;
static volatile int is_armed;
static long at;
static int kind, error_number, classes;
static char *path_of[MOST_DESCRIPTORS];
/* Shared with the process that forked this one, which outlives it. */
static struct { long calls; char call[32], path[PATHS]; } *seen;
static int record = -1;
static pthread_mutex_t recording = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

void faults_arm(const char *folder, int which, long number, int how, int error)
{
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    classes = which; at = number; kind = how; error_number = error;
    is_armed = 1;
}
/* Forget what was seen; before the first fork. */
void faults_forget(void)
{
    if (!seen) seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(seen, 0, sizeof *seen);
}
long faults_calls(void) { return seen->calls; }
const char *faults_hit_call(void) { return seen->call; }
const char *faults_hit_path(void) { return seen->path; }
void faults_record(int descriptor) { record = descriptor; }

static int is_below(const char *path)
{
    return path && is_armed && !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}
static const char *descriptor_path(int fd)
{
    return is_armed && fd >= 0 && fd < MOST_DESCRIPTORS ? path_of[fd] : NULL;
}
/* A path below a descriptor, as shutil.rmtree gives it. */
static const char *whole_path(int fd, const char *path, char *buffer)
{
    if (!is_armed || !path) return NULL;
    if (path[0] == '/') return is_below(path) ? path : NULL;
    const char *parent = descriptor_path(fd);
    if (!parent) return NULL;
    snprintf(buffer, PATHS, "%s/%s", parent, path);
    return buffer;
}
/* Whether this call fails: -1 with errno set, 1 where it is to be cut short, 2 to be killed after it. */
static int faulty(int class, const char *call, const char *path)
{
    if (!path || !(class & classes)) return 0;
    long number = __atomic_add_fetch(&seen->calls, 1, __ATOMIC_SEQ_CST);
    if (kind == COUNT || kind == SHARING || number < at || (number > at && kind != FAIL_FROM)) return 0;
    if (!seen->call[0]) {
        snprintf(seen->call, sizeof seen->call, "%s", call);
        snprintf(seen->path, sizeof seen->path, "%s", path);
    }
    switch (kind) {
    case FAIL: case FAIL_FROM: errno = error_number; return -1;
    case SHORT: return 1;
    case KILL_BEFORE: raise(SIGKILL);
    case KILL_AFTER: return 2;
    }
    return 0;
}
#define MAY_FAIL(class, call, path) \
    int fault = faulty(class, call, path); \
    if (fault < 0) return -1
#define DONE(result) do { if (fault == 2) raise(SIGKILL); return result; } while (0)

/* One line of the record: what, one or two paths, the file's inode, an offset, a number of bytes; then these. */
static void note(const char *what, const char *path, const char *other, long long inode, long long offset,
                 const void *data, size_t length)
{
    int saved = errno;
    dprintf(record, "%s\t%s\t%s\t%lld\t%lld\t%zu\n", what, path ? path : "", other ? other : "", inode, offset, data ? length : 0);
    if (data) {
        static ssize_t (*out)(int, const void *, size_t);
        if (!out) out = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
        for (size_t done = 0; done < length;) {
            ssize_t more = out(record, (const char *)data + done, length - done);
            if (more <= 0) abort();
            done += (size_t)more;
        }
    }
    errno = saved;
}
static long long inode_of(int fd)
{
    struct stat status;
    REAL(fstat);
    return real(fd, &status) ? -1 : (long long)status.st_ino;
}
#define RECORDED(path) int is_recorded = record >= 0 && (path); if (is_recorded) pthread_mutex_lock(&recording)
#define RECORD_ENDS if (is_recorded) pthread_mutex_unlock(&recording)

static void remember(int fd, const char *path)
{
    if (fd < 0 || fd >= MOST_DESCRIPTORS) return;
    free(path_of[fd]);
    path_of[fd] = path ? strdup(path) : NULL;
}

static int open_any(int fd, const char *path, int flags, mode_t mode)
{
    char buffer[PATHS];
    const char *whole = whole_path(fd, path, buffer);
    MAY_FAIL(OPEN, flags & O_CREAT ? "create" : "open", whole);
    REAL(openat64);
    RECORDED(whole && (flags & (O_CREAT | O_TRUNC)));
    int is_new = is_recorded && access(whole, F_OK);
    int opened = real(fd, path, flags, mode);
    if (is_recorded && opened >= 0) {
        if (is_new) note("create", whole, NULL, inode_of(opened), 0, NULL, 0);
        else if (flags & O_TRUNC) note("truncate", whole, NULL, inode_of(opened), 0, NULL, 0);
    }
    RECORD_ENDS;
    if (opened >= 0) remember(opened, whole);
    DONE(opened);
}
#define MODE_ARGUMENT mode_t mode = 0; if (flags & O_CREAT) { va_list list; va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); }
int open(const char *path, int flags, ...) { MODE_ARGUMENT return open_any(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_ARGUMENT return open_any(AT_FDCWD, path, flags, mode); }
int openat(int fd, const char *path, int flags, ...) { MODE_ARGUMENT return open_any(fd, path, flags, mode); }
int openat64(int fd, const char *path, int flags, ...) { MODE_ARGUMENT return open_any(fd, path, flags, mode); }

static FILE *stream(FILE *(*real)(const char *, const char *), const char *path, const char *mode)
{
    if (faulty(OPEN, "fopen", is_below(path) ? path : NULL) < 0) return NULL;
    return real(path, mode);
}
FILE *fopen(const char *path, const char *mode) { REAL(fopen); return stream(real, path, mode); }
FILE *fopen64(const char *path, const char *mode) { REAL(fopen64); return stream(real, path, mode); }

int close(int fd)
{
    REAL(close);
    const char *path = descriptor_path(fd);
    int fault = faulty(CLOSE, "close", path);
    int saved = errno;
    if (fd >= 0 && fd < MOST_DESCRIPTORS) remember(fd, NULL);
    int result = real(fd);
    if (fault < 0) { errno = saved; return -1; }
    DONE(result);
}
int dup2(int from, int to)
{
    REAL(dup2);
    int result = real(from, to);
    if (result >= 0 && from != to) remember(to, descriptor_path(from));
    return result;
}

ssize_t read(int fd, void *data, size_t length)
{
    REAL(read);
    MAY_FAIL(READ, "read", descriptor_path(fd));
    DONE(real(fd, data, fault == 1 && length > 1 ? length / 2 : length));
}
ssize_t pread64(int fd, void *data, size_t length, off64_t offset)
{
    REAL(pread64);
    MAY_FAIL(READ, "pread", descriptor_path(fd));
    DONE(real(fd, data, fault == 1 && length > 1 ? length / 2 : length, offset));
}
static long long place_of(int fd)
{
    REAL(fcntl64);
    if (real(fd, F_GETFL) & O_APPEND) { struct stat status; return fstat(fd, &status) ? -1 : (long long)status.st_size; }
    return (long long)lseek64(fd, 0, SEEK_CUR);
}
ssize_t write(int fd, const void *data, size_t length)
{
    REAL(write);
    const char *path = descriptor_path(fd);
    MAY_FAIL(WRITE, "write", path);
    RECORDED(path);
    long long offset = is_recorded ? place_of(fd) : 0;
    ssize_t result = real(fd, data, fault == 1 && length > 1 ? length / 2 : length);
    if (is_recorded && result > 0) note("write", path, NULL, inode_of(fd), offset, data, (size_t)result);
    RECORD_ENDS;
    DONE(result);
}
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset)
{
    REAL(pwrite64);
    const char *path = descriptor_path(fd);
    MAY_FAIL(WRITE, "pwrite", path);
    RECORDED(path);
    ssize_t result = real(fd, data, fault == 1 && length > 1 ? length / 2 : length, offset);
    if (is_recorded && result > 0) note("write", path, NULL, inode_of(fd), offset, data, (size_t)result);
    RECORD_ENDS;
    DONE(result);
}
ssize_t writev(int fd, const struct iovec *parts, int count)
{
    REAL(writev);
    const char *path = descriptor_path(fd);
    MAY_FAIL(WRITE, "writev", path);
    if (path && record >= 0) abort();
    DONE(real(fd, parts, count));
}
/* Copied by reading and writing instead, which are looked at. */
ssize_t sendfile64(int to, int from, off64_t *offset, size_t length)
{
    REAL(sendfile64);
    if (descriptor_path(to)) { errno = EINVAL; return -1; }
    return real(to, from, offset, length);
}
ssize_t copy_file_range(int from, off64_t *in, int to, off64_t *out, size_t length, unsigned flags)
{
    REAL(copy_file_range);
    if (descriptor_path(to)) { errno = EINVAL; return -1; }
    return real(from, in, to, out, length, flags);
}
int ftruncate64(int fd, off64_t size)
{
    REAL(ftruncate64);
    const char *path = descriptor_path(fd);
    MAY_FAIL(WRITE, "ftruncate", path);
    RECORDED(path);
    int result = real(fd, size);
    if (is_recorded && !result) note("truncate", path, NULL, inode_of(fd), size, NULL, 0);
    RECORD_ENDS;
    DONE(result);
}
static int sync_any(int (*real)(int), int fd, const char *call)
{
    const char *path = descriptor_path(fd);
    MAY_FAIL(SYNC, call, path);
    RECORDED(path);
    int result = real(fd);
    if (is_recorded && !result) note("sync", path, NULL, inode_of(fd), 0, NULL, 0);
    RECORD_ENDS;
    DONE(result);
}
int fsync(int fd) { REAL(fsync); return sync_any(real, fd, "fsync"); }
int fdatasync(int fd) { REAL(fdatasync); return sync_any(real, fd, "fdatasync"); }

/* Windows neither moves nor deletes a file that somebody has open. SQLite's own journals it opens otherwise. */
static int is_held(const char *path)
{
    size_t length = path ? strlen(path) : 0;
    if (!length || kind != SHARING || (length > 8 && !strcmp(path + length - 8, "-journal"))) return 0;
    for (int fd = 0; fd < MOST_DESCRIPTORS; fd++)
        if (path_of[fd] && !strcmp(path_of[fd], path)) {
            snprintf(seen->call, sizeof seen->call, "held");
            snprintf(seen->path, sizeof seen->path, "%s", path);
            errno = EACCES;
            return 1;
        }
    return 0;
}
int rename(const char *old, const char *new)
{
    REAL(rename);
    const char *path = is_below(new) ? new : NULL;
    MAY_FAIL(NAME, "rename", path);
    if (path && (is_held(old) || is_held(new))) return -1;
    RECORDED(path);
    int result = real(old, new);
    if (is_recorded && !result) note("rename", old, new, 0, 0, NULL, 0);
    RECORD_ENDS;
    DONE(result);
}
static int gone(const char *what, const char *whole, int result)
{
    if (record >= 0 && whole && !result) note(what, whole, NULL, 0, 0, NULL, 0);
    return result;
}
int unlinkat(int fd, const char *path, int flags)
{
    char buffer[PATHS];
    const char *whole = whole_path(fd, path, buffer);
    MAY_FAIL(NAME, "unlink", whole);
    if (!(flags & AT_REMOVEDIR) && is_held(whole)) return -1;
    REAL(unlinkat);
    RECORDED(whole);
    int result = gone("unlink", whole, real(fd, path, flags));
    RECORD_ENDS;
    DONE(result);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    const char *whole = is_below(path) ? path : NULL;
    MAY_FAIL(NAME, "mkdir", whole);
    RECORDED(whole);
    int result = gone("mkdir", whole, real(path, mode));
    RECORD_ENDS;
    DONE(result);
}

#define LOOK_AT(name, ...) REAL(name); MAY_FAIL(LOOK, #name, is_below(path) ? path : NULL); DONE(real(__VA_ARGS__))
int stat64(const char *path, struct stat64 *status) { LOOK_AT(stat64, path, status); }
int lstat64(const char *path, struct stat64 *status) { LOOK_AT(lstat64, path, status); }
int access(const char *path, int mode) { LOOK_AT(access, path, mode); }
int fstatat64(int fd, const char *path, struct stat64 *status, int flags)
{
    char buffer[PATHS];
    REAL(fstatat64);
    MAY_FAIL(LOOK, "fstatat64", whole_path(fd, path, buffer));
    DONE(real(fd, path, status, flags));
}
int fstat64(int fd, struct stat64 *status)
{
    REAL(fstat64);
    MAY_FAIL(LOOK, "fstat64", descriptor_path(fd));
    DONE(real(fd, status));
}
static DIR *listed;
DIR *opendir(const char *path)
{
    REAL(opendir);
    const char *whole = is_below(path) ? path : NULL;
    if (faulty(LOOK, "opendir", whole) < 0) return NULL;
    DIR *result = real(path);
    if (whole) listed = result;
    return result;
}
int closedir(DIR *folder)
{
    REAL(closedir);
    if (folder == listed) listed = NULL;
    return real(folder);
}
struct dirent64 *readdir64(DIR *folder)
{
    REAL(readdir64);
    if (folder == listed && faulty(LOOK, "readdir", root) < 0) return NULL;
    return real(folder);
}
int chmod(const char *path, mode_t mode) { REAL(chmod); MAY_FAIL(MODE, "chmod", is_below(path) ? path : NULL); DONE(real(path, mode)); }
int fchmodat(int fd, const char *path, mode_t mode, int flags)
{
    char buffer[PATHS];
    REAL(fchmodat);
    MAY_FAIL(MODE, "fchmodat", whole_path(fd, path, buffer));
    DONE(real(fd, path, mode, flags));
}
int utimensat(int fd, const char *path, const struct timespec times[2], int flags)
{
    char buffer[PATHS];
    REAL(utimensat);
    MAY_FAIL(MODE, "utimensat", whole_path(fd, path, buffer));
    DONE(real(fd, path, times, flags));
}
int fcntl64(int fd, int command, ...)
{
    REAL(fcntl64);
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (command == F_SETLK || command == F_SETLKW) {
        MAY_FAIL(LOCK, "fcntl", descriptor_path(fd));
        DONE(real(fd, command, argument));
    }
    int result = real(fd, command, argument);
    if ((command == F_DUPFD || command == F_DUPFD_CLOEXEC) && result >= 0) remember(result, descriptor_path(fd));
    return result;
}
