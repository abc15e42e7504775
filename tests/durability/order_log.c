/* Traces a process's file writes, syncs and sends in their order, for test_fsync_before_ack.py.
 *
 * Preloaded (LD_PRELOAD), it wraps the C library's functions. A sync is traced after it has returned, a send before
 * it starts, so the entries' order in the trace is the order of events. The entries, in the file $ORDER_LOG:
 *   written <marker>   a text with this marker was written to a file    synced   a file is on disk
 *   sent <marker>      ... was sent to a socket                         got <marker>   ... was received
 *   got <envelope id>  just before the marker of its event              acknowledged <envelope id>
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

static void trace(const char *line, size_t length) {
    static int file = -1;
    if (file < 0) {
        const char *path = getenv("ORDER_LOG");
        file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    }
    if (file >= 0) syscall(SYS_write, file, line, length);
}

static void trace_markers(const char *verb, const char *data, size_t size) {
    for (size_t kind = 0; kind < sizeof MARKS / sizeof *MARKS; kind++) {
        const size_t length = strlen(MARKS[kind]);
        const char *at = data, *const end = data + size;
        while ((at = memmem(at, end - at, MARKS[kind], length)) && at + length + DIGITS <= end) {
            char line[LONGEST];
            int used = snprintf(line, sizeof line, "%s %.*s\n", verb, (int)length + DIGITS, at);
            trace(line, used);
            at += length;
        }
    }
}

static void trace_envelopes(const char *verb, const char *data, size_t size) {
    const size_t length = sizeof ENVELOPE - 1;
    const char *at = data, *const end = data + size;
    while ((at = memmem(at, end - at, ENVELOPE, length)) && at + length + UUID <= end) {
        char line[LONGEST];
        int used = snprintf(line, sizeof line, "%s %.*s\n", verb, UUID, at + length);
        trace(line, used);
        at += length;
    }
}

/* Client frames carry a four-byte mask (RFC 6455, 5.3); acknowledgements are short. */
static void trace_acknowledgement(const unsigned char *frame, size_t size) {
    char text[126];
    if (size < 6 || frame[0] != 0x81 || (frame[1] & 0x80) == 0 || (frame[1] & 0x7f) > 125) return;
    size_t length = frame[1] & 0x7f;
    if (size < 6 + length) return;
    for (size_t at = 0; at < length; at++) text[at] = frame[6 + at] ^ frame[2 + at % 4];
    trace_envelopes("acknowledged", text, length);
}

static void trace_output(int fd, const void *data, size_t size) {
    struct stat status;
    if (fstat(fd, &status) != 0) return;
    if (S_ISSOCK(status.st_mode)) {
        trace_acknowledgement(data, size);
        trace_markers("sent", data, size);
    } else if (S_ISREG(status.st_mode)) {
        trace_markers("written", data, size);
    }
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int synced(int result) {
    if (result == 0) trace("synced\n", 7);
    return result;
}

int fsync(int fd) { return synced(REAL(fsync)(fd)); }
int fdatasync(int fd) { return synced(REAL(fdatasync)(fd)); }

ssize_t write(int fd, const void *data, size_t size) {
    trace_output(fd, data, size);
    return REAL(write)(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    trace_output(fd, data, size);
    return REAL(pwrite)(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    trace_output(fd, data, size);
    return REAL(pwrite64)(fd, data, size, at);
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    trace_output(fd, data, size);
    return REAL(send)(fd, data, size, flags);
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t length) {
    trace_output(fd, data, size);
    return REAL(sendto)(fd, data, size, flags, to, length);
}

static ssize_t got(int fd, const void *data, ssize_t size) {
    struct stat status;
    if (size > 0 && fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode)) {
        trace_envelopes("got", data, size);
        trace_markers("got", data, size);
    }
    return size;
}

ssize_t read(int fd, void *data, size_t size) { return got(fd, data, REAL(read)(fd, data, size)); }
ssize_t recv(int fd, void *data, size_t size, int flags) { return got(fd, data, REAL(recv)(fd, data, size, flags)); }

static void trace_all_output(int fd, const struct iovec *parts, int count) {
    char whole[1 << 16];
    size_t used = 0;
    for (int part = 0; part < count; part++) {
        size_t length = parts[part].iov_len;
        if (length > sizeof whole - used) length = sizeof whole - used;
        memcpy(whole + used, parts[part].iov_base, length);
        used += length;
    }
    trace_output(fd, whole, used);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    trace_all_output(fd, parts, count);
    return REAL(writev)(fd, parts, count);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    trace_all_output(fd, message->msg_iov, (int)message->msg_iovlen);
    return REAL(sendmsg)(fd, message, flags);
}
