/* Writes down, in order, what a process writes to files, has on the disk, and sends: for test_disk_before_word.py.
 *
 * Preloaded (LD_PRELOAD), it stands before the C library's functions. A sync is noted when it has returned, a send
 * before it begins: what stands in this order in the notes happened in this order. The notes, in $ORDER_LOG:
 *   written <marker>   a file got a text with this marker    synced   a file is on the disk
 *   sent <marker>      so did a socket                       got <marker>   a socket brought it
 *   got <envelope id>  just before the marker of its event   acknowledged <envelope id>
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *const MARKS[] = {"echo m", ">>> m"};
static const char ENVELOPE[] = "\"envelope_id\": \"";
enum { DIGITS = 5, UUID = 36, LONGEST = 64 };

static void note(const char *line, size_t length) {
    static int notes = -1;
    if (notes < 0) {
        const char *path = getenv("ORDER_LOG");
        notes = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    }
    if (notes >= 0) syscall(SYS_write, notes, line, length);
}

static void note_markers(const char *deed, const char *data, size_t size) {
    for (size_t kind = 0; kind < sizeof MARKS / sizeof *MARKS; kind++) {
        const size_t length = strlen(MARKS[kind]);
        const char *at = data, *const end = data + size;
        while ((at = memmem(at, end - at, MARKS[kind], length)) && at + length + DIGITS <= end) {
            char line[LONGEST];
            int used = snprintf(line, sizeof line, "%s %.*s\n", deed, (int)length + DIGITS, at);
            note(line, used);
            at += length;
        }
    }
}

static void note_envelopes(const char *deed, const char *data, size_t size) {
    const size_t length = sizeof ENVELOPE - 1;
    const char *at = data, *const end = data + size;
    while ((at = memmem(at, end - at, ENVELOPE, length)) && at + length + UUID <= end) {
        char line[LONGEST];
        int used = snprintf(line, sizeof line, "%s %.*s\n", deed, UUID, at + length);
        note(line, used);
        at += length;
    }
}

/* Frames of clients are masked with four bytes of their own (RFC 6455, 5.3); acknowledgements are short. */
static void note_acknowledgement(const unsigned char *frame, size_t size) {
    char text[126];
    if (size < 6 || frame[0] != 0x81 || (frame[1] & 0x80) == 0 || (frame[1] & 0x7f) > 125) return;
    size_t length = frame[1] & 0x7f;
    if (size < 6 + length) return;
    for (size_t at = 0; at < length; at++) text[at] = frame[6 + at] ^ frame[2 + at % 4];
    note_envelopes("acknowledged", text, length);
}

static void see(int fd, const void *data, size_t size) {
    struct stat status;
    if (fstat(fd, &status) != 0) return;
    if (S_ISSOCK(status.st_mode)) {
        note_acknowledgement(data, size);
        note_markers("sent", data, size);
    } else if (S_ISREG(status.st_mode)) {
        note_markers("written", data, size);
    }
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int synced(int result) {
    if (result == 0) note("synced\n", 7);
    return result;
}

int fsync(int fd) { return synced(REAL(fsync)(fd)); }
int fdatasync(int fd) { return synced(REAL(fdatasync)(fd)); }

ssize_t write(int fd, const void *data, size_t size) {
    see(fd, data, size);
    return REAL(write)(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    see(fd, data, size);
    return REAL(pwrite)(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    see(fd, data, size);
    return REAL(pwrite64)(fd, data, size, at);
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    see(fd, data, size);
    return REAL(send)(fd, data, size, flags);
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t length) {
    see(fd, data, size);
    return REAL(sendto)(fd, data, size, flags, to, length);
}

static ssize_t got(int fd, const void *data, ssize_t size) {
    struct stat status;
    if (size > 0 && fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode)) {
        note_envelopes("got", data, size);
        note_markers("got", data, size);
    }
    return size;
}

ssize_t read(int fd, void *data, size_t size) { return got(fd, data, REAL(read)(fd, data, size)); }
ssize_t recv(int fd, void *data, size_t size, int flags) { return got(fd, data, REAL(recv)(fd, data, size, flags)); }

static void see_all(int fd, const struct iovec *parts, int count) {
    char whole[1 << 16];
    size_t used = 0;
    for (int part = 0; part < count; part++) {
        size_t length = parts[part].iov_len;
        if (length > sizeof whole - used) length = sizeof whole - used;
        memcpy(whole + used, parts[part].iov_base, length);
        used += length;
    }
    see(fd, whole, used);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    see_all(fd, parts, count);
    return REAL(writev)(fd, parts, count);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    see_all(fd, message->msg_iov, (int)message->msg_iovlen);
    return REAL(sendmsg)(fd, message, flags);
}
